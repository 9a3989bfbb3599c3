"""PingOne and PingFederate: standard ID tokens; `acr` is the name of a sign-on policy, worth what is configured.

It must never take an access token. Claims are those of
developer.pingidentity.com/pingone-api/foundations/authentication-concepts/access-tokens-and-id-tokens/token-claims.html
"""

from collections.abc import Mapping

from idp_adapters._id_token import ID_TOKEN, Provider, completed, person
from plugin.jose.claims import Check, absent
from plugin.ports import IdpAdapter, IdpSettings

CHECKS: Mapping[str, Check] = {**ID_TOKEN, "client_id": absent}  # of access tokens, which may have no scope


def adapter(settings: IdpSettings) -> IdpAdapter:
    """Build the adapter. Raises ValueError for settings that could never be safe."""
    return Provider(settings=completed(settings), checks=CHECKS, name=person)
