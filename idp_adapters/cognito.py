"""AWS Cognito user pools: the person by `sub`, groups by `cognito:groups`, the kind of token by `token_use`.

It must never take an access token, nor a token of an identity pool, which has no `token_use`. Claims are those of
docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-id-token.html
"""

from collections.abc import Mapping

from idp_adapters._id_token import ID_TOKEN, Provider, completed, person
from plugin.core.reasons import Reason
from plugin.jose.claims import Check, absent, equals
from plugin.ports import IdpAdapter, IdpSettings

CHECKS: Mapping[str, Check] = {
    **ID_TOKEN,
    "token_use": equals("id", otherwise=Reason.TOKEN_TYPE),
    "client_id": absent,  # of access tokens
}


def adapter(settings: IdpSettings) -> IdpAdapter:
    """Build the adapter. Raises ValueError for settings that could never be safe."""
    return Provider(settings=completed(settings, groups_claim="cognito:groups"), checks=CHECKS, name=person)
