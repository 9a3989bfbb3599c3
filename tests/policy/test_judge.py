from dataclasses import replace
from datetime import timedelta

import pytest

from plugin.core.decision import Allow, Capability, Decision, Deny, Redirect
from plugin.core.facts import Facts
from plugin.core.finding import ABSENT
from plugin.core.join import Network
from plugin.core.reasons import Reason
from plugin.policy.judge import judge
from tests.policy.people import (
    ACME,
    AT_HOME,
    BOARD,
    FACTS,
    GATEWAY,
    GUEST,
    PARTNERS,
    PERMIT_ALL,
    SETTING,
    TUESDAY,
    bundle,
    codes,
    device,
    example,
    is_denied,
    partner,
    person,
    policy_ids,
)

OUTSIDE_ONLY = '@id("outside") permit (principal, action, resource in Zone::"meetme");'
INVITED_ONLY = '@id("invited") permit (principal, action, resource) when { context.join.invited };'
HOSTS_ONLY = '@id("hosts") permit (principal, action, resource) when { context.join.host };'


def forbid(condition: str, *, scope: str = "principal, action, resource") -> str:
    return f'@id("no") forbid ({scope}) when {{ {condition} }};'


def judged(*policies: str, facts: Facts = FACTS) -> Decision:
    return judge(bundle(*policies), facts)


def test_the_conferences_first_room_is_an_allow():
    decision = judged(PERMIT_ALL)

    assert isinstance(decision, Allow)
    assert (decision.zone, codes(decision), policy_ids(decision)) == ("core", ["permitted"], ["all"])


def test_a_room_further_out_is_a_redirect():
    decision = judged(OUTSIDE_ONLY)

    assert isinstance(decision, Redirect)
    assert (decision.zone, codes(decision), policy_ids(decision)) == ("meetme", ["inner-zone-refused"], ["outside"])


def test_a_meeting_with_outsiders_is_redirected_to_its_seat_and_told_why():
    facts = replace(FACTS, conference=replace(BOARD, invited=frozenset({"org:acme", "org:partners"})))

    decision = judged(PERMIT_ALL, facts=facts)

    assert isinstance(decision, Redirect)
    assert (decision.zone, codes(decision)) == ("meetme", ["seated-outside"])


def test_no_room_is_a_deny():
    decision = judged('@id("never") permit (principal is Guest, action, resource);')

    assert isinstance(decision, Deny)
    assert codes(decision) == ["no-permit"]


def test_a_forbid_wins_and_is_named_with_its_file_line_and_message():
    rule = '\n@id("no") @message("Not on Tuesdays.") forbid (principal, action, resource);'

    decision = judged(PERMIT_ALL, rule)

    assert [reason.message for reason in decision.reasons] == ["Not on Tuesdays."]
    assert [(one.id, one.file, one.line) for one in decision.reasons[0].policies] == [("no", "001.cedar", 2)]


def test_forbids_are_told_in_the_order_of_their_ids_one_reason_for_each_message():
    notes = {"c": "", "b": '@message("b")', "a": "", "d": '@message("b")'}
    rules = [f'@id("{name}") {note} forbid (principal, action, resource);' for name, note in notes.items()]

    decision = judged(PERMIT_ALL, *rules)

    told = [(reason.message, [policy.id for policy in reason.policies]) for reason in decision.reasons]
    assert told == [(Reason.FORBIDDEN.sentence, ["a", "c"]), ("b", ["b", "d"])]


def test_a_redirect_tells_the_forbid_that_closed_the_inner_room():
    decision = judged(PERMIT_ALL, forbid("true", scope='principal, action, resource in Zone::"core"'))

    assert codes(decision) == ["inner-zone-refused", "forbidden"]
    assert policy_ids(decision) == ["all", "no"]


def test_capabilities_are_asked_in_the_room_that_opens():
    rules = [
        '@id("join") permit (principal, action == Action::"join", resource in Zone::"meetme");',
        '@id("inner") permit (principal, action in [Action::"present", Action::"host"], resource in Zone::"core");',
        '@id("outer") permit (principal, action == Action::"unmute", resource in Zone::"meetme");',
        '@id("shown") permit (principal, action == Action::"showName", resource in Zone::"meetme");',
        '@id("no") forbid (principal, action == Action::"showName", resource);',
    ]

    decision = judged(*rules)

    assert isinstance(decision, Redirect)
    assert decision.capabilities == {Capability.UNMUTE}


