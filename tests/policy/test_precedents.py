"""An answer of Cedar's is given again where no policy could tell the two questions apart, and nowhere else."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from cedarpy import policies_to_pst
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.core.decision import Allow, Decision
from plugin.core.facts import Facts
from plugin.core.finding import ABSENT
from plugin.core.identity import Level
from plugin.core.join import Network
from plugin.policy.judge import judge
from plugin.policy.precedents import compared_ages
from tests.policy.counting import questions_to_cedar
from tests.policy.people import FACTS, PERMIT_ALL, bundle, device, example, partner, person
from tests.policy.test_properties import facts

EIGHT_HOURS = 'when { principal.auth has mfaAge && principal.auth.mfaAge <= duration("8h") }'
NOW = 'when { context.join.now < datetime("2026-11-24T09:00:01Z") }'
HOUR, INSTANT = timedelta(hours=1), timedelta(milliseconds=1)


def aged(age: timedelta) -> Facts:
    return replace(FACTS, identity=person(mfa_age=age))


def later(by: timedelta, *, since: Facts = FACTS) -> Facts:
    return replace(since, now=since.now + by)


def permitting(condition: str) -> str:
    return f'@id("one") permit (principal is User, action, resource) {condition};'


@settings(max_examples=25, deadline=None)
@given(st.lists(facts, min_size=2, max_size=6))
def test_whoever_was_judged_before_changes_nothing(crowd: list[Facts]):
    experienced = example()

    together = [judge(experienced, one) for one in crowd + crowd]
    alone = [judge(example(), one) for one in crowd]

    assert together == alone + alone


LIARS: dict[str, Callable[[Facts], Facts]] = {
    "another person": lambda honest: replace(honest, identity=person(subject="mallory")),
    "a partner": lambda honest: replace(honest, identity=partner()),
    "a weaker sign-in": lambda honest: replace(honest, identity=person(level=Level.SIGNED_IN, mfa_age=None)),
    "an older sign-in": lambda honest: replace(honest, identity=person(mfa_age=timedelta(hours=9))),
    "another's device": lambda honest: replace(honest, device=device(owner="somebody-else")),
    "no device": lambda honest: replace(honest, device=ABSENT),
    "another country": lambda honest: replace(honest, network=Network(address="203.0.113.200", located=True)),
    "nowhere known": lambda honest: replace(honest, network=Network(address="192.0.2.7", located=False)),
    "not invited": lambda honest: replace(honest, conference=replace(honest.conference, invited=frozenset())),
    "a secret meeting": lambda honest: replace(honest, conference=replace(honest.conference, classification="pii")),
}


@pytest.mark.parametrize("name", LIARS)
def test_a_liar_gains_nothing_by_coming_after_an_honest_person(name: str):
    policies, liar = example(), LIARS[name](FACTS)

    honest = judge(policies, FACTS)
    decision = judge(policies, liar)

    assert isinstance(honest, Allow)
    assert decision == judge(example(), liar)
    assert decision != honest


@pytest.mark.parametrize("operator", ["<", "<=", ">", ">=", "==", "!="])
@pytest.mark.parametrize(
    "sides", ['principal.auth.mfaAge {} duration("1h")', 'duration("1h") {} principal.auth.mfaAge']
)
def test_ages_on_either_side_of_a_limit_are_told_apart(operator: str, sides: str):
    policy = permitting(f"when {{ principal.auth has mfaAge && {sides.format(operator)} }}")
    ages, experienced = [HOUR - INSTANT, HOUR, HOUR + INSTANT], bundle(policy)

    decisions = [judge(experienced, aged(age)) for age in ages]

    assert decisions == [judge(bundle(policy), aged(age)) for age in ages]


def test_the_second_question_of_a_join_is_not_put_to_cedar_again():
    policies = example()
    first = judge(policies, FACTS)

    with questions_to_cedar() as asked:
        second = judge(policies, later(timedelta(seconds=1)))

    assert (second, asked) == (first, [])


def test_a_sign_in_that_has_become_too_old_meanwhile_is_seen():
    policies = bundle(permitting(EIGHT_HOURS))
    fresh = aged(8 * HOUR)

    decisions = [judge(policies, moment) for moment in (fresh, later(INSTANT, since=fresh))]

    assert [type(decision) for decision in decisions] == [Allow, type(judge(policies, aged(9 * HOUR)))]
    assert not isinstance(decisions[1], Allow)


def test_a_moment_that_a_policy_names_is_part_of_the_question():
    policies = bundle(permitting(NOW))

    decisions = [judge(policies, moment) for moment in (FACTS, later(HOUR))]

    assert [isinstance(decision, Allow) for decision in decisions] == [True, False]


@pytest.mark.parametrize(
    "condition",
    [
        "principal.auth.mfaAge.toSeconds() < 3600",
        "principal.auth.mfaAge == principal.auth.mfaAge",
        '[principal.auth.mfaAge].contains(duration("1h"))',
        '(if true then principal.auth.mfaAge else duration("1h")) < duration("2h")',
        'context.join.now.offset(principal.auth.mfaAge) > datetime("2026-11-24")',
        "[principal.auth].contains(principal.auth)",
        'principal.auth == {level: 2, mfaAge: duration("1h"), phishingResistant: false, provenance: "verified"}',
        'principal.auth.mfaAge < duration("2h") && principal.auth.mfaAge.toSeconds() < 3600',
    ],
)
def test_an_age_that_is_not_merely_compared_is_part_of_the_question(condition: str):
    tree = policies_to_pst(f"permit (principal, action, resource) when {{ {condition} }};")

    assert compared_ages(tree.static_policies) is None


def test_cedar_is_asked_no_question_twice_and_none_whose_answer_cannot_matter():
    without_device = replace(FACTS, device=ABSENT)

    with questions_to_cedar() as asked:
        decision = judge(example(), without_device)

    # As they are, and once with a passkey: the sign-in that they have, once more, would be the same question.
    core = [("join", "board@core")] * 2
    there = [(action, "board@meetme") for action in ("join", "present", "unmute", "host", "showName")]
    assert sorted((action, room) for action, room, _ in asked) == sorted(core + there)
    assert len(set(asked)) == len(asked)
    assert not isinstance(decision, Allow)


def test_what_nobody_may_enter_is_not_asked_about_further():
    nobody = bundle(PERMIT_ALL, '@id("none") forbid (principal, action, resource);')

    with questions_to_cedar() as asked:
        judge(nobody, replace(FACTS, assurances=(), identity=person(level=Level.PHISHING_RESISTANT)))

    assert {action for action, _, _ in asked} == {"join"}


def test_an_error_is_no_answer_to_be_given_again():
    overflowing = "when { principal.auth.level + 9223372036854775807 > 0 };"
    broken = bundle(PERMIT_ALL, f'@id("odd") forbid (principal is User, action, resource) {overflowing}')

    with questions_to_cedar() as asked:
        decisions: list[Decision] = [judge(broken, FACTS) for _ in range(2)]

    assert not any(isinstance(decision, Allow) for decision in decisions)
    assert len(asked) == 2
