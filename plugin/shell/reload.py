"""Replaces the house by one of a changed configuration while questions are answered.

The new one is checked and built beside the one that stands, and takes over in one step. With anything wrong it is
refused whole, and the old one goes on deciding: this must never leave the gate without a house, nor with one that is
made of two configurations.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from plugin.ports import Clock
from plugin.shell.beside import beside
from plugin.shell.caveats import say_caveats
from plugin.shell.check import Checked, CheckFailed
from plugin.shell.config import Config
from plugin.shell.estate import Estate
from plugin.shell.gate import Gate, House, Standing
from plugin.shell.metrics import Metrics
from plugin.shell.stamps import Stamps, differ, stamp
from plugin.shell.watch import LOOK_SECONDS, hint
from plugin.shell.wiring import origin_of

log = logging.getLogger(__name__)

# Somebody who copies files is given so long between two of them, and a change that does not end so long in all.
QUIET_SECONDS = 0.5
PATIENCE_SECONDS = 30.0
SOON = 0.5

LOADED = "loaded"
REFUSED = "refused"

# What a running service has told others, or has opened for its whole life.
NEEDS_RESTART: Mapping[str, Callable[[Config], object]] = {
    "server.listen": lambda config: (config.host, config.port),
    "server.public_url": lambda config: origin_of(config.public_url),
    "server.tenant": lambda config: config.tenant,
    "store.url": lambda config: config.store_url,
    "records.log": lambda config: config.decision_log,
    "records.pseudonym_key": lambda config: config.pseudonym_key,
    "telemetry.endpoint": lambda config: config.telemetry_endpoint,
    "metrics": lambda config: config.metrics,
    # Questions below `/policy/` would be answered with a 404, which Pexip takes for leave to decide by itself.
    "pexip": lambda config: config.pexip is not None,
}


class Reloader:
    """Reads the configuration again when its files change, or when it is told to: one at a time."""

    def __init__(
        self,
        checked: Checked,
        *,
        gate: Gate,
        estate: Estate,
        metrics: Metrics,
        clock: Clock,
        asked: asyncio.Event,
        look: Callable[[Path], Checked],
    ) -> None:
        """Begin with what decides now. `look` checks a file, in a thread; `asked` is set to have that done at once."""
        self._config = checked.config
        self._seen: Stamps = checked.seen
        self._gate = gate
        self._estate = estate
        self._metrics = metrics
        self._clock = clock
        self._look = look
        self._asked = asked
        self._note(Standing(loaded_at=clock()))

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Follow the files within the block."""
        async with beside(self._follow(), gone="changes of the configuration are not followed any more"):
            yield

    async def reload(self) -> None:
        """Read the configuration, and let it decide from now on if nothing is wrong with it."""
        loading = asyncio.create_task(self._load())
        try:
            # What ends it is looked at and not raised: whatever is wrong with a new configuration, the old one decides.
            await asyncio.wait([loading])
        finally:
            loading.cancel()
        match loading.exception():
            case None:
                await self._take_over(*loading.result())
            case CheckFailed(problems=problems, seen=seen):
                self._refuse(problems, seen=seen)
            case bug:
                self._refuse((f"{self._config.file}: cannot be loaded: {type(bug).__name__}",), seen=_take(self._seen))
        self._estate.keep_only(self._config)

    async def _follow(self) -> None:
        stirred = True
        while True:
            looking = asyncio.create_task(self._look_again(stirred=stirred))
            try:
                # How it ends is looked at and not raised: one change that cannot be followed must not be the last.
                await asyncio.wait([looking])
            finally:
                looking.cancel()
            bug = looking.exception()
            if bug is not None:
                problem = f"{self._config.file}: cannot be followed: {type(bug).__name__}"
                self._refuse((problem,), seen=self._seen)
                await asyncio.sleep(LOOK_SECONDS)
            stirred = bug is None and looking.result()

    async def _look_again(self, *, stirred: bool) -> bool:
        """Load what has changed, then wait until something may have. Say whether it has."""
        if self._asked.is_set() or await asyncio.to_thread(differ, self._seen):
            self._asked.clear()
            await self._settle()
            await self.reload()
            stirred = True
        # What happens before the watch is set up gives no hint: where something has happened, look again soon.
        return await hint(self._seen, until=self._asked, look_seconds=SOON if stirred else LOOK_SECONDS)

    async def _settle(self) -> None:
        """Wait until the files rest: half of a change can look like a whole one."""
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE_SECONDS
        stamps = await asyncio.to_thread(_take, self._seen)
        while loop.time() < until:
            await asyncio.sleep(QUIET_SECONDS)
            before, stamps = stamps, await asyncio.to_thread(_take, self._seen)
            if stamps == before:
                return

    async def _load(self) -> tuple[Checked, House]:
        # 1 check: all of it in a thread, and nobody's answer waits for it
        checked = await asyncio.to_thread(self._look, self._config.file)
        problems = tuple(not_while_running(self._config, checked.config))
        if not problems and await asyncio.to_thread(differ, checked.seen):
            problems = (f"{checked.config.file}: something changed while it was being read",)
        if problems:
            raise CheckFailed(problems, seen=checked.seen)

        # 2 build beside the house that stands
        return checked, await self._estate.furnish(checked)

    async def _take_over(self, checked: Checked, house: House) -> None:
        if self._gate.house is not None:  # else it has been shut for good
            self._gate.open(house)
        self._config, self._seen = checked.config, checked.seen
        standing = self._gate.standing
        generation = standing.generation + 1
        self._note(replace(standing, generation=generation, loaded_at=self._clock(), problems=()))
        self._metrics.config_reloads.labels(LOADED).inc()
        await self._estate.show(checked)
        say_caveats(checked)
        shadow = checked.shadow.revision if checked.shadow else ""
        fields = {"generation": generation, "bundle": checked.bundle.revision, "shadow": shadow}
        log.info("configuration loaded", extra=fields)

    def _refuse(self, problems: tuple[str, ...], *, seen: Stamps) -> None:
        self._seen = seen
        self._note(replace(self._gate.standing, refused_at=self._clock(), problems=problems))
        self._metrics.config_reloads.labels(REFUSED).inc()
        for problem in problems:
            log.error("configuration refused, the one before goes on deciding", extra={"problem": problem})

    def _note(self, standing: Standing) -> None:
        """Show how it stands, to the doors and in the metrics."""
        self._gate.standing = standing
        self._metrics.config_generation.set(standing.generation)
        self._metrics.config_is_current.set(standing.is_current)
        if standing.loaded_at:
            self._metrics.config_loaded_at.set(standing.loaded_at.timestamp())
        if standing.refused_at:
            self._metrics.config_refused_at.set(standing.refused_at.timestamp())


def not_while_running(old: Config, new: Config) -> Iterator[str]:
    """Name every setting whose change the running service cannot follow."""
    for key, read in NEEDS_RESTART.items():
        if read(old) != read(new):
            yield f"{new.file}: {key}: changed, expected a restart: the running service cannot follow"


def _take(files: Stamps) -> Stamps:
    return {file: stamp(file) for file in files}
