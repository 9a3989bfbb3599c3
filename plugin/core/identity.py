"""Who somebody is, as an identity provider said it and this house verified it."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum


class Level(IntEnum):
    """What a sign-in is worth. The configuration maps each provider's acr and amr values to these."""

    SIGNED_IN = 1
    MULTI_FACTOR = 2
    PHISHING_RESISTANT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Verified claims of one person. `issuer` and `subject` together are the key; an e-mail address never is.

    `groups` None means that the provider did not tell, which is not the same as no groups.
    `org` is the organisation that the configuration gives to the issuer, never a claim.
    `issued_at` and `nonce` decide whether an unbound token is fresh enough.
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

    @property
    def key(self) -> str:
        """`issuer#subject`. An issuer has no fragment (OIDC Discovery 3), so no two people share a key."""
        return f"{self.issuer}#{self.subject}"
