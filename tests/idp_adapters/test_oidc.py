import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idp_adapters.oidc import adapter
from plugin.core.errors import Refused
from plugin.core.identity import Identity, Level
from plugin.core.reasons import Reason
from plugin.jose.claims import SignedClaims
from plugin.jose.verify import verify
from plugin.ports import IdpSettings
from tests.jose.issuer import CLIENT, ISSUER, KEYS, MOMENT, claims, sign
from tests.vectors import shared_folder

SETTINGS = IdpSettings(
    issuer=ISSUER,
    audience=frozenset({CLIENT}),
    algorithms=frozenset({"RS256"}),
    org="acme",
    acr={"silver": Level.MULTI_FACTOR, "gold": Level.PHISHING_RESISTANT},
    amr={"otp": Level.MULTI_FACTOR, "swk": Level.PHISHING_RESISTANT},
)


def prove(payload: Mapping[str, object], *, of: IdpSettings = SETTINGS) -> Identity:
    """Run the table of checks, then name the person, as the house does with signed claims."""
    provider = adapter(of)
    for name, check in provider.checks.items():
        check(name, payload)
    return provider.identity(SignedClaims(header={}, payload=payload))


def reason_of(payload: Mapping[str, object]) -> Reason | None:
    try:
        prove(payload)
    except Refused as refused:
        return refused.reason
    return None


def test_identity_is_what_the_claims_and_the_configuration_say() -> None:
    payload = claims(acr="silver", amr=["pwd", "otp"], auth_time=MOMENT - 20, groups=["board"], sid="08a5019c")

    identity = prove(payload)

    assert identity == Identity(
        issuer=ISSUER,
        subject="248289761001",
        org="acme",
        groups=frozenset({"board"}),
        level=Level.MULTI_FACTOR,
        acr="silver",
        amr=("pwd", "otp"),
        auth_time=datetime.fromtimestamp(MOMENT - 20, tz=UTC),
        session_id="08a5019c",
        nonce="n-0S6_WzA2Mj",
        issued_at=datetime.fromtimestamp(MOMENT - 10, tz=UTC),
        expires_at=datetime.fromtimestamp(MOMENT + 600, tz=UTC),
    )


def test_what_the_provider_does_not_tell_is_not_made_up() -> None:
    identity = prove(claims(nonce=...))

    told = (identity.groups, identity.acr, identity.amr, identity.auth_time, identity.session_id, identity.nonce)
    assert told == (None, None, (), None, None, None)


def test_organisation_comes_from_the_configuration_alone() -> None:
    identity = prove(claims(org="mallory", tenant="mallory", hd="mallory.example"))

    assert identity.org == "acme"


LEVELS = {
    "nothing told": ({}, Level.SIGNED_IN),
    "acr named": ({"acr": "gold"}, Level.PHISHING_RESISTANT),
    "acr unnamed": ({"acr": "platinum"}, Level.SIGNED_IN),
    "amr named": ({"amr": ["pwd", "otp"]}, Level.MULTI_FACTOR),
    "amr unnamed": ({"amr": ["pwd"]}, Level.SIGNED_IN),
    "the better of both": ({"acr": "silver", "amr": ["swk"]}, Level.PHISHING_RESISTANT),
    "acr in another case": ({"acr": "GOLD"}, Level.SIGNED_IN),
    "an acr value in amr": ({"amr": ["gold"]}, Level.SIGNED_IN),
}


@pytest.mark.parametrize(("changes", "level"), LEVELS.values(), ids=LEVELS.keys())
def test_level_is_what_the_configuration_says_that_a_sign_in_is_worth(changes: dict[str, Any], level: Level) -> None:
    identity = prove(claims(**changes))

    assert identity.level is level


GROUPS = {
    "list": (["a", "b"], frozenset({"a", "b"})),
    "one": ("a", frozenset({"a"})),
    "none": ([], frozenset()),
    "null": (None, None),
    "1,000": ([str(number) for number in range(1000)], frozenset(map(str, range(1000)))),
}


