"""Okta, by its org authorization server or a custom one: the person by `sub`, levels by Okta's own `acr` values.

It must never take the `sub` of an access token for anybody, which is a login name: the person is `uid` there. Nor an
access token of the org authorization server, which Okta makes for itself. The values are those of
developer.okta.com/docs/guides/step-up-authentication.
"""

from collections.abc import Mapping
from dataclasses import replace

from idp_adapters._access_token import AT_JWT, Names, rules
from idp_adapters._id_token import ID_TOKEN, Provider, completed, person
from plugin.core.identity import Identity, Level
from plugin.core.reasons import Reason
from plugin.jose.claims import Check, SignedClaims, absent, equals, like, text
from plugin.ports import IdpAdapter, IdpSettings

# `urn:okta:loa:2fa:any:ifpossible` is not here: one factor is enough for it where there is no second.
ACR = {
    "urn:okta:loa:2fa:any": Level.MULTI_FACTOR,
    "phr": Level.PHISHING_RESISTANT,
    "phrh": Level.PHISHING_RESISTANT,
}

CUSTOM = "/oauth2/"

CHECKS: Mapping[str, Check] = {
    **ID_TOKEN,
    "ver": equals(1, otherwise=Reason.TOKEN_TYPE),
    "cid": absent,  # both of access tokens
    "uid": absent,
}


def adapter(settings: IdpSettings) -> IdpAdapter:
    """Build the adapter. Raises ValueError for settings that could never be safe."""
    complete = completed(settings, acr=ACR, takes_access=CUSTOM in settings.issuer)
    access = rules(
        complete,
        names=Names(client="cid", scope="scp"),
        checks={"ver": equals(1, otherwise=Reason.TOKEN_TYPE), "uid": like(r".+", expected="a user's id")},
        token_types=AT_JWT | {"", "jwt"},
        marks=frozenset({"cid"}),
        name=user,
    )
    return Provider(settings=complete, checks=CHECKS, name=person, access=access)


def user(claims: SignedClaims, settings: IdpSettings) -> Identity:
    """Name the person of an access token, as ID tokens name them."""
    return replace(person(claims, settings), subject=text("uid", claims.payload))
