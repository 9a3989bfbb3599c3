"""What is particular to a vendor: what somebody would try who has an honest token of it, and what it does not tell."""

from dataclasses import replace
from typing import Any

import pytest

from idp_adapters import adfs
from plugin.core.errors import Refused
from plugin.core.finding import Proven
from plugin.core.identity import Identity, Level
from plugin.core.reasons import Reason
from plugin.policy.judge import judge
from tests.idp_adapters.vendors import ENTRA, ENTRA_V1, OTHER_TENANT, VENDORS, changed, prove, sample, settings_of
from tests.idp_adapters.vendors import token_of as token
from tests.policy.people import FACTS, PERMIT_ALL, bundle, codes, is_denied


def identity_of(vendor: str, *, configured: dict[str, Any] | None = None, **changes: object) -> Identity:
    kind = VENDORS[vendor]
    header, payload = token(kind)
    adapter = kind.build(settings_of(kind, payload, **(configured or {})))
    return prove(adapter, changed(payload, **changes), header=header)


def refusal(vendor: str, *, configured: dict[str, Any] | None = None, **changes: object) -> Reason:
    with pytest.raises(Refused) as refused:
        identity_of(vendor, configured=configured, **changes)
    return refused.value.reason


# Microsoft Entra ID


def test_the_same_object_of_another_tenant_is_refused():
    issuer = ENTRA.issuer.replace("0f3c4b1e", "11111111")

    assert refusal("entra", iss=issuer, tid=OTHER_TENANT) is Reason.TOKEN_ISSUER
    assert refusal("entra", tid=OTHER_TENANT) is Reason.TOKEN_ISSUER


@pytest.mark.parametrize(
    "lie",
    [
        {"acct": 1},
        {"acct": False},
        {"acct": "0"},
        {"idp": "live.com"},
        {"idp": f"https://sts.windows.net/{OTHER_TENANT}/"},
    ],
)
def test_a_guest_of_the_tenant_is_no_member_of_it(lie: dict[str, object]):
    assert refusal("entra", **lie) is Reason.TOKEN_ISSUER


def test_somebody_of_whom_nobody_says_whether_they_are_a_guest_is_refused():
    assert refusal("entra", acct=...) is Reason.TOKEN_ISSUER


def test_a_token_of_the_first_version_does_not_pass_for_one_of_the_second():
    assert refusal("entra", iss=ENTRA_V1, ver="1.0") is Reason.TOKEN_ISSUER
    assert refusal("entra", ver="1.0") is Reason.TOKEN_TYPE


def test_a_token_of_the_first_version_counts_where_that_is_configured():
    person = identity_of("entra", configured={"issuer": ENTRA_V1}, iss=ENTRA_V1, ver="1.0", amr=["pwd", "mfa"])

    assert person.key == f"{ENTRA_V1}#690222be-ff1a-4d56-abd1-7e4f7d38e474"
    assert person.level is Level.MULTI_FACTOR


@pytest.mark.parametrize(
    "issuer",
    [
        "https://login.microsoftonline.com/common/v2.0",
        "https://login.microsoftonline.com/organizations/v2.0",
        "https://login.microsoftonline.com/{tenantid}/v2.0",
        "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0",
        "https://login.microsoftonline.com.mallory.example/0f3c4b1e-7a57-4b4e-9d4e-5b7c2d1e8a90/v2.0",
        "https://loginXmicrosoftonline.com/0f3c4b1e-7a57-4b4e-9d4e-5b7c2d1e8a90/v2.0",
    ],
)
def test_an_issuer_of_anybodys_accounts_cannot_be_configured(issuer: str):
    _, payload = token(ENTRA)

    with pytest.raises(ValueError, match="expected"):
        ENTRA.build(settings_of(ENTRA, payload, issuer=issuer))


def test_an_application_is_no_person():
    lie = {"azpacr": "1", "idtyp": "app", "azp": "6e74172b-be56-4843-9ff4-e66a39bb12e3"}

    assert refusal("entra", **lie) is Reason.TOKEN_TYPE


OVERAGE = {
    "as documented": {"groups": ..., "_claim_names": {"groups": "src1"}},
    "implicit flow": {"groups": ..., "hasgroups": True},
    "some told all the same": {"groups": ["a"], "_claim_names": {"groups": "src1"}},
    "some told all the same, implicit flow": {"groups": ["a"], "hasgroups": True},
    "names of no object": {"_claim_names": "groups"},
}


@pytest.mark.parametrize("changes", OVERAGE.values(), ids=OVERAGE.keys())
def test_more_groups_than_fit_into_a_token_are_not_told(changes: dict[str, object]):
    assert identity_of("entra", **changes).groups is None


def test_the_documented_overage_is_not_told():
    found = sample("entra_groups_overage")
    payload = {**found["payload"], "acct": 0}

    person = prove(ENTRA.build(settings_of(ENTRA, payload)), payload, header=found["header"])

    assert person.groups is None


