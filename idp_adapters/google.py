"""Google Workspace: the person by `sub`, the organisation's domain by `hd`. Its tokens tell no groups and no methods.

It must never judge by an e-mail address whose organisation somebody is: anybody can have a Google account with one.
Claims are those of developers.google.com/identity/openid-connect/openid-connect.
"""

from dataclasses import replace

from idp_adapters._id_token import ID_TOKEN, Provider, completed, person
from plugin.core.identity import Identity
from plugin.core.reasons import Reason
from plugin.jose.claims import SignedClaims, is_true, one_of
from plugin.ports import IdpAdapter, IdpSettings

ISSUER = "https://accounts.google.com"


def adapter(settings: IdpSettings) -> IdpAdapter:
    """Build the adapter. Raises ValueError for settings that could never be safe."""
    wrong = []
    if settings.issuer != ISSUER:
        wrong.append(f"got issuer `{settings.issuer}`, expected `{ISSUER}`")
    if not settings.tenants:
        wrong.append("got no tenants, expected the domains of the organisation's Google Workspace (`hd`)")
    if settings.groups_claim:
        wrong.append(f"got groups_claim `{settings.groups_claim}`, expected none: Google tells no groups")
    checks = {
        **ID_TOKEN,
        "hd": one_of(settings.tenants, otherwise=Reason.TOKEN_ISSUER),
        "email_verified": is_true,  # with `hd`, what makes Google speak for the account
    }
    return Provider(settings=completed(settings, has_tenants=True, wrong=wrong), checks=checks, name=identity)


def identity(claims: SignedClaims, settings: IdpSettings) -> Identity:
    """Name the person. Whatever stands in `groups` is not Google's."""
    return replace(person(claims, settings), groups=None)
