"""Access tokens (RFC 9068), and everybody who would pass one kind of token for the other."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idp_adapters import oidc
from idp_adapters._id_token import Provider
from plugin.core.errors import Refused
from plugin.core.identity import Identity
from plugin.core.reasons import Reason
from plugin.core.token import AccessSettings, TokenKind
from plugin.flow.identification import identify
from plugin.jose.claims import SignedClaims
from plugin.ports import IdpAdapter, IdpSettings
from tests.idp_adapters.vendors import ENTRA, ENTRA_V1, TENANT, VENDORS, Vendor, changed, sample, token_of
from tests.jose.issuer import KEYS, sign

MOMENT = 1795440000
NOW = datetime.fromtimestamp(MOMENT, tz=UTC)
BOTH = frozenset({TokenKind.ID, TokenKind.ACCESS})
RESOURCE = "https://conf.example/"
OP = "https://op.example/"

# RFC 9068 section 2.2, with the claims of section 2.2.1 and 2.2.3.
ACCESS: dict[str, Any] = {
    "iss": OP,
    "sub": "5ba552d67",
    "aud": RESOURCE,
    "exp": MOMENT + 600,
    "iat": MOMENT - 10,
    "auth_time": MOMENT - 20,
    "acr": "phr",
    "amr": ["hwk", "user"],
    "jti": "dbe39bf3a3ba4238a513f51d6e1691c4",
    "client_id": "s6BhdRkqt3",
    "scope": "openid join",
    "groups": ["staff"],
}
ID_TOKEN: dict[str, Any] = {
    "iss": OP,
    "sub": "5ba552d67",
    "aud": "s6BhdRkqt3",
    "exp": MOMENT + 600,
    "iat": MOMENT - 10,
    "nonce": "n-0S6_WzA2Mj",
    "at_hash": "77QmUPtjPfzWtF2AnpK9RQ",
}
SETTINGS = IdpSettings(
    issuer=OP,
    audience=frozenset({"s6BhdRkqt3"}),
    algorithms=frozenset({"RS256"}),
    org="acme",
    groups_claim="groups",
    tokens=BOTH,
    access=AccessSettings(resource=RESOURCE),
)
AT_JWT = {"typ": "at+jwt"}


def name(
    payload: dict[str, Any],
    *,
    typ: str | None = "at+jwt",
    of: IdpSettings = SETTINGS,
    provider: IdpAdapter | None = None,
) -> Identity:
    """Sign and identify, as the house does. Raises Refused."""
    head = {"alg": "RS256", "kid": "rsa", **({"typ": typ} if typ else {})}
    return identify(sign(payload, head=head), provider=provider or oidc.adapter(of), keys=KEYS, now=NOW)


def reason(payload: dict[str, Any], **options: Any) -> Reason | None:
    try:
        name(payload, **options)
    except Refused as refused:
        return refused.reason
    return None


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
def test_an_access_token_names_the_person_as_the_standard_says(typ: str):
    identity = name(ACCESS, typ=typ)

    assert (identity.key, identity.groups, identity.acr, identity.amr) == (
        f"{OP}#5ba552d67",
        {"staff"},
        "phr",
        ("hwk", "user"),
    )
    assert identity.auth_time == NOW - timedelta(seconds=20)


def test_access_tokens_count_only_where_they_were_chosen():
    assert reason(ACCESS, of=replace(SETTINGS, tokens=frozenset({TokenKind.ID}), access=None)) is Reason.TOKEN_TYPE


def test_id_tokens_can_be_ruled_out():
    assert reason(ID_TOKEN, typ=None) is None
    assert reason(ID_TOKEN, typ=None, of=replace(SETTINGS, tokens=frozenset({TokenKind.ACCESS}))) is Reason.TOKEN_TYPE


def same_audience() -> IdpAdapter:
    """Return a provider whose ID and access tokens are for the same, which no configuration can ask for."""
    provider = oidc.adapter(SETTINGS)
    assert isinstance(provider, Provider)
    return replace(provider, settings=replace(SETTINGS, audience=frozenset({"s6BhdRkqt3", RESOURCE})))


@pytest.mark.parametrize("typ", ["at+jwt", "jwt", None])
@pytest.mark.parametrize("audience", [RESOURCE, "s6BhdRkqt3"])
def test_an_id_token_is_never_an_access_token_though_it_is_for_the_same(typ: str | None, audience: str):
    liar = {**ID_TOKEN, "aud": audience, "scope": "openid join", "client_id": "s6BhdRkqt3", "jti": "x"}

    assert reason(liar, typ=typ, provider=same_audience()) in (Reason.TOKEN_TYPE, Reason.TOKEN_AUDIENCE)


@pytest.mark.parametrize("typ", ["jwt", None])
@pytest.mark.parametrize("audience", [RESOURCE, "s6BhdRkqt3"])
def test_an_access_token_is_never_an_id_token_though_it_is_for_the_same(typ: str | None, audience: str):
    assert reason({**ACCESS, "aud": audience}, typ=typ, provider=same_audience()) is Reason.TOKEN_TYPE


@pytest.mark.parametrize("typ", ["logout+jwt", "secevent+jwt", "dpop+jwt", "at+jwt+x", "token-introspection+jwt"])
def test_a_token_of_any_other_type_is_refused(typ: str):
    assert reason(ACCESS, typ=typ) is Reason.TOKEN_TYPE


LIES: dict[str, tuple[dict[str, Any], Reason]] = {
    "for another service": ({"aud": "https://payroll.example/"}, Reason.TOKEN_AUDIENCE),
    "for the client itself": ({"aud": "s6BhdRkqt3"}, Reason.TOKEN_AUDIENCE),
    "for another service too": ({"aud": [RESOURCE, "https://payroll.example/"]}, Reason.TOKEN_AUDIENCE),
    "for nobody": ({"aud": []}, Reason.TOKEN_AUDIENCE),
    "for a longer name": ({"aud": f"{RESOURCE}x"}, Reason.TOKEN_AUDIENCE),
    "without an audience": ({"aud": ...}, Reason.TOKEN_CLAIM),
    "of another client": ({"client_id": "mallory"}, Reason.TOKEN_AUTHORIZED_PARTY),
    "of no client": ({"client_id": ...}, Reason.TOKEN_AUTHORIZED_PARTY),
    "of a machine": ({"sub": "s6BhdRkqt3"}, Reason.TOKEN_TYPE),
    "of another issuer": ({"iss": "https://op.example"}, Reason.TOKEN_ISSUER),
    "without an id": ({"jti": ...}, Reason.TOKEN_CLAIM),
    "without an issue": ({"iat": ...}, Reason.TOKEN_CLAIM),
    "without an end": ({"exp": ...}, Reason.TOKEN_CLAIM),
    "without a person": ({"sub": ...}, Reason.TOKEN_CLAIM),
    "past its end": ({"exp": MOMENT - 61}, Reason.TOKEN_EXPIRED),
    "from the future": ({"iat": MOMENT + 61}, Reason.TOKEN_NOT_YET_VALID),
    "for two days": ({"exp": MOMENT + 48 * 3600}, Reason.TOKEN_LIFETIME),
    "with groups that are none": ({"groups": [{"value": "staff"}]}, Reason.TOKEN_CLAIM),
    "that announces an event": ({"events": {}}, Reason.TOKEN_TYPE),
}


@pytest.mark.parametrize(("lie", "expected"), LIES.values(), ids=LIES.keys())
def test_an_access_token_is_refused(lie: dict[str, Any], expected: Reason):
    payload = {claim: value for claim, value in {**ACCESS, **lie}.items() if value is not ...}
    provider = oidc.adapter(SETTINGS)
    head = {"alg": "RS256", "kid": "rsa", **AT_JWT}

    with pytest.raises(Refused) as refused:
        identify(sign(payload, head=head), provider=provider, keys=KEYS, now=NOW)

    assert refused.value.reason is expected


BINDINGS: dict[str, object] = {
    "DPoP": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"},
    "mTLS": {"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"},
    "a key": {"jwk": {"kty": "EC"}},
    "a key elsewhere": {"jku": "https://mallory.example/keys", "kid": "1"},
    "nothing": {},
    "null": None,
    "a text": "jkt",
}


@pytest.mark.parametrize("binding", BINDINGS.values(), ids=BINDINGS.keys())
def test_a_token_that_is_bound_to_a_key_is_not_taken_from_whoever_has_it(binding: object):
    assert reason({**ACCESS, "cnf": binding}) is Reason.TOKEN_CONFIRMATION
    assert reason({**ID_TOKEN, "cnf": binding}, typ=None) is Reason.TOKEN_CONFIRMATION


@pytest.mark.parametrize("scope", ["join", "openid join", ["openid", "join"]])
def test_a_scope_that_was_asked_for_has_to_be_there(scope: object):
    strict = replace(SETTINGS, access=AccessSettings(resource=RESOURCE, scope="join"))

    assert reason({**ACCESS, "scope": scope}, of=strict) is None


@pytest.mark.parametrize("scope", ["openid", "joining", "", [], "JOIN", 7, ...])
def test_a_token_without_the_scope_is_refused(scope: object):
    strict = replace(SETTINGS, access=AccessSettings(resource=RESOURCE, scope="join"))
    payload = {claim: value for claim, value in {**ACCESS, "scope": scope}.items() if value is not ...}

    assert reason(payload, of=strict) is Reason.TOKEN_CLAIM


@pytest.mark.parametrize("resource", ["", "s6BhdRkqt3"])
def test_a_resource_is_never_the_id_of_a_client(resource: str):
    with pytest.raises(ValueError, match="resource"):
        oidc.adapter(replace(SETTINGS, access=AccessSettings(resource=resource)))


@pytest.mark.parametrize("kind", ["google", "adfs", "cognito", "gitlab"])
def test_a_provider_that_makes_access_tokens_for_itself_has_none_that_count(kind: str):
    vendor = VENDORS[kind]
    _, payload = token_of(vendor)
    configured = {**vendor.settings, "tokens": BOTH, "access": AccessSettings(resource=RESOURCE)}

    with pytest.raises(ValueError, match="access tokens"):
        vendor.build(replace(settings_for(vendor, payload), **configured))


def settings_for(vendor: Vendor, payload: dict[str, Any], **changes: Any) -> IdpSettings:
    audience = payload["aud"]
    found = IdpSettings(
        issuer=vendor.issuer,
        audience=frozenset([audience] if isinstance(audience, str) else audience),
        algorithms=frozenset({"RS256"}),
        org="acme",
    )
    return replace(found, **{**vendor.settings, **changes})


# The vendors' own access tokens, as they document them: what they are for, and what makes a token another person's,
# another client's, a machine's or no access token.

KEYCLOAK: dict[str, Any] = {
    "header": {"typ": "JWT"},
    "payload": {
        "iss": "https://sso.corp.example/realms/corp",
        "sub": "f:alice",
        "aud": ["vestibule", "account"],
        "azp": "meeting-app",
        "typ": "Bearer",
        "sid": "s",
        "jti": "j",
        "scope": "openid join",
        "iat": MOMENT,
        "exp": MOMENT + 300,
    },
}
DOCUMENTED: dict[str, tuple[Vendor, str | dict[str, Any], str, str, str]] = {
    "entra v2": (ENTRA, "entra_v2_access_token_cae", "6e74172b-be56-4843-9ff4-e66a39bb12e3", "azp", "oid"),
    "entra v1": (
        replace(ENTRA, issuer=ENTRA_V1),
        "entra_v1_access_token",
        "api://6e74172b-be56-4843-9ff4-e66a39bb12e3",
        "appid",
        "oid",
    ),
    "okta": (
        replace(VENDORS["okta"], issuer="https://corp.okta.com/oauth2/default"),
        "okta_custom_as_access_token",
        "api://default",
        "cid",
        "uid",
    ),
    "auth0": (VENDORS["auth0"], "auth0_access_token", "https://conf.example/api", "client_id", "sub"),
    "ping": (VENDORS["ping"], "pingone_access_token", "https://conf.example", "client_id", "sub"),
    "keycloak": (VENDORS["keycloak"], KEYCLOAK, "vestibule", "azp", "sub"),
    "oidc": (replace(VENDORS["oidc"], issuer=OP), {"header": AT_JWT, "payload": ACCESS}, RESOURCE, "client_id", "sub"),
}
SHORTER = {"entra v2": {"exp": MOMENT + 3600, "acct": 0}, "entra v1": {"acct": 0}}
every_vendor = pytest.mark.parametrize("case", DOCUMENTED)


def documented(case: str) -> tuple[IdpAdapter, dict[str, Any], str | None]:
    """Return a vendor that takes both kinds of token, a payload that it documents, and the type in its header."""
    vendor, structure, resource, client, _ = DOCUMENTED[case]
    found = sample(structure) if isinstance(structure, str) else structure
    payload = {**found["payload"], **SHORTER.get(case, {}), "iss": vendor.issuer}
    configured = {
        **vendor.settings,
        "audience": frozenset({payload[client]}),
        "tokens": BOTH,
        "access": AccessSettings(resource=resource),
    }
    return vendor.build(replace(settings_for(vendor, payload), **configured)), payload, found["header"].get("typ")


@every_vendor
def test_an_access_token_as_the_vendor_documents_it_names_the_person(case: str):
    provider, payload, typ = documented(case)

    assert name(payload, typ=typ, provider=provider).subject == payload[DOCUMENTED[case][4]]


@every_vendor
def test_no_claim_of_a_vendors_table_can_be_left_out_to_pass_for_the_other_kind(case: str):
    provider, payload, typ = documented(case)
    assert provider.access is not None
    told = sorted(payload)

    kinds = {claim: both_kinds(provider, changed(payload, **{claim: ...}), typ=typ) for claim in told}

    assert [claim for claim, admitted in kinds.items() if len(admitted) > 1] == []
    assert [claim for claim, admitted in kinds.items() if "id" in admitted] == []


def both_kinds(provider: IdpAdapter, payload: dict[str, Any], *, typ: str | None) -> list[str]:
    """Say which tables would admit it, whatever it seems to be and whomever it is for."""
    assert provider.access is not None
    tables = {
        "id": (provider.token_types, provider.checks, provider.identity),
        "access": (provider.access.token_types, provider.access.checks, provider.access.name),
    }
    admitted = []
    for kind, (types, checks, person) in tables.items():
        try:
            for claim, check in checks.items():
                check(claim, payload)
            person(SignedClaims(header={}, payload=payload))
        except Refused:
            continue
        if (typ or "").lower() in types:
            admitted.append(kind)
    return admitted


@every_vendor
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_nothing_is_an_id_token_and_an_access_token_at_once(case: str, data: st.DataObject):
    provider, payload, _ = documented(case)
    assert provider.access is not None
    vendor = DOCUMENTED[case][0]
    good_id = {} if vendor.sample is None else token_of(vendor)[1]
    merged = {**good_id, **payload} if data.draw(st.booleans()) else {**payload, **good_id}
    dropped = data.draw(st.sets(st.sampled_from(sorted(merged))))
    typ = data.draw(st.sampled_from(["", "jwt", "at+jwt"]))

    left = {claim: value for claim, value in merged.items() if claim not in dropped}

    assert len(both_kinds(provider, left, typ=typ)) < 2


@every_vendor
def test_a_token_that_another_vendors_client_holds_is_refused(case: str):
    provider, payload, typ = documented(case)
    client = DOCUMENTED[case][3]

    assert reason({**payload, client: "mallory"}, typ=typ, provider=provider) is Reason.TOKEN_AUTHORIZED_PARTY


VENDOR_LIES: list[tuple[str, dict[str, Any]]] = [
    ("entra v2", {"scp": ...}),  # an application's own
    ("entra v2", {"idtyp": "app"}),
    ("entra v2", {"acct": 1}),  # a guest of the tenant
    ("entra v2", {"acct": ...}),
    ("entra v2", {"tid": "11111111-7a57-4b4e-9d4e-5b7c2d1e8a90"}),
    ("entra v2", {"ver": "1.0"}),
    ("entra v2", {"aud": "00000003-0000-0000-c000-000000000000"}),  # Microsoft Graph's
    ("okta", {"uid": ...}),  # a service's own
    ("okta", {"uid": ""}),
    ("okta", {"ver": 2}),
    ("auth0", {"org_id": "org_mallory"}),
    ("auth0", {"org_id": ...}),
    ("auth0", {"sub": "cid@clients"}),  # a machine's
    ("auth0", {"gty": "client-credentials"}),
    ("auth0", {"aud": ["https://corp.eu.auth0.com/userinfo"]}),  # for Auth0 itself
    ("keycloak", {"typ": "Refresh"}),
    ("keycloak", {"typ": "ID"}),
    ("keycloak", {"sid": ...}),  # a service account's
    ("keycloak", {"clientHost": "192.0.2.1"}),
    ("keycloak", {"aud": "account"}),
    ("ping", {"jti": ...}),
]


@pytest.mark.parametrize(("case", "lie"), VENDOR_LIES)
def test_what_a_vendors_access_token_would_have_to_lie_about_is_refused(case: str, lie: dict[str, Any]):
    provider, payload, typ = documented(case)

    assert reason(changed(payload, **lie), typ=typ, provider=provider) is not None


def test_a_token_of_entra_that_lives_for_a_day_and_more_is_refused():
    provider, _, typ = documented("entra v2")
    payload = {**sample("entra_v2_access_token_cae")["payload"], "acct": 0, "exp": MOMENT + 28 * 3600}

    assert payload["tid"] == TENANT
    assert reason(payload, typ=typ, provider=provider) is Reason.TOKEN_LIFETIME


def test_okta_makes_access_tokens_of_its_org_server_for_itself():
    vendor = VENDORS["okta"]
    configured = {"tokens": BOTH, "access": AccessSettings(resource="api://default")}

    with pytest.raises(ValueError, match="access tokens"):
        vendor.build(settings_for(vendor, {"aud": "x"}, **configured))
