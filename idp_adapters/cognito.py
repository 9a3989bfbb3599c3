"""AWS Cognito user pools: the person by `sub`, groups by `cognito:groups`, the kind of token by `token_use`.

It must never take an access token, nor a token of an identity pool, which has no `token_use`. Nor groups from another
claim: people may write their own attributes, where the client may (`custom:` ones too). Claims are those of
docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-id-token.html
"""

from collections.abc import Mapping

from idp_adapters._id_token import ID_TOKEN, Provider, completed, person
from plugin.core.reasons import Reason
from plugin.jose.claims import Check, absent, equals
from plugin.ports import IdpAdapter, IdpSettings

GROUPS = "cognito:groups"

CHECKS: Mapping[str, Check] = {
    **ID_TOKEN,
    "token_use": equals("id", otherwise=Reason.TOKEN_TYPE),
    "client_id": absent,  # of access tokens
}


def adapter(settings: IdpSettings) -> IdpAdapter:
    """Build the adapter. Raises ValueError for settings that could never be safe."""
    is_right = settings.groups_claim in ("", GROUPS)
    wrong = () if is_right else (f"got groups_claim `{settings.groups_claim}`, expected `{GROUPS}` or none",)
    return Provider(settings=completed(settings, groups_claim=GROUPS, wrong=wrong), checks=CHECKS, name=person)
