"""The answer: allow, deny, or redirect to a zone. A fourth one would not pass the type checker."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from plugin.core.reasons import Reason


class Capability(Enum):
    """What somebody may do in the room. Each is a Cedar action: default-deny and forbid-wins hold for each."""

    PRESENT = "present"
    UNMUTE = "unmute"
    HOST = "host"
    SHOW_NAME = "showName"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRef:
    """A determining policy, for staff only."""

    id: str
    file: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Because:
    """One reason of a decision. `message` is what the person may read; the rest is for staff."""

    reason: Reason
    message: str
    policies: tuple[PolicyRef, ...] = ()
    detail: str = ""


def because(reason: Reason, *, policies: tuple[PolicyRef, ...] = (), detail: str = "") -> Because:
    """A reason with its own sentence."""
    return Because(reason=reason, message=reason.sentence, policies=policies, detail=detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepUp:
    """Sign in again like this and it will open (RFC 9470). `max_age` in seconds.

    `claim` is the one that the values stand in. A provider that uses another than `acr` is asked by a claims request.
    """

    acr_values: tuple[str, ...]
    max_age: int
    claim: str = "acr"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformSignIn:
    """Let the platform sign the caller in and ask again: into this zone's room, by its own group of providers."""

    zone: str
    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenElsewhere:
    """The conference's room in this zone would have been open."""

    zone: str


Remedy = StepUp | PlatformSignIn | OpenElsewhere

HOST_NOTICE = "Somebody was admitted in another zone than the one in which this meeting is held, and is alone there."


@dataclass(frozen=True, slots=True, kw_only=True)
class Allow:
    """Into the conference's home room."""

    zone: str
    capabilities: frozenset[Capability]
    reasons: tuple[Because, ...]
    revisit_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """Into the conference's room in another zone. `apart` = further out than the meeting is held: alone."""

    zone: str
    capabilities: frozenset[Capability]
    reasons: tuple[Because, ...]
    remedy: StepUp | None
    revisit_at: datetime | None
    apart: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Deny:
    """Nowhere."""

    reasons: tuple[Because, ...]
    remedy: Remedy | None = None


Decision = Allow | Redirect | Deny


def host_notice(decision: Decision) -> str:
    """Return the line that whoever leads the meeting should read, empty where there is none. It names nobody."""
    return HOST_NOTICE if isinstance(decision, Redirect) and decision.apart else ""
