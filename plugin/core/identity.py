"""Who somebody is, and whose word that is: a token that this house verified, or the platform."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, IntEnum

from plugin.core.reasons import Reason


class Level(IntEnum):
    """What a sign-in is worth. The configuration maps each provider's acr and amr values to these."""

    SIGNED_IN = 1
    MULTI_FACTOR = 2
    PHISHING_RESISTANT = 3


class Provenance(Enum):
    """Whose word it is who somebody is, weakest first. Policies read these words as `principal.auth.provenance`.

    NETWORK = the address that a call comes from. PLATFORM = the conferencing platform has looked, and says so.
    VERIFIED = this house has. BOUND = that, and a signature covers this very join: by the person's own device, or by
    the key that their provider has bound the token to.
    """

    NONE = "none"
    NETWORK = "network"
    PLATFORM = "platform"
    VERIFIED = "verified"
    BOUND = "bound"


class GroupsGap(Enum):
    """Why nobody knows somebody's groups: not told and not looked up, or what came of looking."""

    NOT_TOLD = "not-told"
    UNREACHABLE = "unreachable"
    MISCONFIGURED = "misconfigured"
    UNKNOWN_PERSON = "unknown-person"

    @property
    def reason(self) -> Reason:
        """What is said of it."""
        return _REASONS[self]


_REASONS = {
    GroupsGap.NOT_TOLD: Reason.GROUPS_NOT_TOLD,
    GroupsGap.UNREACHABLE: Reason.GROUPS_UNREACHABLE,
    GroupsGap.MISCONFIGURED: Reason.GROUPS_MISCONFIGURED,
    GroupsGap.UNKNOWN_PERSON: Reason.GROUPS_UNKNOWN_PERSON,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Claims of one person. `issuer` and `subject` together are the key; an e-mail address never is.

    `groups` None means that the provider did not tell, which is not the same as no groups; `groups_gap` says why.
    `groups_until` is when groups that were looked up are too old, None where the token told them.
    `org` is the organisation that the configuration gives to the issuer, never a claim.
    `issued_at` and `nonce` decide whether an unbound token is fresh enough. `provenance` is VERIFIED, or PLATFORM where
    nobody here has seen a token: then nothing else of the sign-in is known, and `level` is the lowest.
    """

    issuer: str
    subject: str
    org: str
    groups: frozenset[str] | None
    level: Level
    acr: str | None
    amr: tuple[str, ...]
    auth_time: datetime | None
    session_id: str | None
    nonce: str | None
    issued_at: datetime
    expires_at: datetime
    provenance: Provenance = Provenance.VERIFIED
    groups_gap: GroupsGap = GroupsGap.NOT_TOLD
    groups_until: datetime | None = None

    @property
    def key(self) -> str:
        """`issuer#subject`. An issuer has no fragment (OIDC Discovery 3), so no two people share a key."""
        return f"{self.issuer}#{self.subject}"