@pytest.mark.parametrize(
    ("zone", "outcome"), [("core", "Allow"), ("meetme", "Redirect"), ("lobby", "room-unknown"), ("", "room-unknown")]
)
def test_where_a_room_is_held_already_only_that_one_is_judged(zone: str, outcome: str):
    decision = judged(PERMIT_ALL, facts=replace(FACTS, zone=zone))

    assert outcome in (type(decision).__name__, *codes(decision))


def test_a_room_inward_of_the_seat_is_unknown():
    facts = replace(FACTS, zone="core", conference=replace(BOARD, guests=True))

    assert codes(judged(PERMIT_ALL, facts=facts)) == ["room-unknown"]


def test_a_room_that_is_refused_leads_nowhere_else():
    decision = judged(OUTSIDE_ONLY, facts=replace(FACTS, zone="core"))

    assert codes(decision) == ["no-permit"]


@pytest.mark.parametrize(
    ("identity", "entries", "invited"),
    [
        (person(), {"org:acme"}, True),
        (person(), {f"{ACME}#alice"}, True),
        (person(), {f"{PARTNERS}#alice"}, False),
        (person(), {"alice"}, False),
        (person(), {"org:partners"}, False),
        (person(groups=frozenset({"board"})), {"group:board"}, True),
        (person(groups=frozenset({"board"})), {"group:partners/board"}, False),
        (person(groups=frozenset({"partners/board"})), {"group:partners/board"}, False),
        (person(groups=frozenset()), {"group:board"}, False),
        (person(groups=None), {"group:board"}, False),
        (person(groups=None), {"group:board", "org:acme"}, True),
        (partner(groups=frozenset({"board"})), {"group:board"}, False),
        (partner(groups=frozenset({"board"})), {"group:partners/board"}, True),
        (partner(), set(), False),
    ],
)
@pytest.mark.parametrize(("rule", "field"), [(INVITED_ONLY, "invited"), (HOSTS_ONLY, "hosts")])
def test_lists_name_people_by_organisation_group_or_subject(
    identity: object, entries: set[str], invited: bool, rule: str, field: str
):
    conference = replace(BOARD, **{"invited": frozenset(), field: frozenset(entries)})
    facts = replace(FACTS, identity=identity, device=ABSENT, conference=conference)

    assert is_denied(judged(rule, facts=facts)) is not invited


@pytest.mark.parametrize(("entry", "invited"), [("org:partners", True), ("mcu", False), ("group:partners/mcu", False)])
def test_a_gateway_is_named_by_its_organisation_alone(entry: str, invited: bool):
    facts = replace(GATEWAY, conference=replace(BOARD, invited=frozenset({entry})))

    assert is_denied(judged(INVITED_ONLY, facts=facts)) is not invited


def test_a_gateway_that_nobody_vouches_for_is_named_by_no_list():
    facts = replace(
        GATEWAY, trunk=replace(GATEWAY.trunk, org=None), conference=replace(BOARD, invited=frozenset({"org:None"}))
    )

    assert is_denied(judged(INVITED_ONLY, facts=facts))


def test_a_guest_is_named_by_no_list():
    facts = replace(
        GUEST, conference=replace(GUEST.conference, invited=frozenset({"org:", "guest", "org:None", "org:acme"}))
    )

    assert is_denied(judged(INVITED_ONLY, facts=facts))


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ('principal.issuer == "https://sso.acme.example"', True),
        ("principal.auth.level == 2", True),
        ("principal.auth.phishingResistant", False),
        ('principal.auth has mfaAge && principal.auth.mfaAge == duration("1h")', True),
        ('principal.auth.provenance == "bound"', True),
        ("principal.device.managed && principal.device.compliant && principal.device.attested", True),
        ('resource.conference.owner == "https://sso.acme.example#bob"', True),
        ('resource.conference.classification == Classification::"internal"', True),
        ("resource.conference has guests", False),
        ('resource in Conference::"board"', True),
        ('resource == Room::"board@core"', True),
        ('context.join.now == datetime("2026-11-24T09:00:00Z")', True),
        ('context.join.protocol == "webrtc"', True),
        ('context.join.located && context.join.address == ip("192.0.2.7")', True),
        ('context.join.networks.contains(Network::"office")', True),
        ('context.join.networks.contains(Network::"vpn")', False),
        ('context.join has country && context.join.country == "NO"', True),
        ('Clock::"Europe/Oslo".weekday == 2 && Clock::"Europe/Oslo".minuteOfDay == 600', True),
        ('Clock::"Asia/Kolkata".minuteOfDay == 870', True),
        ('principal in Group::"staff" && !(principal in Group::"chairs")', True),
        ('principal in Org::"acme" && principal == User::"https://sso.acme.example#alice"', True),
    ],
)
def test_policies_see_the_facts(condition: str, holds: bool):
    rule = f'@id("rule") permit (principal is User, action, resource) when {{ {condition} }};'
    facts = replace(FACTS, identity=person(groups=frozenset({"staff"})), assurances=())

    assert is_denied(judged(rule, facts=facts)) is not holds


