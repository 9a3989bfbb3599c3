"""Microsoft Entra ID: one tenant for each issuer, the person by `oid`, authentication contexts by `acrs`.

It must never take a token of another tenant, a guest for a member, or an e-mail address for anybody. Claims are those
of learn.microsoft.com/entra/identity-platform/id-token-claims-reference and optional-claims-reference.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from idp_adapters._id_token import ID_TOKEN, Provider, completed, level, person
from plugin.core.identity import Identity, Level
from plugin.core.reasons import Reason
from plugin.jose.claims import Check, SignedClaims, absent, absent_or, equals, like, optional, text, text_or_texts
from plugin.ports import IdpAdapter, IdpSettings

GUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
ISSUERS = {
    "2.0": re.compile(rf"https://login\.microsoftonline\.com/(?P<tid>{GUID})/v2\.0"),
    "1.0": re.compile(rf"https://sts\.windows\.net/(?P<tid>{GUID})/"),
}
# Where Microsoft keeps private accounts: anybody can have one.
CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"


def adapter(settings: IdpSettings) -> IdpAdapter:
    """Build the adapter for one tenant. Raises ValueError for settings that could never be safe."""
    version, tenant = _tenant_of(settings.issuer)
    expected = "`https://login.microsoftonline.com/TENANT/v2.0` or `https://sts.windows.net/TENANT/`, by a tenant's id"
    wrong = () if tenant else (f"got issuer `{settings.issuer}`, expected {expected}",)
    return Provider(
        # Documented for version 1.0; in 2.0 it is an optional claim with the same values.
        settings=completed(settings, wrong=wrong, amr={"mfa": Level.MULTI_FACTOR}),
        checks=_checks(settings.issuer, version=version, tenant=tenant),
        name=identity,
        acr_claim="acrs",
    )


def _tenant_of(issuer: str) -> tuple[str, str]:
    """Read version and tenant out of an issuer; empty where it is not one organisation's."""
    for version, pattern in ISSUERS.items():
        matched = pattern.fullmatch(issuer)
        if matched and matched["tid"] != CONSUMERS:
            return version, matched["tid"]
    return "", ""


def _checks(issuer: str, *, version: str, tenant: str) -> Mapping[str, Check]:
    return {
        **ID_TOKEN,
        "ver": equals(version, otherwise=Reason.TOKEN_TYPE),
        "tid": equals(tenant, otherwise=Reason.TOKEN_ISSUER),
        "oid": like(GUID, expected="the id of an object in lower case"),
        # Guests are another organisation's people. `acct` is told where it was asked for, and who is no guest has 0.
        "acct": equals(0, otherwise=Reason.TOKEN_ISSUER),
        "idp": absent_or(issuer, otherwise=Reason.TOKEN_ISSUER),
        # Claims of access tokens alone, of which those for an application itself have no scope.
        "appidacr": absent,
        "azpacr": absent,
        "idtyp": absent,
    }


def identity(claims: SignedClaims, settings: IdpSettings) -> Identity:
    """Name the person by tenant (in the issuer) and object: `sub` differs from client to client."""
    payload = claims.payload
    somebody = person(claims, settings)
    contexts = optional(text_or_texts, "acrs", payload=payload) or ()
    return replace(
        somebody,
        subject=text("oid", payload),
        groups=None if _has_too_many(payload, claim=settings.groups_claim) else somebody.groups,
        level=level(settings, acr=contexts, amr=somebody.amr),
    )


def _has_too_many(payload: Mapping[str, object], *, claim: str) -> bool:
    """Say whether the groups are more than fit: then they are told elsewhere, which is not asked."""
    elsewhere = payload.get("_claim_names")
    return "hasgroups" in payload or (elsewhere is not None and (not isinstance(elsewhere, dict) or claim in elsewhere))
