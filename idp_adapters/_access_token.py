"""What the access tokens of all providers have in common (RFC 9068): checks, and whose client may hold them.

It must never take an ID token: each table here asks for a claim that the vendor's ID tokens do not have, and refuses
one that they have. Nor a token that a client got for itself: that names no person.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from idp_adapters._id_token import person
from plugin.core.identity import Identity
from plugin.core.reasons import Reason
from plugin.jose.claims import Check, SignedClaims, absent, absent_or, differs_from, holds, one_of, present
from plugin.ports import AccessRules, IdpSettings

AT_JWT = frozenset({"at+jwt"})

OF_ID_TOKENS = ("nonce", "at_hash", "c_hash", "s_hash")
OF_CLIENTS_THEMSELVES = ("gty", "clientHost", "clientAddress", "grant_type")
ACCESS_TOKEN: Mapping[str, Check] = {
    "events": absent,  # logout and security event tokens
    **dict.fromkeys(OF_ID_TOKENS, absent),  # OIDC Core 2 and 3.3.2.11
    # A client's own token (RFC 6749 4.4) names nobody, whatever it has as `sub`: Auth0's and Keycloak's words for it.
    **dict.fromkeys(OF_CLIENTS_THEMSELVES, absent),
    "typ": absent_or("Bearer"),  # Keycloak's own name of the kind
    "token_use": absent_or("access"),  # Cognito's
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What a vendor calls the claims that RFC 9068 asks for: whose client holds the token, its scope, its own id."""

    client: str = "client_id"
    scope: str = "scope"
    token_id: str = "jti"  # noqa: S105 - a claim's name


STANDARD = Names()


def rules(
    settings: IdpSettings,
    *,
    names: Names = STANDARD,
    checks: Mapping[str, Check],
    token_types: frozenset[str] = AT_JWT,
    marks: frozenset[str] = frozenset(),
    beside: frozenset[str] = frozenset(),
    name: Callable[[SignedClaims, IdpSettings], Identity] = person,
) -> AccessRules | None:
    """Put together a vendor's rules, None where no access token counts."""
    access = settings.access
    if access is None:
        return None
    return AccessRules(
        token_types=token_types,
        checks={
            **ACCESS_TOKEN,
            names.token_id: present,  # RFC 9068 section 2.2
            # The clients that people sign in to are ours: a token that another one got for us is not from there.
            names.client: one_of(settings.audience, otherwise=Reason.TOKEN_AUTHORIZED_PARTY),
            "sub": differs_from(names.client),  # RFC 9068 section 2.2: a client's own token has it there
            **checks,
            **({names.scope: holds(access.scope)} if access.scope else {}),
        },
        name=lambda claims: name(claims, settings),
        marks=marks,
        beside=beside,
    )
