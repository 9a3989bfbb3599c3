"""What every adapter has to stand, whatever its vendor: run over all that come with the house."""

from importlib.metadata import distribution
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.core.errors import Refused
from plugin.core.identity import Identity, Level
from plugin.core.reasons import Reason
from plugin.jose.claims import absent
from plugin.shell.registry import IDP_ADAPTERS
from tests.idp_adapters.vendors import NATIONAL, VENDORS, Vendor, changed, name, prove, sample, settings_of, token_of

NOT_TOLD = ...
WRONG_TYPES: list[Any] = [True, 7, 1.5, "", [], ["x"], {}, {"x": "y"}]

every_vendor = pytest.mark.parametrize("vendor", VENDORS.values(), ids=VENDORS.keys())


def refusal(vendor: Vendor, payload: dict[str, Any], **configured: Any) -> Reason | None:
    header, good = token_of(vendor)
    adapter = vendor.build(settings_of(vendor, good, **configured))
    try:
        prove(adapter, payload, header=header)
    except Refused as refused:
        return refused.reason
    return None


def test_every_adapter_that_is_installed_with_the_house_is_held_to_this():
    points = distribution("vestibule").entry_points

    assert {point.name for point in points if point.group == IDP_ADAPTERS} == VENDORS.keys() - NATIONAL.keys()


@every_vendor
def test_a_token_as_the_vendor_documents_it_names_the_person(vendor: Vendor):
    header, payload = token_of(vendor)
    adapter = vendor.build(settings_of(vendor, payload))

    identity = prove(adapter, payload, header=header)

    assert identity.key == f"{vendor.issuer}#{payload[vendor.key]}"
    assert identity.org == "acme"


@every_vendor
def test_an_address_or_a_name_is_nobodys_key(vendor: Vendor):
    header, payload = token_of(vendor)
    adapter = vendor.build(settings_of(vendor, payload))
    swapped = dict.fromkeys(
        ("email", "upn", "preferred_username", "unique_name", "name", "nickname"), "bob@corp.example"
    )

    honest, liar = (prove(adapter, changed(payload, **lie), header=header) for lie in ({}, swapped))

    assert honest == liar


@every_vendor
def test_a_claim_that_is_missing_says_nothing_and_opens_nothing(vendor: Vendor):
    _, payload = token_of(vendor)
    adapter = vendor.build(settings_of(vendor, payload))
    needed = {claim for claim in adapter.checks if claim in payload}

    admitted = {claim for claim in needed if refusal(vendor, changed(payload, **{claim: NOT_TOLD})) is None}

    # These are words of other vendors, or the claim is optional where it says what its absence says.
    assert admitted <= {"typ", "token_use", "idp"} - vendor.wrong.keys()


@every_vendor
def test_a_claim_that_says_another_thing_is_refused(vendor: Vendor):
    _, payload = token_of(vendor)

    refusals = {claim: refusal(vendor, changed(payload, **{claim: wrong})) for claim, wrong in vendor.wrong.items()}

    assert None not in refusals.values()


@every_vendor
def test_each_claim_of_the_table_that_is_told_has_its_lie(vendor: Vendor):
    _, payload = token_of(vendor)
    adapter = vendor.build(settings_of(vendor, payload))

    told = {claim for claim, check in adapter.checks.items() if claim in payload and check is not absent}

    assert told <= vendor.wrong.keys() | {"sub"}  # another `sub` is another person


@every_vendor
def test_a_claim_of_another_type_is_refused(vendor: Vendor):
    _, payload = token_of(vendor)
    adapter = vendor.build(settings_of(vendor, payload))
    lies = [
        (claim, value)
        for claim in adapter.checks
        for value in WRONG_TYPES
        if type(value) is not type(payload.get(claim, NOT_TOLD))
    ]

    admitted = [(claim, value) for claim, value in lies if refusal(vendor, changed(payload, **{claim: value})) is None]

    assert admitted == []


OTHER_KINDS: dict[str, object] = {
    "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    "scope": "openid join",
    "typ": "Refresh",
    "token_use": "access",
}


@every_vendor
@pytest.mark.parametrize(("claim", "value"), OTHER_KINDS.items())
def test_another_kind_of_token_of_the_same_issuer_is_refused(vendor: Vendor, claim: str, value: object):
    _, payload = token_of(vendor)

    assert refusal(vendor, changed(payload, **{claim: value})) is Reason.TOKEN_TYPE


@every_vendor
def test_a_claim_of_the_vendors_other_tokens_is_enough_to_refuse_one(vendor: Vendor):
    _, payload = token_of(vendor)
    adapter = vendor.build(settings_of(vendor, payload))

    refusals = {claim: refusal(vendor, changed(payload, **{claim: lie})) for claim, lie in vendor.foreign.items()}

    assert set(refusals.values()) <= {Reason.TOKEN_TYPE}
    # And the table has no such claim that is not tried here.
    tried = vendor.foreign.keys() | OTHER_KINDS.keys() | {"scp"}
    assert {claim for claim, check in adapter.checks.items() if check is absent} <= tried