@pytest.mark.parametrize(("told", "groups"), GROUPS.values(), ids=GROUPS.keys())
def test_groups_are_those_told_and_none_told_is_not_untold(told: object, groups: frozenset[str] | None) -> None:
    identity = prove(claims(groups=told))

    assert identity.groups == groups


def test_groups_are_read_from_the_configured_claim_alone() -> None:
    settings_ = replace(SETTINGS, groups_claim="https://conf.example/groups")

    identity = prove(claims(groups=["admin"], **{"https://conf.example/groups": ["staff"]}), of=settings_)

    assert identity.groups == frozenset({"staff"})


def test_auth_time_of_zero_means_that_the_provider_does_not_know() -> None:
    identity = prove(claims(auth_time=0))

    assert identity.auth_time is None


LIES = {
    "groups object": ({"groups": {"admin": True}}, Reason.TOKEN_CLAIM),
    "groups of numbers": ({"groups": [1]}, Reason.TOKEN_CLAIM),
    "groups number": ({"groups": 1}, Reason.TOKEN_CLAIM),
    "1,001 groups": ({"groups": [str(number) for number in range(1001)]}, Reason.TOKEN_CLAIM),
    "group of 256 characters": ({"groups": ["g" * 256]}, Reason.TOKEN_CLAIM),
    "acr list": ({"acr": ["gold"]}, Reason.TOKEN_CLAIM),
    "acr number": ({"acr": 2}, Reason.TOKEN_CLAIM),
    "amr string": ({"amr": "swk"}, Reason.TOKEN_CLAIM),
    "amr of lists": ({"amr": [["swk"]]}, Reason.TOKEN_CLAIM),
    "auth_time string": ({"auth_time": "2026-11-23T12:00:00Z"}, Reason.TOKEN_CLAIM),
    "auth_time true": ({"auth_time": True}, Reason.TOKEN_CLAIM),
    "auth_time after the token": ({"auth_time": MOMENT + 51}, Reason.TOKEN_CLAIM),
    "auth_time negative": ({"auth_time": -1e300}, Reason.TOKEN_CLAIM),
    "auth_time beyond any calendar": ({"auth_time": 1e300}, Reason.TOKEN_CLAIM),
    "sid number": ({"sid": 5}, Reason.TOKEN_CLAIM),
    "nonce list": ({"nonce": ["n"]}, Reason.TOKEN_CLAIM),
    "logout token": ({"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}, Reason.TOKEN_TYPE),
    "logout token with null events": ({"events": None}, Reason.TOKEN_TYPE),
    "access token": ({"scope": "openid join"}, Reason.TOKEN_TYPE),
    "access token of Keycloak": ({"typ": "Bearer"}, Reason.TOKEN_TYPE),
    "access token of Cognito": ({"token_use": "access"}, Reason.TOKEN_TYPE),
    "kind of no string": ({"typ": ["ID"]}, Reason.TOKEN_TYPE),
}


@pytest.mark.parametrize(("changes", "reason"), LIES.values(), ids=LIES.keys())
def test_claim_that_is_not_what_it_must_be_is_refused(changes: dict[str, Any], reason: Reason) -> None:
    assert reason_of(claims(**changes)) is reason


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
OPTIONAL = ("acr", "amr", "auth_time", "groups", "sid", "nonce", "events", "scope", "typ", "token_use", "sub")


@settings(deadline=None)
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(OPTIONAL, JSON)))
def test_any_claims_name_a_person_or_are_refused(changes: dict[str, object]) -> None:
    verdict = reason_of(claims(**changes))

    assert verdict in (None, Reason.TOKEN_CLAIM, Reason.TOKEN_TYPE)


