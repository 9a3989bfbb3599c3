"""From a vendor's adapter to what a client is told to ask that vendor for: each is asked in its own words."""

import json
from dataclasses import replace
from typing import Any

import pytest

from plugin.core.decision import Deny
from plugin.core.finding import Proven
from plugin.core.identity import Level
from plugin.flow.identity_proofs import assurances_of
from plugin.platforms.generic import write
from plugin.policy.judge import judge
from tests.idp_adapters.vendors import VENDORS, changed, prove, settings_of, token_of
from tests.policy.people import ACME, BOARD, FACTS, bundle

PASSKEY = '@id("core") permit (principal, action, resource) when { principal.auth.level >= 3 };'
MULTI_FACTOR = '@id("core") permit (principal, action, resource) when { principal.auth.level >= 2 };'
NOTHING_SAID = {"acr": ..., "amr": ..., "acrs": ...}


def told(vendor: str, policy: str, *, now: dict[str, Any] | None = None, **configured: Any) -> Any:
    """Sign somebody in, let them ask for a room that asks for more, and return the remedy as JSON."""
    kind = VENDORS[vendor]
    header, payload = token_of(kind)
    adapter = kind.build(settings_of(kind, payload, **configured))
    person = prove(adapter, changed(payload, **(now or NOTHING_SAID)), header=header)
    # The rules are about this vendor's people as about the house's own: only how they signed in is theirs.
    facts = replace(FACTS, identity=Proven(value=replace(person, issuer=ACME)), conference=BOARD)
    decision = judge(bundle(policy), replace(facts, assurances=assurances_of(adapter)))
    assert isinstance(decision, Deny)
    return write(decision, decision_id="d", trace_id="t")["remedy"]


def test_microsoft_is_asked_for_an_authentication_context_by_a_claims_request():
    remedy = told("entra", PASSKEY, acr={"c1": Level.PHISHING_RESISTANT})

    assert remedy == {
        "type": "step-up",
        "acr_values": [],
        "claims": '{"id_token": {"acrs": {"essential": true, "value": "c1"}}}',
        "max_age": 0,
    }


def test_what_is_asked_for_is_what_then_counts():
    contexts = {"c1": Level.MULTI_FACTOR, "c2": Level.PHISHING_RESISTANT}
    asked = json.loads(told("entra", PASSKEY, now={"acrs": ["c1"], "amr": ...}, acr=contexts)["claims"])

    kind = VENDORS["entra"]
    header, payload = token_of(kind)
    adapter = kind.build(settings_of(kind, payload, acr=contexts))
    person = prove(adapter, changed(payload, acrs=[asked["id_token"]["acrs"]["value"]], amr=...), header=header)

    assert person.level is Level.PHISHING_RESISTANT


@pytest.mark.parametrize(
    ("vendor", "policy", "acr"),
    [
        ("okta", MULTI_FACTOR, "urn:okta:loa:2fa:any"),
        ("okta", PASSKEY, "phr"),
        ("auth0", MULTI_FACTOR, "http://schemas.openid.net/pape/policies/2007/06/multi-factor"),
    ],
)
def test_a_vendor_is_asked_for_what_it_documents_without_any_configuration(vendor: str, policy: str, acr: str):
    assert told(vendor, policy) == {"type": "step-up", "acr_values": [acr], "claims": None, "max_age": 0}


def test_what_the_configuration_calls_a_value_worth_is_what_is_asked_for():
    worthless = {"phr": Level.SIGNED_IN}

    assert told("okta", PASSKEY, acr=worthless)["acr_values"] == ["phrh"]


@pytest.mark.parametrize("vendor", ["google", "cognito", "gitlab", "keycloak", "adfs", "ping", "entra"])
def test_nothing_is_asked_of_a_vendor_of_which_nobody_has_said_what_its_words_are_worth(vendor: str):
    assert told(vendor, PASSKEY) is None