ANOTHER_KIND = {
    "entra_v2_access_token_cae": "entra",
    "entra_v1_access_token": "entra",
    "okta_custom_as_access_token": "okta",
    "auth0_access_token": "auth0",
    "pingone_access_token": "ping",
    "pingfederate_access_token": "ping",
    "rfc9068_access_token_dpop": "oidc",
    "backchannel_logout_token": "oidc",
    "ssf_set_session_revoked": "oidc",
    "ssf_set_device_compliance_change": "oidc",
}


@pytest.mark.parametrize(("kind", "vendor"), ANOTHER_KIND.items())
def test_a_token_that_is_no_id_token_is_refused_even_where_it_is_meant_for_us(kind: str, vendor: str):
    found = sample(kind)
    payload = {"sub": "alice", "exp": 1795440300, "iat": 1795440000, **found["payload"], "iss": VENDORS[vendor].issuer}
    audience = payload["aud"]
    payload["azp"] = audience if isinstance(audience, str) else audience[0]
    adapter = VENDORS[vendor].build(settings_of(VENDORS[vendor], payload))

    with pytest.raises(Refused) as refused:
        prove(adapter, payload, header=changed(found["header"], **{"pi.atm": NOT_TOLD}))

    assert refused.value.reason is Reason.TOKEN_TYPE


@every_vendor
def test_an_issuer_that_differs_by_one_character_is_refused(vendor: Vendor):
    _, payload = token_of(vendor)

    assert refusal(vendor, changed(payload, iss=f"{vendor.issuer}x")) is Reason.TOKEN_ISSUER


@every_vendor
def test_groups_that_are_not_told_are_not_none(vendor: Vendor):
    header, payload = token_of(vendor)
    adapter = vendor.build(settings_of(vendor, payload))
    untold = changed(payload, **dict.fromkeys({"groups", adapter.settings.groups_claim}, NOT_TOLD))

    assert prove(adapter, untold, header=header).groups is None


@every_vendor
def test_a_sign_in_that_nothing_is_said_about_is_worth_the_least(vendor: Vendor):
    header, payload = token_of(vendor)
    adapter = vendor.build(settings_of(vendor, payload))

    identity = prove(adapter, changed(payload, acr=NOT_TOLD, amr=NOT_TOLD, acrs=NOT_TOLD), header=header)

    assert identity.level is Level.SIGNED_IN


@every_vendor
def test_the_configuration_says_what_a_documented_value_is_worth(vendor: Vendor):
    _, payload = token_of(vendor)
    documented = vendor.build(settings_of(vendor, payload)).settings

    lowered = dict.fromkeys(documented.acr, Level.SIGNED_IN)
    configured = vendor.build(settings_of(vendor, payload, acr=lowered)).settings

    assert configured.acr == lowered


UNSAFE = {
    "no audience": {"audience": frozenset()},
    "empty audience": {"audience": frozenset({""})},
    "no algorithm": {"algorithms": frozenset()},
    "algorithm none": {"algorithms": frozenset({"RS256", "none"})},
    "HMAC": {"algorithms": frozenset({"HS256"})},
}


@every_vendor
@pytest.mark.parametrize("changes", UNSAFE.values(), ids=UNSAFE.keys())
def test_settings_that_could_never_be_safe_build_nothing(vendor: Vendor, changes: dict[str, Any]):
    _, payload = token_of(vendor)

    with pytest.raises(ValueError, match="expected"):
        vendor.build(settings_of(vendor, payload, **changes))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
READ_BESIDE = ("acr", "amr", "acrs", "auth_time", "authmethod", "groups", "nonce", "sid", "_claim_names", "hasgroups")


@every_vendor
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_any_claims_name_a_person_or_are_refused(vendor: Vendor, data: st.DataObject):
    _, payload = token_of(vendor)
    roles = (
        data.draw(st.sampled_from([{}, {"groups_claim": "realm_access.roles"}]))
        if vendor is VENDORS["keycloak"]
        else {}
    )
    adapter = vendor.build(settings_of(vendor, payload, **roles))
    claims = {*adapter.checks, *READ_BESIDE, "realm_access", adapter.settings.groups_claim or "groups"}
    changes = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(sorted(claims), JSON)))

    try:
        verdict: object = name(adapter, {**payload, **changes})
    except Refused as refused:
        verdict = refused

    assert isinstance(verdict, Identity | Refused)
    if isinstance(verdict, Identity):
        assert verdict.key.startswith(f"{vendor.issuer}#")
