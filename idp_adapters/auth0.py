"""Auth0: the person by `sub`, groups by a claim in a namespace of our own, organizations by `org_id`.

It must never take a person of an organization that is not configured, nor of none: where sign-up is open, as it is in
a new database of Auth0, that is anybody. Nor groups from a claim without a namespace.
Claims are those of auth0.com/docs/secure/tokens/id-tokens and its pages on step-up authentication.
"""

from idp_adapters._access_token import rules
from idp_adapters._id_token import ID_TOKEN, Provider, completed, person
from plugin.core.identity import Level
from plugin.core.reasons import Reason
from plugin.jose.claims import absent, like, one_of
from plugin.ports import IdpAdapter, IdpSettings

ACR = {"http://schemas.openid.net/pape/policies/2007/06/multi-factor": Level.MULTI_FACTOR}
AMR = {"mfa": Level.MULTI_FACTOR}


def adapter(settings: IdpSettings) -> IdpAdapter:
    """Build the adapter. Raises ValueError for settings that could never be safe."""
    wrong = []
    if not settings.issuer.endswith("/"):
        wrong.append(f"got issuer `{settings.issuer}`, expected a slash at the end, as Auth0 writes it")
    if settings.groups_claim and not settings.groups_claim.startswith(("https://", "http://")):
        wrong.append(f"got groups_claim `{settings.groups_claim}`, expected one in a namespace, which is a URL")
    if not settings.tenants:
        wrong.append("got no tenants, expected the organizations whose people count (`org_id`)")
    checks = {
        **ID_TOKEN,
        "org_id": one_of(settings.tenants, otherwise=Reason.TOKEN_ISSUER),
        "client_id": absent,  # all three of access tokens
        "gty": absent,
        "permissions": absent,
    }
    complete = completed(settings, groups_claim="", has_tenants=True, takes_access=True, wrong=wrong, acr=ACR, amr=AMR)
    access = rules(
        complete,
        checks={
            "org_id": checks["org_id"],
            "sub": like(r".+(?<!@clients)", expected="a person's"),  # a client's own ends so
            "gty": absent,  # of Auth0's other dialect, whose type does not tell it apart
        },
        beside=frozenset({f"{settings.issuer}userinfo"}),
    )
    return Provider(settings=complete, checks=checks, name=person, access=access)
