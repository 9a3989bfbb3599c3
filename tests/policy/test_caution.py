from dataclasses import replace
from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from plugin.core.decision import Decision, Deny
from plugin.core.facts import Facts
from plugin.core.identity import Level
from plugin.core.join import Network
from plugin.policy.judge import judge
from tests.policy.people import BOARD, FACTS, PERMIT_ALL, bundle, codes, is_denied, person, policy_ids

UNTOLD = replace(FACTS, identity=person(groups=None), assurances=())
UNLOCATED = replace(FACTS, network=Network(address="192.0.2.200", located=False), assurances=())
IN_GROUP = 'principal in Group::"{}"'
IN_NETWORK = 'context.join.networks.contains(Network::"{}")'


def permit(condition: str) -> str:
    return f'@id("yes") permit (principal, action, resource) when {{ {condition} }};'


def forbid(condition: str) -> str:
    return f'@id("no") forbid (principal, action, resource) when {{ {condition} }};'


def judged(*policies: str, facts: Facts) -> Decision:
    return judge(bundle(*policies), facts)


@pytest.mark.parametrize(
    "rules",
    [
        [PERMIT_ALL, forbid(IN_GROUP.format("contractors"))],
        [PERMIT_ALL, '@id("no") forbid (principal in Group::"contractors", action, resource);'],
        [PERMIT_ALL, '@id("no") forbid (principal is User in Group::"contractors", action, resource);'],
        [PERMIT_ALL, forbid(f"{IN_GROUP.format('contractors')} && !({IN_GROUP.format('cleared')})")],
        [permit(f"!({IN_GROUP.format('contractors')})")],
        ['@id("yes") permit (principal, action, resource) unless { principal in Group::"contractors" };'],
        [permit(IN_GROUP.format("staff"))],
        [permit(f"if {IN_GROUP.format('a')} then false else true")],
        [permit(f"({IN_GROUP.format('a')}) == false")],
    ],
)
def test_groups_that_were_not_told_open_nothing(rules: list[str]):
    decision = judged(*rules, facts=UNTOLD)

    assert is_denied(decision)
    assert codes(decision)[-1] == "groups-not-told"
    assert decision.reasons[0].detail == "not known: Group"


def test_groups_that_were_told_are_taken_as_they_are():
    rules = [PERMIT_ALL, forbid(f"{IN_GROUP.format('contractors')} && !({IN_GROUP.format('cleared')})")]
    contractor, cleared = frozenset({"contractors"}), frozenset({"contractors", "cleared"})

    assert not is_denied(judged(*rules, facts=replace(FACTS, identity=person(groups=frozenset()))))
    assert is_denied(judged(*rules, facts=replace(FACTS, identity=person(groups=contractor))))
    assert not is_denied(judged(*rules, facts=replace(FACTS, identity=person(groups=cleared))))


def test_where_no_policy_asks_for_groups_nobody_needs_to_tell_them():
    assert not is_denied(judged(PERMIT_ALL, facts=UNTOLD))


def test_a_forbid_elsewhere_does_not_close_this_room():
    rule = '@id("no") forbid (principal in Group::"contractors", action, resource in Zone::"core");'

    decision = judged(PERMIT_ALL, rule, facts=UNTOLD)

    assert not is_denied(decision)
    assert policy_ids(decision) == ["all", "no"]


def test_a_list_that_only_groups_could_tell_is_not_taken_for_no():
    rules = [PERMIT_ALL, forbid("context.join.invited")]
    facts = replace(UNTOLD, conference=replace(BOARD, invited=frozenset({"group:board"})))

    assert is_denied(judged(*rules, facts=facts))
    assert not is_denied(judged(*rules, facts=replace(facts, identity=person(groups=frozenset()))))


