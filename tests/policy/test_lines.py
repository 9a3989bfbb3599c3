"""Gateways and room systems before the policies: what they are, who vouches, and which lists name them."""

from dataclasses import replace

import pytest

from plugin.core.decision import Decision, Redirect
from plugin.core.facts import Facts, Line, Trunk
from plugin.core.finding import ABSENT, Proven
from plugin.core.identity import Level, Provenance
from plugin.core.trunks import DIAL_OUT
from plugin.policy.judge import judge
from plugin.policy.principal import Kind, Posture, find_principal
from tests.policy.people import (
    ACME,
    ASSURANCES,
    BOARD,
    FACTS,
    GATEWAY,
    PERMIT_ALL,
    SETTING,
    bundle,
    device,
    example,
    is_denied,
    person,
)

ROOM_SYSTEM = replace(
    GATEWAY,
    trunk=Trunk(name="boardroom", org="acme", line=Line.ROOM_SYSTEM, provenance=Provenance.PLATFORM),
)
CALLED_OUT = replace(GATEWAY, trunk=DIAL_OUT)
ASSERTED = replace(
    FACTS, identity=Proven(value=replace(person(level=Level.SIGNED_IN).value, provenance=Provenance.PLATFORM))
)
INVITED = '@id("invited") permit (principal, action, resource) when { context.join.invited };'


def judged(facts: Facts, *policies: str) -> Decision:
    return judge(bundle(*policies), facts)


def permit(condition: str) -> str:
    return f'@id("some") permit (principal, action, resource) when {{ {condition} }};'


@pytest.mark.parametrize(
    ("facts", "kind", "name", "org"),
    [
        (GATEWAY, Kind.GATEWAY, "mcu", "partners"),
        (ROOM_SYSTEM, Kind.ROOM_SYSTEM, "boardroom", "acme"),
        (CALLED_OUT, Kind.GATEWAY, "dial-out", None),
    ],
)
def test_a_trunk_is_what_it_leads_to(facts: Facts, kind: Kind, name: str, org: str | None):
    found = find_principal(facts, setting=SETTING)

    assert (found.kind, found.id, found.org) == (kind, name, org)
    assert (found.device, found.auth.level, found.groups) == (Posture(), 0, frozenset())


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        (FACTS, "bound"),
        (replace(FACTS, device=ABSENT), "verified"),
        (replace(ASSERTED, device=ABSENT), "platform"),
        (ROOM_SYSTEM, "platform"),
        (replace(ROOM_SYSTEM, trunk=replace(ROOM_SYSTEM.trunk, provenance=Provenance.NETWORK)), "network"),
        (CALLED_OUT, "none"),
    ],
)
def test_policies_see_whose_word_it_is(facts: Facts, word: str):
    assert not is_denied(judged(facts, permit(f'principal.auth.provenance == "{word}"')))
    assert is_denied(judged(facts, permit(f'principal.auth.provenance != "{word}"')))


@pytest.mark.parametrize("condition", ["principal is User", "principal is Guest"])
@pytest.mark.parametrize("facts", [GATEWAY, ROOM_SYSTEM, CALLED_OUT])
def test_a_line_is_never_a_person(facts: Facts, condition: str):
    assert is_denied(judged(facts, permit(condition)))


def test_a_room_system_is_no_gateway_and_a_gateway_no_room_system():
    assert is_denied(judged(ROOM_SYSTEM, permit("principal is Gateway")))
    assert is_denied(judged(GATEWAY, permit("principal is RoomSystem")))


@pytest.mark.parametrize(
    ("facts", "entry", "named"),
    [
        (GATEWAY, "trunk:mcu", True),
        (GATEWAY, "trunk:boardroom", False),
        (GATEWAY, "org:partners", True),
        (GATEWAY, "org:acme", False),
        (GATEWAY, "mcu", False),
        (ROOM_SYSTEM, "trunk:boardroom", True),
        (ROOM_SYSTEM, "org:acme", True),
        (ROOM_SYSTEM, "group:boardroom", False),
        (ROOM_SYSTEM, f"{ACME}#boardroom", False),
        (CALLED_OUT, "org:None", False),
        (replace(FACTS, identity=person(subject="boardroom")), "trunk:boardroom", False),
        (replace(FACTS, identity=person(groups=frozenset({"boardroom"}))), "trunk:boardroom", False),
    ],
)
@pytest.mark.parametrize("field", ["invited", "hosts"])
def test_a_trunk_is_named_by_its_name_or_its_organisation_and_by_nothing_else(
    facts: Facts, entry: str, named: bool, field: str
):
    conference = replace(BOARD, **{"invited": frozenset(), field: frozenset({entry})})
    rule = permit("context.join.invited" if field == "invited" else "context.join.host")

    assert is_denied(judged(replace(facts, conference=conference), rule)) is not named


def test_a_meeting_that_names_a_partners_trunk_is_held_outside():
    facts = replace(GATEWAY, conference=replace(BOARD, invited=frozenset({"org:acme", "trunk:mcu"})))

    decision = judged(facts, INVITED)

    assert isinstance(decision, Redirect)
    assert (decision.zone, decision.apart) == ("meetme", False)


@pytest.mark.parametrize("facts", [GATEWAY, ROOM_SYSTEM, replace(ASSERTED, device=ABSENT)])
def test_nobody_is_asked_to_step_up_who_cannot(facts: Facts):
    decision = judged(replace(facts, assurances=ASSURANCES), permit("principal.auth.level >= 2"))

    assert is_denied(decision)
    assert decision.remedy is None


@pytest.mark.parametrize("facts", [CALLED_OUT, replace(GATEWAY, trunk=replace(GATEWAY.trunk, org="elsewhere"))])
def test_the_shipped_policies_deny_a_line_that_nobody_vouches_for(facts: Facts):
    assert is_denied(judge(example(), facts))


def test_a_device_does_not_make_the_platforms_word_better_than_the_policies_ask_for():
    """No platform shows a device beside its word; should one ever, a signature is what it is."""
    facts = replace(ASSERTED, device=device(bound=False))

    assert is_denied(judged(facts, permit('principal.auth.provenance == "verified"')))
    assert not is_denied(judged(facts, PERMIT_ALL))
