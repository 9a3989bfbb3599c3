"""What the policies could see of one join, as it stands in its record: enough to be judged again, and nobody in it.

People stand under keyed pseudonyms, and so does what a caller or a provider made up and no policy names. Of the
address there is left what policies may ask of one. `plugin.policy.recollection` makes and reads this; it never holds a
name, an address, or a token.
"""

from dataclasses import dataclass
from datetime import datetime

from plugin.core.device import Tier
from plugin.core.facts import Assurance, Conference, Place, Trunk
from plugin.core.identity import Level, Provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Why something was unproven: the gap, the code of its reason, and the detail for operators."""

    gap: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenIdentity:
    """A person. `subject` is a pseudonym. `groups` None = nobody told; `others` are groups that no policy named."""

    issuer: str
    subject: str
    org: str
    groups: tuple[str, ...] | None
    others: tuple[str, ...]
    level: Level
    auth_time: datetime | None
    expires_at: datetime
    provenance: Provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenDevice:
    """A device. Its id is a pseudonym, and so is its owner behind the issuer."""

    device_id: str
    format: str
    tier: Tier
    bound: bool
    managed: bool
    owner: str | None
    appraised_by: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFacts:
    """`key` tells pseudonyms of one key from those of another. Of identity and device, what is None has its gap.

    In the conference's lists there is this person's own entry, and of all others an issuer with nobody behind it.
    """

    key: str
    conference: Conference
    zone: str | None
    protocol: str
    identity: SeenIdentity | None
    identity_gap: Missing | None
    device: SeenDevice | None
    device_gap: Missing | None
    trunk: Trunk | None
    place: Place
    assurances: tuple[Assurance, ...]
    now: datetime