@pytest.mark.parametrize("address", ["", "router", "fe80::1%eth0", "192.0.2.7 "])
def test_an_address_that_cannot_be_read_is_not_located(address: str):
    rule = '@id("rule") permit (principal, action, resource) when { context.join.located };'

    assert is_denied(judged(rule, facts=replace(FACTS, network=Network(address=address, located=True))))


def test_a_mapped_address_is_looked_up_as_ipv4():
    rule = (
        '@id("rule") permit (principal, action, resource) when { context.join.networks.contains(Network::"office") };'
    )
    mapped = Network(address="::ffff:192.0.2.7", located=True)

    assert not is_denied(judged(rule, facts=replace(FACTS, network=mapped)))


def test_it_is_asked_again_when_the_first_proof_expires():
    decision = judged(PERMIT_ALL)

    assert isinstance(decision, Allow)
    assert decision.revisit_at == TUESDAY + timedelta(hours=1)


def test_a_guest_has_no_proof_that_could_expire():
    decision = judged(PERMIT_ALL, facts=GUEST)

    assert isinstance(decision, Redirect)
    assert decision.revisit_at is None


def test_a_forbid_that_cannot_be_evaluated_denies_though_cedar_would_skip_it():
    overflowing = forbid("principal.auth.level + 9223372036854775807 < 0")

    decision = judged(PERMIT_ALL, overflowing)

    assert codes(decision) == ["policy-error"]
    assert policy_ids(decision) == ["no"]


def test_an_error_in_a_capability_denies_too():
    overflowing = forbid(
        "principal.auth.level + 9223372036854775807 < 0", scope='principal, action == Action::"host", resource'
    )

    assert codes(judged(PERMIT_ALL, overflowing)) == ["policy-error"]


@pytest.mark.parametrize(
    "broken",
    [
        replace(FACTS, conference=replace(BOARD, classification="unheard-of")),
        replace(FACTS, conference=replace(BOARD, zones=("nowhere",))),
        replace(FACTS, conference=replace(BOARD, zones=())),
        replace(FACTS, identity=person(subject="\ud800")),
        replace(FACTS, protocol="\udfff"),
        replace(FACTS, now=TUESDAY.replace(tzinfo=None)),
        replace(FACTS, conference=None),
        replace(FACTS, network=None),
        replace(FACTS, identity=None),
        replace(FACTS, device=None, identity=ABSENT),
    ],
)  # fmt: skip
def test_facts_that_do_not_fit_are_denied_and_nothing_is_raised(broken: Facts):
    assert is_denied(judged(PERMIT_ALL, facts=broken))


def test_an_error_tells_nothing_of_the_person():
    broken = replace(FACTS, identity=person(subject="alice\ud800"))

    decision = judged(PERMIT_ALL, facts=broken)

    assert "alice" not in repr(decision)


def test_the_shipped_policies_deny_whom_they_do_not_know():
    facts = replace(FACTS, identity=person(issuer="https://evil.example", org="evil"), device=ABSENT, network=AT_HOME)

    assert is_denied(judge(example(), facts))


def test_the_order_of_cedars_reasons_never_shows():
    rules = [f'@id("p{number}") permit (principal, action, resource);' for number in range(8)]
    compiled = bundle(*rules)

    decisions = {judge(compiled, FACTS) for _ in range(30)}

    assert len(decisions) == 1
    assert policy_ids(decisions.pop()) == [f"p{number}" for number in range(8)]


def test_a_device_of_somebody_else_does_not_open_the_core():
    facts = replace(FACTS, device=device(owner=f"{ACME}#mallory"))

    decision = judge(example(), facts)

    assert isinstance(decision, Redirect)
    assert decision.zone == SETTING.zones[1]
