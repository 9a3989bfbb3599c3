"""What is written down of each decision: enough to explain it, nothing that names the person."""

from dataclasses import dataclass
from datetime import datetime

from plugin.core.decision import StepUp
from plugin.core.seen_facts import SeenFacts

SCHEMA = 1
"""The version of the record. It rises when a field is taken away or changes its meaning, not when one is added."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the path and the time it took, which `began` so many milliseconds after the question did.

    `outcome` is a word of a closed set per step.
    """

    name: str
    outcome: str
    began: float
    milliseconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A reason in the record. `policies` are the determining ones as `id file:line`; `detail` is for operators."""

    code: str
    message: str
    policies: tuple[str, ...]
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadowed:
    """What the shadow bundle would have decided, with its revision.

    `outcome` is that of a decision, or `error` where the bundle failed, or `skipped` where there was no time for it.
    """

    outcome: str
    zone: str | None
    capabilities: tuple[str, ...]
    reasons: tuple[Mark, ...]
    bundle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecord:
    """`person` and `device` are keyed pseudonyms, empty where nothing was proven. `remedy` = what would open it.

    `principal` is `user`, `guest`, `gateway` or `room-system`, empty where there was nobody to judge; `trunk` is the
    name of the trunk that a call came by. `far_end` is `unknown` where people may be behind it whom nobody has seen.
    `host_notice` is the line for whoever leads the meeting.

    `shadow` is there where a shadow bundle was asked about the same facts.

    `conference` is the entry's name, empty where there is no such entry: what a caller made up is not written down.
    Every field has its sentence in REFERENCE.md, and `deploy/decision-record.schema.json` is made from this class.
    """

    decision_id: str
    decided_at: datetime
    platform: str
    phase: str
    conference: str
    outcome: str
    zone: str | None
    capabilities: tuple[str, ...]
    reasons: tuple[Mark, ...]
    remedy: StepUp | None
    person: str
    device: str
    bundle: str
    trace_id: str
    steps: tuple[Step, ...]
    principal: str = ""
    trunk: str = ""
    far_end: str = ""
    host_notice: str = ""
    told: str = ""
    location: str = ""
    deadline: float = 0.0
    facts: SeenFacts | None = None
    shadow: Shadowed | None = None
    schema: int = SCHEMA
