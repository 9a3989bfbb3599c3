"""The vendors of identity providers, each as configured, with a token of documented structure and the lies about it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from idp_adapters import adfs, auth0, cognito, entra, gitlab, google, keycloak, oidc, okta, ping
from plugin.core.identity import Identity
from plugin.jose.claims import SignedClaims
from plugin.jose.verify import verify
from plugin.ports import BuildIdpAdapter, IdpAdapter, IdpSettings
from tests.jose.issuer import KEYS, sign
from tests.vectors import shared_folder

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """`sample` is the file of a good ID token, None where none is documented.

    `wrong` holds, for each claim of the table that has to say one thing, another value of the type that it has.
    `foreign` holds claims of the vendor's other kinds of token. `key` is the claim that names the person.
    """

    build: BuildIdpAdapter
    issuer: str
    sample: str | None
    wrong: Json = field(default_factory=dict)
    foreign: Json = field(default_factory=dict)
    key: str = "sub"
    settings: Json = field(default_factory=dict)


TENANT = "0f3c4b1e-7a57-4b4e-9d4e-5b7c2d1e8a90"
OTHER_TENANT = "11111111-7a57-4b4e-9d4e-5b7c2d1e8a90"
ENTRA_V1 = f"https://sts.windows.net/{TENANT}/"
ENTRA = Vendor(
    build=entra.adapter,
    issuer=f"https://login.microsoftonline.com/{TENANT}/v2.0",
    sample="entra_v2_id_token",
    wrong={"tid": OTHER_TENANT, "ver": "1.0", "acct": 1, "oid": "alice@corp.example", "idp": "live.com"},
    foreign={"appidacr": "0", "azpacr": "1", "idtyp": "user"},
    key="oid",
)
VENDORS = {
    "oidc": Vendor(build=oidc.adapter, issuer="https://op.example", sample="generic_id_token"),
    "entra": ENTRA,
    "okta": Vendor(
        build=okta.adapter,
        issuer="https://corp.okta.com",
        sample="okta_id_token_org_as",
        wrong={"ver": 2},
        foreign={"cid": "0oabucvyc38HLL1ef0h7", "uid": "00uid4BxXw6I6TV4m0g3"},
    ),
    "google": Vendor(
        build=google.adapter,
        issuer="https://accounts.google.com",
        sample="google_id_token",
        wrong={"hd": "mallory.example", "email_verified": False},
        settings={"tenants": frozenset({"corp.example"})},
    ),
    "keycloak": Vendor(
        build=keycloak.adapter,
        issuer="https://sso.corp.example/realms/corp",
        sample="keycloak_id_token",
        wrong={"typ": "Bearer"},
    ),
    "adfs": Vendor(
        build=adfs.adapter, issuer="https://fs.corp.example/adfs", sample="adfs_id_token", wrong={"ver": "2.0"}
    ),
    "ping": Vendor(
        build=ping.adapter, issuer="https://auth.pingone.com/ENV-ID/as", sample=None, foreign={"client_id": "c"}
    ),
    "auth0": Vendor(
        build=auth0.adapter,
        issuer="https://corp.eu.auth0.com/",
        sample="auth0_id_token",
        wrong={"org_id": "org_mallory"},
        foreign={"client_id": "cid", "gty": "password", "permissions": ["join"]},
        settings={"tenants": frozenset({"org_123"}), "groups_claim": "https://conf.example/groups"},
    ),
    "cognito": Vendor(
        build=cognito.adapter,
        issuer="https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_EXAMPLE",
        sample="cognito_id_token",
        wrong={"token_use": "access"},
        foreign={"client_id": "appclientid"},
    ),
    "gitlab": Vendor(
        build=gitlab.adapter,
        issuer="https://gitlab.corp.example",
        sample="gitlab_id_token",
        wrong={"sub": "project_path:corp/vestibule:ref_type:branch:ref:main"},
        foreign=dict.fromkeys(gitlab.OF_CI_JOBS, "72"),
    ),
}
# Microsoft's national clouds: another host, and else the same.
NATIONAL = {
    "entra of the US government": f"https://login.microsoftonline.us/{TENANT}/v2.0",
    "entra in China": f"https://login.partner.microsoftonline.cn/{TENANT}/v2.0",
}
VENDORS |= {name: replace(ENTRA, issuer=issuer) for name, issuer in NATIONAL.items()}
# What PingOne documents of an access token, as the ID token that goes with it has it: without client and scope.
PING = {"sub": "user-uuid", "aud": "c", "sid": "s", "acr": "Single_Factor", "amr": ["pwd"], "auth_time": 1795439997}


def sample(name: str) -> dict[str, Any]:
    """Read header and payload of a sample."""
    return json.loads((shared_folder() / "samples" / "idp" / f"{name}.json").read_text())


def token_of(vendor: Vendor) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and payload of a good token."""
    if vendor.sample is None:
        return {}, {**PING, "iss": vendor.issuer, "iat": 1795440000, "exp": 1795443600}
    found = sample(vendor.sample)
    return found["header"], {**found["payload"], "iss": vendor.issuer}


def settings_of(vendor: Vendor, payload: Json, **changes: Any) -> IdpSettings:
    """Configure the vendor for the audience of a token."""
    audience = payload["aud"]
    settings = IdpSettings(
        issuer=vendor.issuer,
        audience=frozenset([audience] if isinstance(audience, str) else audience),
        algorithms=frozenset({"RS256"}),
        org="acme",
    )
    return replace(settings, **{**vendor.settings, **changes})


def changed(payload: Json, **changes: object) -> dict[str, Any]:
    """Return a payload with some claims changed; `...` leaves one out."""
    return {name: value for name, value in {**payload, **changes}.items() if value is not ...}


def prove(adapter: IdpAdapter, payload: Json, *, header: Json | None = None) -> Identity:
    """Sign a token with the issuer's key, verify it and name its person, as the house does. Raises Refused."""
    signed = verify(
        sign(payload, head={**(header or {}), "alg": "RS256", "kid": "rsa"}),
        keys=KEYS,
        issuer=adapter.settings.issuer,
        audience=adapter.settings.audience,
        algorithms=adapter.settings.algorithms,
        token_types=adapter.token_types,
        now=datetime.fromtimestamp(1795440000, tz=UTC),
    )
    return name(adapter, signed.payload)


def name(adapter: IdpAdapter, payload: Json) -> Identity:
    """Run the table of checks, then name the person. Raises Refused."""
    for claim, check in adapter.checks.items():
        check(claim, payload)
    return adapter.identity(SignedClaims(header={}, payload=payload))
