"""Microsoft Entra ID: one tenant for each issuer, the person by `oid`, authentication contexts by `acrs`.

It must never take a token of another tenant, a guest for a member, or an e-mail address for anybody. Claims are those
of learn.microsoft.com/entra/identity-platform/id-token-claims-reference and optional-claims-reference.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from idp_adapters._access_token import Names, rules
from idp_adapters._id_token import ID_TOKEN, Provider, completed, level, person
from plugin.core.identity import Identity, Level
from plugin.core.reasons import Reason
from plugin.jose.claims import (
    Check,
    SignedClaims,
    absent,
    absent_or,
    equals,
    like,
    optional,
    present,
    text,
    text_or_texts,
)
from plugin.ports import IdpAdapter, IdpSettings

GUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
ISSUERS = {
    "2.0": re.compile(rf"https://login\.microsoftonline\.com/(?P<tid>{GUID})/v2\.0"),
    "1.0": re.compile(rf"https://sts\.windows\.net/(?P<tid>{GUID})/"),
}
# Where Microsoft keeps private accounts: anybody can have one.
CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"
# Of access tokens alone. Those for an application itself have no scope.
OF_ACCESS_TOKENS = ("appidacr", "azpacr", "idtyp")


def adapter(settings: IdpSettings) -> IdpAdapter:
    """Build the adapter for one tenant. Raises ValueError for settings that could never be safe."""
    version, tenant = _tenant_of(settings.issuer)
    expected = "`https://login.microsoftonline.com/TENANT/v2.0` or `https://sts.windows.net/TENANT/`, by a tenant's id"
    wrong = () if tenant else (f"got issuer `{settings.issuer}`, expected {expected}",)
    # Documented for version 1.0; in 2.0 it is an optional claim with the same values.
    complete = completed(settings, wrong=wrong, takes_access=True, amr={"mfa": Level.MULTI_FACTOR})
    of_all = _checks_of_all(settings.issuer, version=version, tenant=tenant)
    return Provider(
        settings=complete,
        checks={**ID_TOKEN, **of_all, **dict.fromkeys(OF_ACCESS_TOKENS, absent)},
        name=identity,
        acr_claim="acrs",
        access=rules(
            complete,
            names=Names(client="azp" if version == "2.0" else "appid", scope="scp", token_id="uti"),  # noqa: S106 - a name
            # An application's own token has no `scp`, and `idtyp` says `app`, where it was asked for.
            checks={"scp": present, **of_all, "idtyp": absent_or("user")},
            token_types=frozenset({"jwt"}),
            marks=frozenset({"scp"}),
            name=identity,
        ),
    )


def _tenant_of(issuer: str) -> tuple[str, str]:
    """Read version and tenant out of an issuer; empty where it is not one organisation's."""
    for version, pattern in ISSUERS.items():
        matched = pattern.fullmatch(issuer)
        if matched and matched["tid"] != CONSUMERS:
            return version, matched["tid"]
    return "", ""


def _checks_of_all(issuer: str, *, version: str, tenant: str) -> Mapping[str, Check]:
    return {
        "ver": equals(version, otherwise=Reason.TOKEN_TYPE),
        "tid": equals(tenant, otherwise=Reason.TOKEN_ISSUER),
        "oid": like(GUID, expected="the id of an object in lower case"),
        # Guests are another organisation's people. `acct` is told where it was asked for, and who is no guest has 0.
        "acct": equals(0, otherwise=Reason.TOKEN_ISSUER),
        "idp": absent_or(issuer, otherwise=Reason.TOKEN_ISSUER),
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
