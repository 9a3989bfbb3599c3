"""What everybody who may join may do as well: read off, and never more than a search would find."""

from dataclasses import replace

import pytest

from plugin.core.decision import Capability
from plugin.policy.implied import implied
from plugin.policy.reach import search
from tests.policy.people import BOARD, bundle, example

ALL = frozenset(Capability)
PRESENT, UNMUTE = Capability.PRESENT, Capability.UNMUTE
REST = ALL - {PRESENT}
EVERYTHING = '@id("all") permit (principal, action, resource);'
JOIN = '@id("join") permit (principal, action == Action::"join", resource);'
BOTH = '@id("both") permit (principal is User, action in [Action::"join", Action::"present"], resource) when { %s };'


def test_in_the_shipped_bundle_most_can_be_read_off():
    compiled = example()

    assert implied(compiled, zone="core") == {PRESENT, UNMUTE, Capability.SHOW_NAME}
    assert implied(compiled, zone="meetme") == {UNMUTE}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([EVERYTHING], ALL),
        ([JOIN], frozenset()),
        ([EVERYTHING, JOIN], frozenset()),
        ([BOTH % "principal.device.compliant"], {PRESENT}),
        ([BOTH % 'action == Action::"join"'], frozenset()),
        ([EVERYTHING, '@id("no") forbid (principal, action, resource) when { context.join.host };'], ALL),
        (
            [EVERYTHING, '@id("no") forbid (principal is Guest, action == Action::"present", resource);'],
            REST,
        ),
        (
            [EVERYTHING, '@id("no") forbid (principal, action, resource) when { action == Action::"present" };'],
            frozenset(),
        ),
        ([EVERYTHING, '@id("no") forbid (principal, action == Action::"join", resource);'], ALL),
    ],
)
def test_a_capability_is_implied_where_no_policy_tells_it_from_joining(
    rules: list[str], expected: frozenset[Capability]
):
    assert implied(bundle(*rules), zone="core") == expected


def test_a_policy_about_another_zone_does_not_count():
    elsewhere = '@id("no") forbid (principal, action == Action::"present", resource in Zone::"meetme");'
    compiled = bundle(EVERYTHING, elsewhere)

    assert (implied(compiled, zone="core"), implied(compiled, zone="meetme")) == (ALL, REST)


def test_a_policy_about_rooms_by_name_counts_wherever_they_are():
    one_room = '@id("no") forbid (principal, action == Action::"present", resource == Room::"board@core");'

    assert implied(bundle(EVERYTHING, one_room), zone="core") == REST


CONDITIONS = (
    "principal.auth.level >= 2",
    "principal.device.compliant",
    'principal in Group::"chairs"',
    "context.join.host",
    'action != Action::"present"',
    'resource in Zone::"meetme"',
)


@pytest.mark.parametrize("effect", ["permit", "forbid"])
@pytest.mark.parametrize("action", ["", '== Action::"join"', '== Action::"present"'])
@pytest.mark.parametrize("condition", CONDITIONS)
def test_whoever_can_be_found_to_lack_something_contradicts_no_reading(effect: str, action: str, condition: str):
    rule = f'@id("some") {effect} (principal, action {action}, resource) when {{ {condition} }};'
    compiled = bundle(BOTH % "context.join.invited", rule, JOIN if effect == "forbid" else EVERYTHING)
    conference = replace(BOARD, guests=True)

    found = search(compiled, conference=conference, zone="meetme", among=ALL)

    assert found & implied(compiled, zone="meetme") == frozenset()
