"""What a device presents, and what a verifier makes of it, in the words of RFC 9334 and AR4SI."""

from collections.abc import Mapping
from dataclasses import dataclass, field
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


class Element(Enum):
    """What an appraisal can speak of: the trustworthiness vector (AR4SI 2.3)."""

    INSTANCE_IDENTITY = "instance-identity"
    CONFIGURATION = "configuration"
    EXECUTABLES = "executables"
    FILE_SYSTEM = "file-system"
    HARDWARE = "hardware"
    RUNTIME_OPAQUE = "runtime-opaque"
    STORAGE_OPAQUE = "storage-opaque"
    SOURCED_DATA = "sourced-data"


Vector = Mapping[Element, Tier]
"""An element that is not in it is one of which nothing was said, which is never as good as affirming."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestationResult:
    """One device, appraised. `bound` = a signature of the device covers the transcript of this very join.

    `owner` is the identity key (`issuer#subject`) that the device belongs to; None = nobody could say.
    `managed` = the device chains to a configured CA or inventory. `tier` is never better than the worst of `vector`.
    """

    device_id: str
    format: str
    tier: Tier
    bound: bool
    managed: bool
    owner: str | None
    appraised_by: str
    expires_at: datetime
    vector: Vector = field(default_factory=dict)


class DeviceState(Enum):
    """Where an enrolled device stands. Only an active one proves anything."""

    PENDING = "pending"
    ACTIVE = "active"
    REVOKED = "revoked"
    LOST = "lost"


class Approval(Enum):
    """By what an enrolled device was approved. The first two make it a managed one."""

    ADMINISTRATOR = "administrator"
    INVENTORY = "inventory"
    INVITATION = "invitation"
    FIRST_USE = "first-use"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolledDevice:
    """A device on record: attested once, then proven by its key at every join.

    `key` is what its proofs are verified with, as the format that attested it wrote it down. `counter` is the highest
    that its key has signed, 0 where its kind has none. `serial` is as attested, empty where nothing attests one.
    `appraised_by` names the `[[evidence]]` table that it was attested under. `approval` None = not approved yet.
    A device whose key was seen twice is CONTRAINDICATED for good.
    """

    id: str
    format: str
    key: Mapping[str, object]
    owner: str
    name: str
    state: DeviceState
    tier: Tier
    vector: Vector
    serial: str
    counter: int
    appraised_by: str
    enrolled_at: datetime
    attested_at: datetime
    expires_at: datetime
    approval: Approval | None = None


SEVERITY = (Tier.AFFIRMING, Tier.WARNING, Tier.CONTRAINDICATED)


def worst(*tiers: Tier) -> Tier:
    """Return the worst of some tiers."""
    return max(tiers, key=SEVERITY.index)
