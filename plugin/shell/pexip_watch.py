"""Watches a Pexip platform while the service runs: its configuration for drift, its meetings for people unadmitted.

It only alarms, by metrics and ERROR lines: nobody is disconnected here. It must never touch admission: it has a task of
its own, and whatever fails in it is a line and the age of what it last read. No line holds an alias, a name or an
address: an administrator finds out more by `vestibule doctor --pexip-manager`, and by the participant's id.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from plugin.core.directory import Directory
from plugin.core.errors import Unavailable
from plugin.flow.admissions import Admissions, Standing
from plugin.platforms.pexip_findings import Finding, Kind
from plugin.platforms.pexip_manager import Estate, Participants
from plugin.platforms.pexip_presence import Present, present
from plugin.shell.metrics import FAULT, WARNING, Metrics
from plugin.shell.pexip_manager import Manager, Unread

log = logging.getLogger(__name__)

CONFIGURATION, PARTICIPANTS = LOOKS = ("configuration", "participants")
PATIENCE = 3
"""Looks in a row at which somebody unadmitted may be in a meeting, each time another one. Whoever leaves and comes
back before the next look has a new id each time."""
MOST_LINES = 20
"""Alarms that have a line of their own in one look; the metric counts all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What a platform is held against."""

    examine: Callable[[Estate], tuple[Finding, ...]]
    directory: Directory
    room_names: Mapping[str, str]
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
        self._met = Counter[tuple[str, tuple[str, ...]]]()

    def hold_against(self, scale: Scale) -> None:
        """Compare with this from the next look on. What was seen before stays seen."""
        self._scale = scale

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

        The first look may fall between a call and its decision, or its end and its disappearing. Not every look in a
        row may, though: of a meeting in which each finds somebody, whoever it is, the last are alarmed about.
        """
        try:
            participants, scale = await self._manager.participants(), self._scale
            there = await asyncio.to_thread(_present, participants, scale)
            admitted = {somebody for somebody in there if await self._is_admitted(somebody, scale.admissions)}
        except (Unread, Unavailable) as error:
            # Not seen is not gone: what was suspected stays so.
            log.warning("participants not compared with decisions", extra={"problem": str(error)})
            return
        suspects = there - admitted
        met = Counter({meeting: self._met[meeting] + 1 for meeting in {somebody.meeting for somebody in suspects}})
        unadmitted = {one for one in suspects if one in self._suspects or met[one.meeting] >= PATIENCE}
        if participants.unreadable:  # any of them may be somebody of whom the last look knew
            unadmitted |= self._alarmed - admitted
            log.warning(
                "participants not as documented are compared with nothing", extra={"rows": participants.unreadable}
            )
        else:
            self._looked_at[PARTICIPANTS] = self._monotonic()
        self._say_unadmitted(unadmitted)
        self._metrics.pexip_unadmitted.set(len(unadmitted))
        self._known, self._suspects, self._alarmed = frozenset(admitted), suspects, frozenset(unadmitted)
        self._met = met

    async def _is_admitted(self, somebody: Present, admissions: Admissions) -> bool:
        """Say whether the latest decision about this call there admitted it. Raises Unavailable.

        A call may last longer than its records are kept: whoever was admitted stays so while there is none left.
        """
        conference, standings = somebody.conference, set[Standing]()
        for zone in somebody.zones:
            if somebody.call_id:
                standings.add(await admissions.of_call(somebody.call_id, zone=zone, conference=conference))
            if somebody.called_out:
                standings.add(await admissions.of_calls_out(zone=zone, conference=conference))
        if Standing.ADMITTED in standings:
            return True
        return somebody in self._known and Standing.REFUSED not in standings

    def _say_unadmitted(self, unadmitted: set[Present]) -> None:
        new = sorted(unadmitted - self._alarmed, key=lambda somebody: somebody.participant_id)
        for somebody in new[:MOST_LINES]:
            fields = {
                "participant_id": somebody.participant_id[:200],
                "conference": somebody.entry,
                "zone": somebody.zones[0] if somebody.issued_here else "",
                "call": self._scale.pseudonym(somebody.call_id),
                "unadmitted": len(unadmitted),
            }
            log.error("somebody is in a meeting whom no decision admitted", extra=fields)
        if self._alarmed and not unadmitted:
            log.info("nobody is in a meeting whom no decision admitted any more")


def _present(participants: Participants, scale: Scale) -> frozenset[Present]:
    """Take this to a thread: an alias is held against each pattern, and there may be thousands."""
    return frozenset(present(participants.readable, directory=scale.directory, room_names=scale.room_names))