CONTEXTS = {"acr": {"c1": Level.MULTI_FACTOR, "c2": Level.PHISHING_RESISTANT}}


@pytest.mark.parametrize(
    ("told", "level"),
    [
        (["c1"], Level.MULTI_FACTOR),
        (["c2", "c1"], Level.PHISHING_RESISTANT),
        ("c1", Level.MULTI_FACTOR),
        (["c3"], Level.SIGNED_IN),
        (..., Level.SIGNED_IN),
    ],
)
def test_an_authentication_context_is_worth_what_is_configured(told: object, level: Level):
    assert identity_of("entra", configured=CONTEXTS, acrs=told).level is level


def test_a_context_in_the_wrong_claim_is_worth_nothing():
    assert identity_of("entra", configured=CONTEXTS, acrs=..., acr="c2", amr=["c2"]).level is Level.SIGNED_IN


# Okta


@pytest.mark.parametrize(
    ("acr", "level"),
    [
        ("urn:okta:loa:1fa:any", Level.SIGNED_IN),
        ("urn:okta:loa:2fa:any:ifpossible", Level.SIGNED_IN),
        ("urn:okta:loa:2fa:any", Level.MULTI_FACTOR),
        ("phr", Level.PHISHING_RESISTANT),
        ("phrh", Level.PHISHING_RESISTANT),
    ],
)
def test_what_okta_documents_is_worth_what_it_says(acr: str, level: Level):
    assert identity_of("okta", acr=acr, amr=...).level is level


def test_a_login_name_is_not_taken_for_a_person():
    assert refusal("okta", sub="alice@corp.example", uid="00uid4BxXw6I6TV4m0g3") is Reason.TOKEN_TYPE


# Google


@pytest.mark.parametrize(
    "hd", [..., "mallory.example", "CORP.EXAMPLE", ["corp.example"], "corp.example.mallory.example"]
)
def test_an_account_of_no_configured_domain_is_refused(hd: object):
    assert refusal("google", hd=hd, email="alice@corp.example") is Reason.TOKEN_ISSUER


def test_an_address_that_is_not_verified_is_refused():
    assert refusal("google", email_verified="true") is Reason.TOKEN_CLAIM


def test_groups_in_a_token_of_google_are_not_googles():
    assert identity_of("google", groups=["board"]).groups is None


@pytest.mark.parametrize(
    "changes", [{"tenants": frozenset()}, {"groups_claim": "groups"}, {"issuer": "https://accounts.google.com/"}]
)
def test_google_without_its_domains_or_with_what_it_does_not_tell_cannot_be_configured(changes: dict[str, Any]):
    _, payload = token(VENDORS["google"])

    with pytest.raises(ValueError, match="expected"):
        VENDORS["google"].build(settings_of(VENDORS["google"], payload, **changes))


# Keycloak


@pytest.mark.parametrize("kind", [..., "Bearer", "Refresh", "Offline", "Logout", "id", ["ID"]])
def test_a_token_of_keycloak_that_does_not_say_that_it_is_an_id_token_is_refused(kind: object):
    assert refusal("keycloak", typ=kind) is Reason.TOKEN_TYPE


ROLES = {
    "realm_access": {"roles": ["staff"]},
    "resource_access": {"conf-web": {"roles": ["chair"]}, "other.app": {"roles": ["admin"]}},
    "groups": ["/corp/eng"],
}


@pytest.mark.parametrize(
    ("claim", "groups"),
    [
        ("groups", {"/corp/eng"}),
        ("realm_access.roles", {"staff"}),
        ("resource_access.conf-web.roles", {"chair"}),
        ("resource_access.other.app.roles", {"admin"}),
        ("resource_access.conf.roles", None),
    ],
)
def test_roles_are_read_from_the_one_place_that_is_configured(claim: str, groups: set[str] | None):
    assert identity_of("keycloak", configured={"groups_claim": claim}, **ROLES).groups == groups


def test_roles_of_another_client_are_not_ours():
    lie = {"resource_access": {"other": {"roles": ["chair"]}}, "realm_access": {"roles": ["chair"]}}

    assert identity_of("keycloak", configured={"groups_claim": "resource_access.conf-web.roles"}, **lie).groups is None


# AD FS


def test_a_windows_account_is_not_taken_for_a_session():
    assert identity_of("adfs").session_id is None


def test_an_access_token_of_ad_fs_is_refused_by_its_issuer():
    lie = {"iss": "http://fs.corp.example/adfs/services/trust"}

    assert refusal("adfs", **lie) is Reason.TOKEN_ISSUER


def test_the_issuer_of_access_tokens_cannot_be_configured():
    kind = VENDORS["adfs"]
    _, payload = token(kind)

    with pytest.raises(ValueError, match="adfs"):
        kind.build(settings_of(kind, payload, issuer="http://fs.corp.example/adfs/services/trust"))


