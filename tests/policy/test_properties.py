"""What holds of every judgement, whatever the policies and the facts."""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from random import Random

import cedarpy
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from plugin.core.decision import Decision, Deny, PolicyRef
from plugin.core.device import Tier
from plugin.core.facts import Facts, Trunk
from plugin.core.finding import ABSENT
from plugin.core.identity import Level
from plugin.core.join import Network
from plugin.policy.entities import CONTEXT, room
from plugin.policy.hearing import hear
from plugin.policy.judge import judge
from plugin.policy.principal import find_principal
from tests.policy.people import (
    ACME,
    ASSURANCES,
    BOARD,
    DATA,
    FACTS,
    REFUSED,
    SETTING,
    TUESDAY,
    UNAVAILABLE,
    bundle,
    device,
    example,
    partner,
    person,
    policy_ids,
    shipped,
)

EXAMPLE = example()
PREFER_CORE = DATA + '[step_up]\nprefer = ["core"]\n'
groups = st.sampled_from([None, frozenset(), frozenset({"chairs"}), frozenset({"partners/chairs", "chairs"})])
levels, ages = st.sampled_from(Level), st.sampled_from([None, timedelta(hours=1), timedelta(days=2)])
identities = st.one_of(
    st.sampled_from([ABSENT, REFUSED, UNAVAILABLE]),
    st.builds(lambda told, level, age: person(groups=told, level=level, mfa_age=age), groups, levels, ages),
    st.builds(lambda told, level, age: partner(groups=told, level=level, mfa_age=age), groups, levels, ages),
)
devices = st.one_of(
    st.sampled_from([ABSENT, ABSENT, REFUSED, UNAVAILABLE]),
    st.builds(
        lambda owner, tier, bound: device(owner=owner, tier=tier, bound=bound),
        st.sampled_from([f"{ACME}#alice", f"{ACME}#mallory", None]),
        st.sampled_from(Tier),
        st.booleans(),
    ),
)
entries = st.frozensets(
    st.sampled_from(["org:acme", "org:partners", f"{ACME}#alice", "group:chairs", "group:partners/chairs"]), max_size=3
)
conferences = st.builds(
    lambda invited, hosts, guests, classification: replace(
        BOARD, invited=invited, hosts=hosts, guests=guests, classification=classification
    ),
    entries,
    entries,
    st.sampled_from([None, False, True]),
    st.sampled_from(["internal", "pii"]),
)
facts = st.builds(
    Facts,
    conference=conferences,
    zone=st.sampled_from([None, None, "core", "meetme"]),
    protocol=st.just("webrtc"),
    identity=identities,
    device=devices,
    trunk=st.sampled_from([None, None, None, Trunk(name="mcu", org="partners"), Trunk(name="dialled", org=None)]),
    network=st.builds(
        Network, address=st.sampled_from(["192.0.2.7", "203.0.113.200", "203.0.113.70", ""]), located=st.booleans()
    ),
    assurances=st.sampled_from([(), ASSURANCES]),
    now=st.integers(0, 7 * 24).map(lambda hours: TUESDAY + timedelta(hours=hours)),
)
rules = st.tuples(
    st.sampled_from(["permit", "forbid", "permit"]),
    st.sampled_from(["principal", "principal is User", "principal is Guest", 'principal in Org::"partners"']),
    st.sampled_from(["action", 'action == Action::"join"', 'action in [Action::"present", Action::"unmute"]']),
    st.sampled_from(["resource", 'resource in Zone::"core"', 'resource in Zone::"meetme"']),
    st.sampled_from(
        [
            "true",
            "context.join.invited",
            "!context.join.host",
            "principal.device.compliant",
            "principal.auth.phishingResistant",
            'principal.auth has mfaAge && principal.auth.mfaAge <= duration("8h")',
            'principal in Group::"chairs"',
            'context.join.networks.contains(Network::"office")',
            'Clock::"Europe/Oslo".weekday <= 5',
            'resource.conference.classification == Classification::"pii"',
        ]
    ),
).map(lambda parts: "{} ({}, {}, {}) when {{ {} }};".format(*parts))
bundles = st.lists(rules, min_size=1, max_size=5).map(
    lambda texts: [
        '@id("first") permit (principal, action, resource) when { context.join.invited };',
        *(f'@id("p{number}") {text}' for number, text in enumerate(texts)),
    ]
)
modest = settings(max_examples=60, deadline=None)


