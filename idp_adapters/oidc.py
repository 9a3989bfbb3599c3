"""Any provider that keeps to OpenID Connect Core 1.0, told apart by its configuration alone.

It must never take an organisation, a level or a key for a person from a claim that the configuration does not name.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from plugin.core.errors import Refused
from plugin.core.identity import Identity, Level
from plugin.core.reasons import Reason
from plugin.jose.claims import (
    Check,
    SignedClaims,
    absent,
    absent_or,
    number,
    optional,
    present,
    text,
    text_or_texts,
    texts,
)
from plugin.jose.keys import ALGORITHMS
from plugin.jose.verify import LEEWAY
from plugin.ports import IdpAdapter, IdpSettings

MAX_GROUPS = 1000
MAX_GROUP = 255


def adapter(settings: IdpSettings) -> IdpAdapter:
    """Build the adapter. Raises ValueError for settings that could never be safe."""
    if not settings.audience or "" in settings.audience:
        raise ValueError(f"got audience `{sorted(settings.audience)}`, expected at least one client id")
    if not settings.algorithms or not settings.algorithms <= ALGORITHMS:
        expected = ", ".join(sorted(ALGORITHMS))
        raise ValueError(f"got algorithms `{sorted(settings.algorithms)}`, expected one or more of {expected}")
    return OidcAdapter(settings)


class OidcAdapter:
    """A provider of ID tokens (OIDC Core 2)."""

    token_types = frozenset({"", "jwt"})

    # The header's type is optional in an ID token, so a provider's other tokens have to be told by their claims.
    checks: Mapping[str, Check] = {
        "sub": present,
        "events": absent,  # logout and security event tokens (RFC 8417 section 2.2)
        "scope": absent,  # access tokens (RFC 9068 section 2.2.3)
        "scp": absent,  # Entra's and Okta's name for it
        "typ": absent_or("ID"),  # Keycloak's own name of the kind
        "token_use": absent_or("id"),  # Cognito's
    }

    def __init__(self, settings: IdpSettings) -> None:
        self.settings = settings

    def identity(self, claims: SignedClaims) -> Identity:
        payload = claims.payload
        acr = optional(text, "acr", payload=payload)
        amr = optional(texts, "amr", payload=payload) or ()
        return Identity(
            issuer=self.settings.issuer,
            subject=text("sub", payload),
            org=self.settings.org,
            groups=self._groups(payload),
            level=self._level(acr, amr=amr),
            acr=acr,
            amr=amr,
            auth_time=_auth_time(payload),
            session_id=optional(text, "sid", payload=payload),
            nonce=optional(text, "nonce", payload=payload),
            issued_at=datetime.fromtimestamp(number("iat", payload), tz=UTC),
            expires_at=datetime.fromtimestamp(number("exp", payload), tz=UTC),
        )

    def _level(self, acr: str | None, *, amr: tuple[str, ...]) -> Level:
        levels = [self.settings.amr[method] for method in amr if method in self.settings.amr]
        if acr is not None and acr in self.settings.acr:
            levels.append(self.settings.acr[acr])
        return max(levels, default=Level.SIGNED_IN)

    def _groups(self, payload: Mapping[str, object]) -> frozenset[str] | None:
        groups = optional(text_or_texts, self.settings.groups_claim, payload=payload)
        if groups is None:
            return None
        if len(groups) > MAX_GROUPS or any(len(group) > MAX_GROUP for group in groups):
            raise Refused(
                Reason.TOKEN_CLAIM,
                f"got {len(groups)} groups, expected at most {MAX_GROUPS} of at most {MAX_GROUP} characters",
            )
        return frozenset(groups)


def _auth_time(payload: Mapping[str, object]) -> datetime | None:
    """Read when the person signed in. Some providers send 0 where they do not know."""
    moment = optional(number, "auth_time", payload=payload)
    if not moment:
        return None
    latest = number("iat", payload) + LEEWAY.total_seconds()
    if not 0 < moment <= latest:
        raise Refused(Reason.TOKEN_CLAIM, f"claim `auth_time` is `{moment}`, expected a time before claim `iat`")
    return datetime.fromtimestamp(moment, tz=UTC)
