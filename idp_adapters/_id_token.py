"""What the ID tokens of all providers have in common (OIDC Core 2): settings, checks, and the person they name.

It must never take an organisation, a level or a key for a person from a claim that neither the configuration nor the
vendor's own file here names.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from plugin.core.errors import Refused
from plugin.core.identity import Identity, Level
from plugin.core.reasons import Reason
from plugin.core.token import TokenKind
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
from plugin.ports import AccessRules, IdpSettings

MAX_GROUPS = 1000
MAX_GROUP = 255

# The header's type is optional in an ID token, so a provider's other tokens have to be told by their claims.
ID_TOKEN: Mapping[str, Check] = {
    "sub": present,
    "events": absent,  # logout and security event tokens (RFC 8417 section 2.2)
    "scope": absent,  # access tokens (RFC 9068 section 2.2.3)
    "scp": absent,  # Entra's and Okta's name for it
    "typ": absent_or("ID"),  # Keycloak's own name of the kind
    "token_use": absent_or("id"),  # Cognito's
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """An IdpAdapter. `name` is the pure function of its kind, which is given settings that are complete."""

    settings: IdpSettings
    checks: Mapping[str, Check]
    name: Callable[[SignedClaims, IdpSettings], Identity]
    token_types: frozenset[str] = field(default=frozenset({"", "jwt"}))
    acr_claim: str = "acr"
    access: AccessRules | None = None

    def identity(self, claims: SignedClaims) -> Identity:
        return self.name(claims, self.settings)


def completed(
    settings: IdpSettings,
    *,
    groups_claim: str = "groups",
    has_tenants: bool = False,
    takes_access: bool = False,
    wrong: Iterable[str] = (),
    acr: Mapping[str, Level] | None = None,
    amr: Mapping[str, Level] | None = None,
) -> IdpSettings:
    """Add what a vendor documents to what is configured, which wins.

    Raises ValueError for what could never be safe: all of it, with what the vendor's own file has found `wrong`.
    """
    problems = list(wrong)
    if not settings.audience or "" in settings.audience:
        problems.append(f"got audience `{sorted(settings.audience)}`, expected at least one client id")
    if not settings.algorithms or not settings.algorithms <= ALGORITHMS:
        expected = ", ".join(sorted(ALGORITHMS))
        problems.append(f"got algorithms `{sorted(settings.algorithms)}`, expected one or more of {expected}")
    if settings.tenants and not has_tenants:
        problems.append(
            f"got tenants `{sorted(settings.tenants)}`, expected none: the issuer tells whose people it has"
        )
    problems += _access_problems(settings, takes_access=takes_access)
    if problems:
        raise ValueError("; ".join(problems))
    return replace(
        settings,
        groups_claim=settings.groups_claim or groups_claim,
        acr={**(acr or {}), **settings.acr},
        amr={**(amr or {}), **settings.amr},
    )


def _access_problems(settings: IdpSettings, *, takes_access: bool) -> list[str]:
    """Say what could never be safe about the access tokens that are to count."""
    if settings.access is None and settings.tokens == {TokenKind.ID}:
        return []
    if settings.nonce_required:
        return ["got `nonce_required` beside access tokens, expected one of the two: an access token has no nonce"]
    if not takes_access:
        return ["got access tokens to be taken, expected none: this kind of provider makes them for itself"]
    resource = settings.access.resource if settings.access else ""
    if not resource or resource in settings.audience:
        return [f"got resource `{resource}`, expected what this house is called in `aud`, which is no client's id"]
    return []


def person(claims: SignedClaims, settings: IdpSettings) -> Identity:
    """Name the person by the standard claims. Raises Refused."""
    payload = claims.payload
    acr = optional(text, "acr", payload=payload)
    amr = optional(texts, "amr", payload=payload) or ()
    return Identity(
        issuer=settings.issuer,
        subject=text("sub", payload),
        org=settings.org,
        groups=groups(settings.groups_claim, payload=payload) if settings.groups_claim else None,
        level=level(settings, acr=() if acr is None else (acr,), amr=amr),
        acr=acr,
        amr=amr,
        auth_time=_auth_time(payload),
        session_id=optional(text, "sid", payload=payload),
        nonce=optional(text, "nonce", payload=payload),
        issued_at=datetime.fromtimestamp(number("iat", payload), tz=UTC),
        expires_at=datetime.fromtimestamp(number("exp", payload), tz=UTC),
    )


def level(settings: IdpSettings, *, acr: tuple[str, ...], amr: tuple[str, ...]) -> Level:
    """Return what a sign-in is worth: the best that is said for any of its values."""
    levels = [settings.amr[method] for method in amr if method in settings.amr]
    levels += [settings.acr[value] for value in acr if value in settings.acr]
    return max(levels, default=Level.SIGNED_IN)


def groups(claim: str, *, payload: Mapping[str, object]) -> frozenset[str] | None:
    """Read groups; None where nobody told any, which is not the same as none."""
    told = optional(text_or_texts, claim, payload=payload)
    if told is None:
        return None
    if len(told) > MAX_GROUPS or any(len(group) > MAX_GROUP for group in told):
        raise Refused(
            Reason.TOKEN_CLAIM,
            f"got {len(told)} groups, expected at most {MAX_GROUPS} of at most {MAX_GROUP} characters",
        )
    return frozenset(told)


def _auth_time(payload: Mapping[str, object]) -> datetime | None:
    """Read when the person signed in. Some providers send 0 where they do not know."""
    moment = optional(number, "auth_time", payload=payload)
    if not moment:
        return None
    latest = number("iat", payload) + LEEWAY.total_seconds()
    if not 0 < moment <= latest:
        raise Refused(Reason.TOKEN_CLAIM, f"claim `auth_time` is `{moment}`, expected a time before claim `iat`")
    return datetime.fromtimestamp(moment, tz=UTC)
