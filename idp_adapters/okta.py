"""Okta, by its org authorization server or a custom one: the person by `sub`, levels by Okta's own `acr` values.

It must never take an access token, whose `sub` is a login name. The values are those of
developer.okta.com/docs/guides/step-up-authentication.
"""

from collections.abc import Mapping

from idp_adapters._id_token import ID_TOKEN, Provider, completed, person
from plugin.core.identity import Level
from plugin.core.reasons import Reason
from plugin.jose.claims import Check, absent, equals
from plugin.ports import IdpAdapter, IdpSettings

# `urn:okta:loa:2fa:any:ifpossible` is not here: one factor is enough for it where there is no second.
ACR = {
    "urn:okta:loa:2fa:any": Level.MULTI_FACTOR,
    "phr": Level.PHISHING_RESISTANT,
    "phrh": Level.PHISHING_RESISTANT,
}

CHECKS: Mapping[str, Check] = {
    **ID_TOKEN,
    "ver": equals(1, otherwise=Reason.TOKEN_TYPE),
    "cid": absent,  # both of access tokens
    "uid": absent,
}


def adapter(settings: IdpSettings) -> IdpAdapter:
    """Build the adapter. Raises ValueError for settings that could never be safe."""
    return Provider(settings=completed(settings, acr=ACR), checks=CHECKS, name=person)