@pytest.mark.parametrize(
    "rules",
    [
        [PERMIT_ALL, forbid(IN_NETWORK.format("office"))],
        [PERMIT_ALL, forbid(f"{IN_NETWORK.format('office')} && !({IN_NETWORK.format('vpn')})")],
        [permit(IN_NETWORK.format("office"))],
        [permit(f"!({IN_NETWORK.format('office')})")],
        [permit("context.join.networks.isEmpty()")],
        [PERMIT_ALL, forbid('context.join.address.isInRange(ip("203.0.113.0/24"))')],
        [permit('context.join.address.isInRange(ip("0.0.0.0/0"))')],
        [permit('!context.join.address.isInRange(ip("203.0.113.0/24"))')],
        [PERMIT_ALL, forbid('context.join has country && context.join.country == "KP"')],
        [permit('!(context.join has country && context.join.country == "KP")')],
    ],
)
def test_a_place_that_is_not_known_opens_nothing(rules: list[str]):
    assert is_denied(judged(*rules, facts=UNLOCATED))


def test_an_address_in_no_countrys_table_opens_nothing_either():
    nowhere = replace(FACTS, network=Network(address="198.51.100.7", located=True))

    assert is_denied(
        judged(PERMIT_ALL, forbid('context.join has country && context.join.country == "KP"'), facts=nowhere)
    )


def test_policies_may_speak_of_not_being_located():
    rule = permit("!context.join.located")

    assert not is_denied(judged(rule, facts=UNLOCATED))


@pytest.mark.parametrize(
    "identity", [person(mfa_age=None), person(level=Level.SIGNED_IN)], ids=["nobody knows when", "no multi-factor"]
)
def test_an_age_that_is_not_known_switches_no_forbid_off(identity: object):
    rule = forbid('principal.auth has mfaAge && principal.auth.mfaAge > duration("8h")')

    assert is_denied(judged(PERMIT_ALL, rule, facts=replace(FACTS, identity=identity, assurances=())))


ATOMS = [
    IN_GROUP.format("g"),
    IN_GROUP.format("h"),
    IN_NETWORK.format("office"),
    IN_NETWORK.format("vpn"),
    'context.join has country && context.join.country == "KP"',
    'context.join.address.isInRange(ip("192.0.2.128/25"))',
    "context.join.networks.isEmpty()",
    "context.join.invited",
    'resource in Zone::"core"',
]
conditions = st.recursive(
    st.sampled_from(ATOMS).map("({})".format),
    lambda inner: st.one_of(
        inner.map("!{}".format),
        st.tuples(inner, st.sampled_from(["&&", "||", "=="]), inner).map(lambda three: f"({' '.join(three)})"),
        st.tuples(inner, inner, inner).map(lambda three: "(if {} then {} else {})".format(*three)),
    ),
    max_leaves=5,
)
scopes = st.sampled_from(["principal", 'principal in Group::"g"', 'principal is User in Group::"h"'])
policies = st.tuples(
    st.sampled_from(["permit", "forbid"]), scopes, st.sampled_from(["when", "unless"]), conditions
).map(lambda four: "{} ({}, action, resource) {} {{ {} }};".format(*four))  # fmt: skip
PLACES = ["192.0.2.7", "192.0.2.70", "192.0.2.130", "192.0.2.200", "203.0.113.200", "198.51.100.7"]
MEMBERSHIPS = [frozenset(), frozenset({"g"}), frozenset({"h"}), frozenset({"g", "h", "board"})]


@settings(max_examples=40, deadline=None)
@given(st.lists(policies, min_size=1, max_size=3), st.booleans(), st.booleans())
def test_whoever_is_admitted_without_a_fact_is_admitted_whatever_the_fact_turns_out_to_be(
    texts: list[str], groups_told: bool, located: bool
):
    assume(any(text.startswith("permit") for text in texts))
    assume(not (groups_told and located))
    compiled = bundle(*(f'@id("p{number}") {text}' for number, text in enumerate(texts)))
    unknown = replace(FACTS, assurances=(), conference=replace(BOARD, invited=frozenset({"group:board"})))

    for groups, place in product(MEMBERSHIPS, PLACES):
        known = replace(unknown, identity=person(groups=groups), network=Network(address=place, located=True))
        asked = replace(
            known,
            identity=known.identity if groups_told else person(groups=None),
            network=Network(address=place, located=located),
        )
        without = judge(compiled, asked)

        if not isinstance(without, Deny):
            fully = judge(compiled, replace(known, zone=without.zone))
            assert not isinstance(fully, Deny)
            assert without.capabilities <= fully.capabilities
