"""From a token to the person whom it names: by one provider's settings, keys and table, and by nothing else.

It must never choose a provider by more than the issuer, nor judge how often or for how long a token counts. Which table
a token is judged by is chosen by what it seems to be; each table refuses what belongs to another.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from plugin.core.errors import Refused
from plugin.core.identity import Identity
from plugin.core.reasons import Reason
from plugin.core.token import TokenKind
from plugin.jose.claims import Check, SignedClaims
from plugin.jose.keys import KeySet
from plugin.jose.verify import SignedCheck, UnverifiedToken, access_checks, checks, read_unverified, verify_by
from plugin.ports import IdpAdapter

ACCESS_TOKEN = "at+jwt"  # noqa: S105 - RFC 9068 section 2.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What whoever presents a token has shown to hold: the key of a DPoP proof, and certificates of their device.

    Each as the token names it: by RFC 7638, and by RFC 8705 section 3.1.
    """

    key_thumbprint: str | None = None
    certificate_thumbprints: frozenset[str] = frozenset()


NOTHING_SHOWN = Shown()


def of_all_kinds(shown: Shown = NOTHING_SHOWN) -> Mapping[str, Check]:
    """Return what is asked of every kind of token: that all it is bound to was shown, and that a proof was for it."""
    # A certificate shows a device as well, whatever the token; a proof is for a token that is bound to its key alone.
    key = {"jkt": shown.key_thumbprint} if shown.key_thumbprint else {}
    certificates = [{"x5t#S256": thumbprint} for thumbprint in shown.certificate_thumbprints]
    bindings = [{**key, **certificate} for certificate in ({}, *certificates)]

    def check(name: str, payload: Mapping[str, object]) -> None:
        # RFC 7800 section 3: a bound token counts with a proof of its key alone; else whoever has stolen it would be
        # taken for its owner. A member that nobody here understands, beside these or instead, is a key not shown.
        accepted = payload[name] in [*filter(None, bindings)] if name in payload else {} in bindings
        if not accepted:
            raise Refused(Reason.TOKEN_CONFIRMATION, f"claim `{name}` does not name the key that was shown, if any was")

    return {"cnf": check}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is asked of one kind of token: of every such token, then by the provider's table; and whom it names."""

    kind: TokenKind
    asked: Mapping[str, SignedCheck]
    checks: Mapping[str, Check]
    name: Callable[[SignedClaims], Identity]


def provider_of(unverified: UnverifiedToken, *, providers: Mapping[str, IdpAdapter]) -> IdpAdapter:
    """Find whose keys to ask for. Raises Refused before anybody is asked for a key that could not count."""
    provider = providers.get(unverified.issuer)
    if provider is None:
        raise Refused(Reason.TOKEN_ISSUER, "the issuer is not among the configured ones")
    if unverified.algorithm not in provider.settings.algorithms:
        raise Refused(Reason.TOKEN_ALGORITHM, f"expected one of {sorted(provider.settings.algorithms)}")
    return provider


def rules_for(unverified: UnverifiedToken, *, provider: IdpAdapter, now: datetime) -> Rules:
    """Choose the table by which a token is judged. Raises Refused where that kind does not count."""
    settings, access = provider.settings, provider.access
    is_access = unverified.token_type == ACCESS_TOKEN or (access is not None and access.marks & unverified.claims)
    kind = TokenKind.ACCESS if is_access else TokenKind.ID
    if kind not in settings.tokens:
        expected = " or ".join(sorted(known.value for known in settings.tokens))
        raise Refused(Reason.TOKEN_TYPE, f"got an {kind.value} token, expected one of kind {expected}")
    if is_access:
        return access_rules(provider, now=now)
    asked = checks(issuer=settings.issuer, audience=settings.audience, token_types=provider.token_types, now=now)
    return Rules(kind=kind, asked=asked, checks=provider.checks, name=provider.identity)


def access_rules(provider: IdpAdapter, *, now: datetime) -> Rules:
    """Return what is asked of an access token. Raises Refused where none counts."""
    settings, access = provider.settings, provider.access
    if access is None or settings.access is None:
        raise Refused(Reason.TOKEN_TYPE, "access tokens of this provider do not count")
    asked = access_checks(
        issuer=settings.issuer,
        resource=settings.access.resource,
        beside=access.beside,
        token_types=access.token_types,
        now=now,
    )
    return Rules(kind=TokenKind.ACCESS, asked=asked, checks=access.checks, name=access.name)


def identify(
    unverified_token: str, *, provider: IdpAdapter, keys: KeySet, now: datetime, shown: Shown = NOTHING_SHOWN
) -> Identity:
    """Verify a token by its provider's keys, settings and table, and name its person. Raises Refused.

    Not checked here: age, replay, nonce, and whether they have signed out since. `vestibule doctor` asks the same.
    """
    rules = rules_for(read_unverified(unverified_token), provider=provider, now=now)
    algorithms = provider.settings.algorithms
    claims = verify_by(unverified_token, keys=keys, algorithms=algorithms, asked=rules.asked)
    for claim, check in {**rules.checks, **of_all_kinds(shown)}.items():
        check(claim, claims.payload)
    return rules.name(claims)
