"""Proof, or the gap where proof should be. There is no third possibility and no None that means refused."""

from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from plugin.core.reasons import Reason

T = TypeVar("T")


class Gap(Enum):
    """Why something is unproven: nothing was presented, it is bad, or nobody could look."""

    ABSENT = "absent"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven(Generic[T]):
    """Verified by this house, now."""

    value: T


@dataclass(frozen=True, slots=True, kw_only=True)
class Unproven:
    """`detail` is for operators: got and expected, never a token or a name."""

    gap: Gap
    reason: Reason
    detail: str = ""


Finding = Proven[T] | Unproven

ABSENT = Unproven(gap=Gap.ABSENT, reason=Reason.NOTHING_PRESENTED)
