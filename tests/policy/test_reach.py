from dataclasses import replace

import pytest

from plugin.core.decision import Capability
from plugin.policy.reach import lacking
from tests.policy.people import BOARD, bundle, example

JOIN = '@id("join") permit (principal, action == Action::"join", resource);'
BOTH = 'permit (principal, action in [Action::"present", Action::"unmute"], resource)'
PRESENT, UNMUTE = Capability.PRESENT, Capability.UNMUTE


BOTH_OF_A_ROOM = frozenset({PRESENT, UNMUTE})


def test_in_the_shipped_core_nobody_lacks_anything_and_outside_it_some_cannot_present():
    compiled = example()

    assert lacking(compiled, conference=BOARD, zone="core", among=BOTH_OF_A_ROOM) == frozenset()
    assert lacking(compiled, conference=BOARD, zone="meetme", among=BOTH_OF_A_ROOM) == {PRESENT}


def test_a_room_that_nobody_can_join_lacks_nothing():
    seated_outside = replace(BOARD, guests=True)

    assert lacking(bundle(JOIN), conference=seated_outside, zone="core", among=BOTH_OF_A_ROOM) == frozenset()
    assert lacking(bundle(JOIN), conference=BOARD, zone="nowhere", among=BOTH_OF_A_ROOM) == frozenset()


def test_what_nobody_is_permitted_is_lacking():
    assert lacking(bundle(JOIN), conference=BOARD, zone="core", among=BOTH_OF_A_ROOM) == {PRESENT, UNMUTE}


@pytest.mark.parametrize(
    "condition",
    [
        "principal.auth.level >= 2",
        'principal.auth has mfaAge && principal.auth.mfaAge < duration("8h")',
        "principal.device.compliant",
        "principal.device.managed",
        "!principal.device.attested",
        'principal in Group::"chairs"',
        '!(principal in Group::"chairs")',
        'principal in Org::"acme"',
        'principal == User::"https://sso.acme.example#alice"',
        "principal is Guest",
        "principal is User",
        "context.join.invited",
        "context.join.host",
        "context.join.located",
        'context.join has country && context.join.country == "NO"',
        '!context.join.networks.contains(Network::"vpn")',
        'Clock::"Europe/Oslo".weekday <= 5',
        'Clock::"Europe/Oslo".minuteOfDay >= 420',
    ],
)
def test_whoever_does_not_meet_the_condition_lacks_what_it_grants(condition: str):
    conference = replace(BOARD, guests=True)

    found = lacking(
        bundle(JOIN, f'@id("some") {BOTH} when {{ {condition} }};'),
        conference=conference,
        zone="meetme",
        among=BOTH_OF_A_ROOM,
    )

    assert found == {PRESENT, UNMUTE}


def test_a_group_that_only_the_conference_names_counts():
    conference = replace(BOARD, invited=frozenset({"org:acme"}), hosts=frozenset({"group:chairs"}))
    rules = [JOIN, f'@id("some") {BOTH} unless {{ context.join.host }};']

    assert lacking(bundle(*rules), conference=conference, zone="core", among=BOTH_OF_A_ROOM) == {PRESENT, UNMUTE}


def test_a_policy_that_cannot_be_evaluated_admits_nobody_so_nobody_lacks_anything():
    overflows = "(principal.auth.level + 1) * 9223372036854775807 * 2 < 0"
    rule = f'@id("no") forbid (principal, action, resource) when {{ {overflows} }};'

    assert lacking(bundle(JOIN, rule), conference=BOARD, zone="core", among=BOTH_OF_A_ROOM) == frozenset()
