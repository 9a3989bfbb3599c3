"""Keycloak: groups, realm roles or client roles by the name of the claim that a mapper puts them into.

It must never take a token whose `typ` is not that of its kind: Keycloak signs ID, access, refresh and logout tokens by
the same keys. Nor a service account, which has a `sub` of its own and no session.
Claims are those of keycloak.org/docs/latest/server_admin.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from idp_adapters._access_token import AT_JWT, Names, rules
from idp_adapters._id_token import ID_TOKEN, Provider, completed, groups, person
from plugin.core.identity import Identity
from plugin.core.reasons import Reason
from plugin.jose.claims import Check, SignedClaims, absent, equals, one_of, present
from plugin.ports import IdpAdapter, IdpSettings

CHECKS: Mapping[str, Check] = {**ID_TOKEN, "typ": equals("ID", otherwise=Reason.TOKEN_TYPE)}
ACCESS_CHECKS: Mapping[str, Check] = {
    "typ": one_of(frozenset({"Bearer", "DPoP"}), otherwise=Reason.TOKEN_TYPE),
    "sid": present,
    "clientHost": absent,  # both of service accounts
    "clientAddress": absent,
}
# Keycloak's built-in mappers nest: a dot in a claim's name leads into an object. A client's id may hold dots itself.
ROLES = re.compile(r"realm_access\.roles|resource_access\.(?P<client>.+)\.roles")


def adapter(settings: IdpSettings) -> IdpAdapter:
    """Build the adapter. Raises ValueError for settings that could never be safe."""
    complete = completed(settings, takes_access=True)
    access = rules(
        complete,
        names=Names(client="azp"),
        checks=ACCESS_CHECKS,
        token_types=AT_JWT | {"jwt"},  # the standard's type where the client is set to it
        marks=frozenset({"scope"}),
        beside=frozenset({"account"}),  # Keycloak's own client, whose roles everybody has by default
        name=identity,
    )
    return Provider(settings=complete, checks=CHECKS, name=identity, access=access)


def identity(claims: SignedClaims, settings: IdpSettings) -> Identity:
    """Name the person."""
    somebody = person(claims, settings)
    nested = ROLES.fullmatch(settings.groups_claim)
    if nested is None:
        return somebody
    if nested["client"] is None:
        access = claims.payload.get("realm_access")
    else:
        clients = claims.payload.get("resource_access")
        access = clients.get(nested["client"]) if isinstance(clients, dict) else None
    # Keycloak leaves the object out where there are no roles: not told, as far as anybody can tell from here.
    return replace(somebody, groups=groups("roles", payload=access) if isinstance(access, dict) else None)