UNSAFE = {
    "no audience": ({"audience": frozenset()}, "audience"),
    "empty audience": ({"audience": frozenset({""})}, "audience"),
    "no algorithm": ({"algorithms": frozenset()}, "algorithms"),
    "algorithm none": ({"algorithms": frozenset({"RS256", "none"})}, "none"),
    "algorithm HS256": ({"algorithms": frozenset({"HS256"})}, "HS256"),
    "algorithm in lower case": ({"algorithms": frozenset({"rs256"})}, "rs256"),
}


@pytest.mark.parametrize(("changes", "named"), UNSAFE.values(), ids=UNSAFE.keys())
def test_settings_that_could_never_be_safe_are_refused_at_once(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=f"got .*{named}.*expected"):
        adapter(replace(SETTINGS, **changes))


def test_there_is_always_something_to_check() -> None:
    assert adapter(SETTINGS).checks


SAMPLES = {
    "generic_id_token": None,
    "keycloak_id_token": None,
    "okta_id_token_org_as": None,
    "google_id_token": None,
    "auth0_id_token": None,
    "cognito_id_token": None,
    "jumpcloud_id_token": None,
    "gitlab_id_token": None,
    "entra_v2_id_token": None,
    "backchannel_logout_token": Reason.TOKEN_TYPE,
    "ssf_set_session_revoked": Reason.TOKEN_TYPE,
    "rfc9068_access_token_dpop": Reason.TOKEN_TYPE,
    "auth0_access_token": Reason.TOKEN_TYPE,
    "pingone_access_token": Reason.TOKEN_TYPE,
}


@pytest.mark.parametrize(("name", "reason"), SAMPLES.items())
def test_sample_of_a_provider_gets_its_verdict(name: str, reason: Reason | None) -> None:
    sample = json.loads((shared_folder() / "samples" / "idp" / f"{name}.json").read_text())
    payload = sample["payload"]
    head = sample["header"] | {"alg": "RS256", "kid": "rsa"}
    audience = payload["aud"]

    verdict = None
    try:
        signed = verify(
            sign(payload, head=head),
            keys=KEYS,
            issuer=payload["iss"],
            audience=frozenset([audience] if isinstance(audience, str) else audience),
            algorithms=frozenset({"RS256"}),
            token_types=adapter(SETTINGS).token_types,
            now=datetime.fromtimestamp(payload["iat"], tz=UTC),
        )
        prove(signed.payload)
    except Refused as refused:
        verdict = refused.reason

    assert verdict is reason


@pytest.mark.parametrize(
    ("issuer", "kind"),
    [
        ("https://accounts.google.com", "google"),
        ("https://gitlab.com", "gitlab"),
        ("https://login.microsoftonline.com/common/v2.0", "entra"),
        ("https://acme.okta.com/oauth2/default", "okta"),
        ("https://acme.eu.auth0.com/", "auth0"),
        ("https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_EXAMPLE", "cognito"),
        ("https://auth.pingone.eu/ENV-ID/as", "ping"),
        ("https://auth.pingone.com.au/ENV-ID/as", "ping"),
        ("https://login.microsoftonline.com./common/v2.0", "entra"),
    ],
)
def test_a_vendor_that_has_an_adapter_of_its_own_is_read_by_no_other(issuer: str, kind: str):
    settings = IdpSettings(issuer=issuer, audience=frozenset({"app"}), algorithms=frozenset({"RS256"}), org="acme")

    with pytest.raises(ValueError, match=f'expected `adapter = "{kind}"`'):
        adapter(settings)


@pytest.mark.parametrize(
    "issuer",
    ["https://acme.ciamlogin.com/x/v2.0", "https://token.actions.githubusercontent.com", "https://appleid.apple.com"],
)
def test_an_issuer_where_anybody_can_sign_in_cannot_be_configured(issuer: str):
    settings = IdpSettings(issuer=issuer, audience=frozenset({"app"}), algorithms=frozenset({"RS256"}), org="acme")

    with pytest.raises(ValueError, match="anybody"):
        adapter(settings)
