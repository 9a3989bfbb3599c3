"""Auth0: the person by `sub`, groups by a claim in a namespace of our own, organizations by `org_id`.

It must never take a person of an organization that is not configured, nor groups from a claim without a namespace.
Claims are those of auth0.com/docs/secure/tokens/id-tokens and its pages on step-up authentication.
"""

from collections.abc import Mapping

from idp_adapters._id_token import ID_TOKEN, Provider, completed, person
from plugin.core.errors import Refused
from plugin.core.identity import Level
from plugin.core.reasons import Reason
from plugin.jose.claims import absent, one_of
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
    of_organization = one_of(settings.tenants, otherwise=Reason.TOKEN_ISSUER) if settings.tenants else _of_none
    checks = {
        **ID_TOKEN,
        "org_id": of_organization,
        "client_id": absent,  # all three of access tokens
        "gty": absent,
        "permissions": absent,
    }
    complete = completed(settings, groups_claim="", has_tenants=True, wrong=wrong, acr=ACR, amr=AMR)
    return Provider(settings=complete, checks=checks, name=person)


def _of_none(name: str, payload: Mapping[str, object]) -> None:
    """Check that the person came by no organization: which ones count, nobody has said."""
    if name in payload:
        raise Refused(Reason.TOKEN_ISSUER, f"claim `{name}` is present, and no `tenants` are configured")
