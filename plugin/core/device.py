"""What a device presents, and what a verifier makes of it, in the words of RFC 9334 and AR4SI."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A claim of the caller, not yet appraised. `payload` is JSON as received, of a shape that `format` defines."""

    format: str
    payload: Mapping[str, object]
    challenge_id: str


class Tier(Enum):
    """The overall appraisal (AR4SI)."""

    AFFIRMING = "affirming"
    WARNING = "warning"
    CONTRAINDICATED = "contraindicated"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestationResult:
    """One device, appraised. `bound` = a signature of the device covers the transcript of this very join.

    `owner` is the identity key (`issuer#subject`) that the device belongs to; None = nobody could say.
    `managed` = the device chains to a configured CA or inventory.
    """

    device_id: str
    format: str
    tier: Tier
    bound: bool
    managed: bool
    owner: str | None
    appraised_by: str
    expires_at: datetime
