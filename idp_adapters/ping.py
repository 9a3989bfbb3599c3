"""PingOne and PingFederate: standard ID tokens; `acr` is the name of a sign-on policy, worth what is configured.

It must never take an access token whose type does not say that it is one: PingOne writes `at+jwt` where it is told to,
and PingFederate's header has a parameter of its own. Claims are those of
developer.pingidentity.com/pingone-api/foundations/authentication-concepts/access-tokens-and-id-tokens/token-claims.html
"""

from collections.abc import Mapping

from idp_adapters._access_token import rules
from idp_adapters._id_token import ID_TOKEN, Provider, completed, person
from plugin.jose.claims import Check, absent
from plugin.ports import IdpAdapter, IdpSettings

CHECKS: Mapping[str, Check] = {**ID_TOKEN, "client_id": absent}  # of access tokens, which may have no scope


def adapter(settings: IdpSettings) -> IdpAdapter:
    """Build the adapter. Raises ValueError for settings that could never be safe."""
    complete = completed(settings, takes_access=True)
    return Provider(settings=complete, checks=CHECKS, name=person, access=rules(complete, checks={}))
