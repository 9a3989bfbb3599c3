"""When Pexip is watched, and by which watch: it is kept for as long as its entry in the configuration stays the same.

A reload must never make it forget whom it suspects, or how long it has seen nothing: whoever causes reloads would not
be seen.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial

from plugin.flow.admissions import Admissions
from plugin.flow.ledger import pseudonym
from plugin.shell.beside import beside
from plugin.shell.check import Checked
from plugin.shell.config_manager import ManagerEntry
from plugin.shell.metrics import Metrics
from plugin.shell.pexip_expected import examine_estate, room_names_of
from plugin.shell.pexip_manager import Pause, opened
from plugin.shell.pexip_watch import Scale, Watch
from plugin.shell.wiring import Ground

log = logging.getLogger(__name__)

PARTICIPANTS_SECONDS = 60.0
JITTER = 0.1
"""A part of each pause, so that replicas do not ask together."""


class Watching:
    """The watch that is on, where one is."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._held: tuple[ManagerEntry, Watch] | None = None
        self._stack = AsyncExitStack()

    async def follow(self, checked: Checked) -> None:
        """Watch as this configuration says, and compare with it."""
        pexip = checked.config.pexip
        entry = pexip.manager if pexip else None
        if pexip is None or entry is None or not entry.watch_minutes:
            await self.close()
            return
        scale = Scale(
            examine=partial(examine_estate, config=checked.config, pexip=pexip),
            directory=checked.directory,
            room_names=room_names_of(checked.config),
            admissions=Admissions(store=self._ground.store, clock=self._ground.clock),
            pseudonym=partial(pseudonym, key=self._ground.pseudonym_key),
        )
        if self._held is not None and self._held[0] == entry:
            self._held[1].hold_against(scale)
            return
        await self.close()
        self._held = entry, await self._begin(entry, scale=scale)

    async def close(self) -> None:
        """Watch no more, and show nothing of it."""
        self._held = None
        await self._stack.aclose()

    async def _begin(self, entry: ManagerEntry, *, scale: Scale) -> Watch:
        metrics = self._ground.telemetry.metrics
        self._stack.callback(_clear, metrics)
        watch = Watch(await self._stack.enter_async_context(opened(entry)), scale=scale, metrics=metrics)
        looking = look_again_and_again(watch, minutes=entry.watch_minutes)
        await self._stack.enter_async_context(beside(looking, gone="pexip is not watched any more"))
        return watch


async def look_again_and_again(watch: Watch, *, minutes: int, pause: Pause = asyncio.sleep) -> None:
    """Look at both until cancelled, each in its own turn, so that one that hangs does not stop the other."""
    await asyncio.gather(
        _again_and_again(watch.look_at_configuration, seconds=minutes * 60, pause=pause),
        _again_and_again(watch.look_at_participants, seconds=PARTICIPANTS_SECONDS, pause=pause),
    )


async def _again_and_again(look: Callable[[], Awaitable[None]], *, seconds: float, pause: Pause) -> None:
    while True:
        (bug,) = await asyncio.gather(look(), return_exceptions=True)
        if bug is not None:  # neither does it end the watch, nor is it silent
            log.error("pexip not looked at", extra={"exception": type(bug).__name__})
        await pause(seconds * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311 - spreads load, keeps no secret


def _clear(metrics: Metrics) -> None:
    metrics.pexip_drift.clear()
    metrics.pexip_look_age.clear()
    metrics.pexip_unadmitted.set(0)