def admitted(decision: Decision) -> bool:
    return not isinstance(decision, Deny)


@settings(max_examples=200, deadline=None)
@given(facts)
def test_without_a_proven_identity_nobody_is_admitted_but_by_a_guest_or_gateway_policy(asked: Facts):
    nobody = replace(asked, identity=ABSENT, device=ABSENT)

    decision = judge(EXAMPLE, nobody)

    if admitted(decision):
        wanted = {"guests-by-the-owners-choice"} if nobody.trunk is None else {"meetme-for-partner-gateways"}
        assert set(policy_ids(decision)) & wanted
        assert decision.zone == "meetme"


@modest
@given(bundles, facts, st.sampled_from([REFUSED, UNAVAILABLE]), st.booleans())
def test_what_is_refused_or_unavailable_admits_nobody(texts: list[str], asked: Facts, bad: object, identity: bool):
    broken = replace(asked, identity=bad) if identity else replace(asked, device=bad)

    assert not admitted(judge(bundle(*texts), broken))


@modest
@given(bundles, rules, facts)
def test_adding_a_forbid_never_widens(texts: list[str], added: str, asked: Facts):
    forbid = f'@id("added") forbid {added.partition(" ")[2]}'
    before, after = bundle(*texts), bundle(*texts, forbid)

    decision = judge(after, asked)

    if admitted(decision):
        had = judge(before, replace(asked, zone=decision.zone))
        assert admitted(had)
        assert decision.capabilities <= had.capabilities


@modest
@given(bundles, facts, st.randoms(use_true_random=False))
def test_the_order_of_policies_and_files_never_shows(texts: list[str], asked: Facts, random: Random):
    shuffled = random.sample(texts, len(texts))
    ways = [
        bundle(*texts, data=PREFER_CORE),
        bundle(*shuffled, data=PREFER_CORE),
        bundle("\n".join(shuffled), data=PREFER_CORE),
    ]

    decisions = {without_places(judge(way, asked)) for way in ways for _ in range(2)}

    assert len(decisions) == 1


def without_places(decision: Decision) -> Decision:
    """Forget in which file and line each policy stands."""
    reasons = tuple(
        replace(reason, policies=tuple(PolicyRef(id=one.id, file="", line=0) for one in reason.policies))
        for reason in decision.reasons
    )
    return replace(decision, reasons=reasons)


@modest
@given(facts)
def test_policies_read_from_their_trees_answer_as_those_read_from_their_text(asked: Facts):
    principal = find_principal(asked, setting=SETTING)
    assume(not isinstance(principal, Deny))
    hearing = hear(EXAMPLE, facts=asked, principal=principal)
    from_trees = replace(hearing, reading=EXAMPLE.policies.reading(frozenset()))
    from_text = cedarpy.PolicySet.from_str(shipped()["admission.cedar"])

    for action, zone in product(["join", "present", "unmute", "host", "showName"], BOARD.zones):
        (verdict,) = from_trees.ask(action, zone=zone)
        question = {
            "principal": hearing.principal,
            "action": {"type": "Action", "id": action},
            "resource": room(asked.conference, zone=zone),
            "context": CONTEXT,
        }
        answer = cedarpy.is_authorized(question, from_text, hearing.entities(), EXAMPLE.schema)
        assert verdict.permitted is answer.allowed
        assert {rule.ref.id for rule in verdict.rules} == set(answer.diagnostics.id_annotations_by_reason.values())


@modest
@given(facts, st.sampled_from(["core", "meetme"]))
def test_a_room_alone_is_admitted_to_by_the_same_rules(asked: Facts, zone: str):
    alone = judge(EXAMPLE, replace(asked, zone=zone))
    all_rooms = judge(EXAMPLE, replace(asked, zone=None))

    if admitted(all_rooms) and all_rooms.zone == zone:
        assert admitted(alone)
        assert alone.capabilities == all_rooms.capabilities


def test_facts_for_these_properties_admit_some_and_deny_some():
    people = [person(), partner(), person(level=Level.SIGNED_IN, mfa_age=None)]

    decisions = [
        judge(EXAMPLE, replace(FACTS, identity=who, device=on)) for who, on in product(people, [device(), ABSENT])
    ]

    assert {type(decision).__name__ for decision in decisions} == {"Allow", "Redirect", "Deny"}
