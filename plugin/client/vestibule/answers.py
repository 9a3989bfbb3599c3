"""What Vestibule answers, in types.

None of them is true or false: `if answer:` would let in somebody who was denied, so it raises.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NoReturn


class Capability(Enum):
    """What somebody may do in the room."""

    PRESENT = "present"
    UNMUTE = "unmute"
    HOST = "host"
    SHOW_NAME = "showName"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """`code` is stable and for programs; `message` may be shown to the person as it is."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepUp:
    """Sign in again like this and it will open (RFC 9470). `max_age` in seconds.

    `claims` is the parameter of that name (OIDC Core 5.5): some providers are asked by it instead of by `acr_values`.
    """

    acr_values: tuple[str, ...]
    max_age: int
    claims: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenElsewhere:
    """The conference's room in this zone would have been open."""

    zone: str


Remedy = StepUp | OpenElsewhere


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What every answer has. The two ids are for logs and the telephone, and empty where there is none."""

    decision_id: str
    trace_id: str
    reasons: tuple[Reason, ...]

    def __bool__(self) -> NoReturn:
        raise TypeError(f"got `{type(self).__name__}` as a condition, expected a `match` on its type")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Admission(_Answer):
    """A way in, until `expires_at`. The platform keeps the person from what `prevent` names."""

    zone: str
    capabilities: frozenset[Capability]
    prevent: frozenset[Capability]
    host_notice: str | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed(_Admission):
    """Into the conference's home room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirected(_Admission):
    """Into the conference's room in another zone, never into the home room. `remedy` would open a better one."""

    remedy: Remedy | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied(_Answer):
    """Nowhere. `remedy` is what would open."""

    remedy: Remedy | None


Answer = Allowed | Redirected | Denied


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What a participant's device is to sign, or a sign-in to carry as its nonce: once, until `expires_at`."""

    challenge_id: str
    version: str
    purpose: str
    tenant: str
    origin: str
    conference: str
    nonce: str
    expires_at: datetime
