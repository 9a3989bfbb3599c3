"""Watches a Pexip platform while the service runs: its configuration for drift, its meetings for people unadmitted.

It only alarms, by metrics and ERROR lines: nobody is disconnected here. It must never touch admission: it has a task of
its own, and whatever fails in it is a line and the age of what it last read. No line holds an alias, a name or an
address: an administrator finds out more by `vestibule doctor --pexip-manager`, and by the participant's id.
"""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

from plugin.core.directory import Directory
from plugin.core.errors import Unavailable
from plugin.flow.admissions import Admissions, Standing
from plugin.flow.ledger import pseudonym
from plugin.platforms.pexip_findings import Finding, Kind
from plugin.platforms.pexip_manager import Estate, NotAsDocumented
from plugin.platforms.pexip_presence import Present, present
from plugin.shell.check import Checked
from plugin.shell.metrics import FAULT, WARNING, Metrics
from plugin.shell.pexip_expected import examine_estate
from plugin.shell.pexip_manager import Manager, Pause, Unread, opened
from plugin.shell.wiring import Ground

log = logging.getLogger(__name__)

CONFIGURATION, PARTICIPANTS = LOOKS = ("configuration", "participants")
PARTICIPANTS_SECONDS = 60.0
JITTER = 0.1
"""A part of each pause, so that replicas do not ask together."""
MOST_LINES = 20
"""Alarms that have a line of their own in one look; the metric counts all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What a platform is held against."""

    examine: Callable[[Estate], tuple[Finding, ...]]
    directory: Directory
    admissions: Admissions
    pseudonym: Callable[[str], str]


class Watch:
    """Remembers what it saw at its last look, which is what makes a change or a second sighting."""

    def __init__(
        self, manager: Manager, *, scale: Scale, metrics: Metrics, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._manager = manager
        self._scale = scale
        self._metrics = metrics
        self._monotonic = monotonic
        self._looked_at = dict.fromkeys(LOOKS, monotonic())
        for what in LOOKS:
            metrics.pexip_look_age.labels(what).set_function(partial(self._age, what))
        self._findings: frozenset[Finding] = frozenset()
        self._known: frozenset[Present] = frozenset()
        self._suspects: frozenset[Present] = frozenset()
        self._alarmed: frozenset[Present] = frozenset()

    def _age(self, what: str) -> float:
        return self._monotonic() - self._looked_at[what]

    async def look_at_configuration(self) -> None:
        """Read the configuration once, show how it stands, and say what has changed."""
        estate = await self._manager.estate()
        findings = frozenset(await asyncio.to_thread(self._scale.examine, estate))
        if estate.unread:  # not seen is not gone
            findings |= {finding for finding in self._findings if finding.kind is not Kind.UNREAD}
        counts = Counter((finding.kind, finding.fault) for finding in findings)
        for kind in Kind:
            for fault, level in ((True, FAULT), (False, WARNING)):
                self._metrics.pexip_drift.labels(kind.value, level).set(counts[kind, fault])
        self._say_drift(findings)
        self._findings = findings
        if not estate.unread:
            self._looked_at[CONFIGURATION] = self._monotonic()

    def _say_drift(self, findings: frozenset[Finding]) -> None:
        for kind in Kind:
            now = {finding for finding in findings if finding.kind is kind and finding.fault}
            before = {finding for finding in self._findings if finding.kind is kind and finding.fault}
            fields = {"kind": kind.value, "faults": len(now), "before": len(before)}
            if now - before:
                log.error("pexip is configured otherwise than expected: see `doctor --pexip-manager`", extra=fields)
            elif before and not now:
                log.info("pexip is configured as expected again", extra=fields)

    async def look_at_participants(self) -> None:
        """Read who is in a meeting, and alarm about whom no decision admitted, once seen so at two looks.

        The first look may fall between a call and its decision, or its end and its disappearing.
        """
        try:
            there = frozenset(present(await self._manager.participants(), directory=self._scale.directory))
            admitted = {somebody for somebody in there if await self._is_admitted(somebody)}
        except (Unread, NotAsDocumented, Unavailable) as error:
            # Not seen is not gone: what was suspected stays so.
            log.warning("participants not compared with decisions", extra={"problem": str(error)})
            return
        suspects = there - admitted
        unadmitted = suspects & self._suspects
        self._say_unadmitted(unadmitted)
        self._metrics.pexip_unadmitted.set(len(unadmitted))
        self._looked_at[PARTICIPANTS] = self._monotonic()
        self._known, self._suspects, self._alarmed = frozenset(admitted), suspects, unadmitted

    async def _is_admitted(self, somebody: Present) -> bool:
        """Say whether the latest decision about this call there admitted it. Raises Unavailable.

        A call may last longer than its records are kept: whoever was admitted stays so while there is none left.
        """
        admissions, conference = self._scale.admissions, somebody.conference
        standings = set[Standing]()
        for zone in somebody.zones:
            if somebody.call_id:
                standings.add(await admissions.of_call(somebody.call_id, zone=zone, conference=conference))
            if somebody.called_out:
                standings.add(await admissions.of_calls_out(zone=zone, conference=conference))
        if Standing.ADMITTED in standings:
            return True
        return somebody in self._known and Standing.REFUSED not in standings

    def _say_unadmitted(self, unadmitted: frozenset[Present]) -> None:
        new = sorted(unadmitted - self._alarmed, key=lambda somebody: somebody.participant_id)
        for somebody in new[:MOST_LINES]:
            fields = {
                "participant_id": somebody.participant_id[:200],
                "conference": somebody.conference,
                "zone": somebody.zones[0] if somebody.issued_here else "",
                "call": self._scale.pseudonym(somebody.call_id),
                "unadmitted": len(unadmitted),
            }
            log.error("somebody is in a meeting whom no decision admitted", extra=fields)
        if self._alarmed and not unadmitted:
            log.info("nobody is in a meeting whom no decision admitted any more")


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


async def open_watch(checked: Checked, *, ground: Ground, stack: AsyncExitStack) -> None:
    """Begin to watch where the configuration says so; what an earlier configuration had shown is gone in any case."""
    metrics, pexip = ground.telemetry.metrics, checked.config.pexip
    metrics.pexip_drift.clear()
    metrics.pexip_look_age.clear()
    metrics.pexip_unadmitted.set(0)
    if pexip is None or pexip.manager is None or not pexip.manager.watch_minutes:
        return
    scale = Scale(
        examine=partial(examine_estate, config=checked.config, pexip=pexip),
        directory=checked.directory,
        admissions=Admissions(store=ground.store, clock=ground.clock),
        pseudonym=partial(pseudonym, key=ground.pseudonym_key),
    )
    watch = Watch(await stack.enter_async_context(opened(pexip.manager)), scale=scale, metrics=metrics)
    task = asyncio.create_task(look_again_and_again(watch, minutes=pexip.manager.watch_minutes))
    stack.push_async_callback(_end, task)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