def test_a_method_of_ad_fs_is_worth_what_is_configured():
    method = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"

    person = identity_of("adfs", configured={"amr": {method: Level.MULTI_FACTOR}})

    assert (person.level, person.amr) == (Level.MULTI_FACTOR, (method,))


@pytest.mark.parametrize("claim", adfs.METHODS)
def test_the_second_factor_that_ad_fs_documents_is_one(claim: str):
    person = identity_of("adfs", **{claim: [adfs.SECOND_FACTOR, "urn:oasis:names:tc:SAML:2.0:ac:classes:X509"]})

    assert person.level is Level.MULTI_FACTOR


# Auth0


@pytest.mark.parametrize("org_id", [..., "org_mallory", ["org_123"], None])
def test_a_person_of_another_organization_is_refused(org_id: object):
    assert refusal("auth0", org_id=org_id) is Reason.TOKEN_ISSUER


def test_auth0_without_its_organizations_cannot_be_configured():
    kind = VENDORS["auth0"]
    _, payload = token(kind)

    with pytest.raises(ValueError, match="got no tenants"):
        kind.build(settings_of(kind, payload, tenants=frozenset()))


def test_groups_of_another_namespace_are_not_ours():
    lie = {"https://mallory.example/groups": ["board"], "groups": ["board"]}

    assert identity_of("auth0", **lie).groups is None
    assert identity_of("auth0", **lie, **{"https://conf.example/groups": ["staff"]}).groups == {"staff"}


def test_groups_without_a_namespace_cannot_be_configured():
    kind = VENDORS["auth0"]
    _, payload = token(kind)

    with pytest.raises(ValueError, match="namespace"):
        kind.build(settings_of(kind, payload, groups_claim="groups"))


def test_what_auth0_documents_of_multi_factor_is_worth_that():
    assert identity_of("auth0", acr=...).level is Level.MULTI_FACTOR
    assert identity_of("auth0", amr=...).level is Level.MULTI_FACTOR
    assert identity_of("auth0", acr=..., amr=["pwd"]).level is Level.SIGNED_IN


# Cognito


@pytest.mark.parametrize("use", [..., "access", ["id"]])
def test_a_token_of_cognito_that_is_not_for_identity_is_refused(use: object):
    assert refusal("cognito", token_use=use) is Reason.TOKEN_TYPE


def test_groups_of_cognito_are_read_from_its_own_claim():
    assert identity_of("cognito", groups=["board"]).groups == {"staff"}


def test_groups_of_cognito_that_people_may_write_themselves_cannot_be_configured():
    kind = VENDORS["cognito"]
    _, payload = token(kind)

    with pytest.raises(ValueError, match="got groups_claim `custom:groups`"):
        kind.build(settings_of(kind, payload, groups_claim="custom:groups"))


# GitLab


@pytest.mark.parametrize("issuer", ["https://gitlab.com", "https://gitlab.com/", "https://GitLab.com:443"])
def test_the_gitlab_where_anybody_can_have_an_account_cannot_be_configured(issuer: str):
    kind = VENDORS["gitlab"]
    _, payload = token(kind)

    with pytest.raises(ValueError, match="an instance of your own"):
        kind.build(settings_of(kind, payload, issuer=issuer))


@pytest.mark.parametrize(
    "lie",
    [
        {"sub": "project_path:corp/vestibule:ref_type:branch:ref:main"},
        {"sub": "72:ref_type:branch"},
        {"project_path": "corp/vestibule"},
        {"namespace_id": "72"},
        {"job_id": "302"},
        {"pipeline_id": "574"},
    ],
)
def test_a_job_is_no_person(lie: dict[str, object]):
    assert refusal("gitlab", **lie) in (Reason.TOKEN_TYPE, Reason.TOKEN_CLAIM)


def test_direct_groups_count_only_where_somebody_says_that_they_are_enough():
    assert identity_of("gitlab").groups is None
    assert identity_of("gitlab", configured={"groups_claim": "groups_direct"}).groups == {"corp", "corp/eng"}


# What is not told, before the judge

FORBID_CONTRACTORS = '@id("no") forbid (principal in Group::"contractors", action, resource);'


@pytest.mark.parametrize("changes", OVERAGE.values(), ids=OVERAGE.keys())
def test_nobody_escapes_a_rule_about_groups_by_having_too_many(changes: dict[str, object]):
    facts = replace(FACTS, identity=Proven(value=identity_of("entra", **changes)), assurances=())

    decision = judge(bundle(PERMIT_ALL, FORBID_CONTRACTORS), facts)

    assert is_denied(decision)
    assert codes(decision)[-1] == "groups-not-told"


def test_somebody_whose_groups_are_told_is_judged_by_them():
    facts = replace(FACTS, identity=Proven(value=identity_of("entra")), assurances=())

    assert not is_denied(judge(bundle(PERMIT_ALL, FORBID_CONTRACTORS), facts))
