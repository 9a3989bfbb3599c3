"""Keycloak: groups, realm roles or client roles by the name of the claim that a mapper puts them into.

It must never take a token whose `typ` is not `ID`: Keycloak signs its access, refresh and logout tokens with the same
keys. Claims are those of keycloak.org/docs/latest/server_admin.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from idp_adapters._id_token import ID_TOKEN, Provider, completed, groups, person
from plugin.core.identity import Identity
from plugin.core.reasons import Reason
from plugin.jose.claims import Check, SignedClaims, equals
from plugin.ports import IdpAdapter, IdpSettings

CHECKS: Mapping[str, Check] = {**ID_TOKEN, "typ": equals("ID", otherwise=Reason.TOKEN_TYPE)}
# Keycloak's built-in mappers nest: a dot in a claim's name leads into an object. A client's id may hold dots itself.
ROLES = re.compile(r"realm_access\.roles|resource_access\.(?P<client>.+)\.roles")


def adapter(settings: IdpSettings) -> IdpAdapter:
    """Build the adapter. Raises ValueError for settings that could never be safe."""
    return Provider(settings=completed(settings), checks=CHECKS, name=identity)


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
