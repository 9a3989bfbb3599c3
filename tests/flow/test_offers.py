"""What a refusal offers: never an admission, and to nobody what is not theirs to know."""

from dataclasses import replace

import pytest

from plugin.core.decision import Allow, Decision, Deny, OpenElsewhere, PlatformSignIn, Redirect
from plugin.core.facts import Conference, Facts, Separate
from plugin.core.finding import ABSENT
from plugin.core.identity import Provenance
from plugin.core.join import Call, Caller, JoinRequest, Network, Phase
from plugin.flow.offers import offer
from plugin.policy.judge import judge
from tests.joins import ROOM as QUESTION
from tests.policy.people import (
    AT_HOME,
    BOARD,
    FACTS,
    GATEWAY,
    GUEST,
    PERMIT_ALL,
    REFUSED,
    UNAVAILABLE,
    bundle,
    codes,
    device,
    person,
)

SSO = replace(BOARD, sso_group="Corporate SSO")
NOBODY = replace(FACTS, conference=SSO, identity=ABSENT, device=ABSENT, assurances=())
CORE_ONLY = '@id("core") permit (principal, action, resource in Zone::"core");'
OUTSIDE_ONLY = '@id("outside") permit (principal, action, resource in Zone::"meetme");'
ROOM = replace(
    QUESTION,
    caller=Caller(display_name="", alias="", protocol="api", vendor=""),
    network=Network(address="192.0.2.7", located=True),
)
ENTERING = replace(ROOM, phase=Phase.PARTICIPANT, call=Call(call_id="c-1", api=True))


def offered(facts: Facts, *policies: str, join: JoinRequest = ROOM) -> Decision:
    compiled = bundle(*(policies or (PERMIT_ALL,)))
    facts = replace(facts, protocol=join.caller.protocol)
    return offer(judge(compiled, facts), join=join, facts=facts, bundle=compiled)


def test_who_comes_with_nothing_is_led_through_the_platforms_sign_in_in_the_outermost_room():
    decision = offered(NOBODY)

    assert isinstance(decision, Deny)
    assert decision.remedy == PlatformSignIn(zone="meetme", group="Corporate SSO")
    assert codes(decision) == ["sign-in-at-platform", "guests-not-chosen"]


@pytest.mark.parametrize("protocol", ["sip", "h323", "mssip", "teams", "rtmp", "", "API"])
def test_what_cannot_be_led_through_a_sign_in_is_refused_outright(protocol: str):
    join = replace(ROOM, caller=replace(ROOM.caller, protocol=protocol))

    decision = offered(NOBODY, join=join)

    assert isinstance(decision, Deny)
    assert decision.remedy is None


@pytest.mark.parametrize(
    "facts",
    [
        replace(NOBODY, conference=BOARD),
        replace(NOBODY, identity=REFUSED),
        replace(NOBODY, identity=UNAVAILABLE),
        replace(NOBODY, device=REFUSED),
        replace(NOBODY, device=device()),
        replace(GATEWAY, conference=SSO),
        replace(NOBODY, conference=replace(SSO, zones=("core",))),
        replace(NOBODY, conference=replace(SSO, zones=("core",), guests=True)),
    ],
    ids=["no-group", "bad-proof", "no-answer", "bad-device", "device-alone", "gateway", "inside-only", "no-room"],
)
def test_nobody_else_is_offered_a_sign_in(facts: Facts):
    decision = offered(facts, '@id("nothing") permit (principal is User, action, resource);')

    assert isinstance(decision, Deny)
    assert decision.remedy is None


@pytest.mark.parametrize("phase", [Phase.PARTICIPANT, Phase.JOIN])
def test_a_sign_in_is_offered_before_there_is_a_room_and_never_after(phase: Phase):
    decision = offered(replace(NOBODY, zone="meetme"), join=replace(ROOM, phase=phase))

    assert isinstance(decision, Deny)
    assert decision.remedy is None


def test_guests_whom_the_owner_chose_are_not_asked_to_sign_in():
    decision = offered(replace(NOBODY, conference=replace(SSO, guests=True)))

    assert isinstance(decision, Redirect)


def test_an_admission_is_left_as_it_is():
    assert isinstance(offered(FACTS), Allow)


def test_who_holds_the_wrong_room_is_told_which_one_is_open():
    signed_in = replace(FACTS, zone="meetme", identity=person(), device=ABSENT)

    decision = offered(signed_in, CORE_ONLY, join=ENTERING)

    assert isinstance(decision, Deny)
    assert decision.remedy == OpenElsewhere(zone="core")
    assert codes(decision)[-1] == "open-elsewhere"


@pytest.mark.parametrize(
    "facts",
    [replace(GUEST, zone="lobby"), replace(GATEWAY, zone="core"), replace(FACTS, zone="core", identity=REFUSED)],
    ids=["guest", "gateway", "bad-proof"],
)
def test_who_has_not_shown_who_they_are_is_told_of_no_room(facts: Facts):
    decision = offered(facts, OUTSIDE_ONLY, join=ENTERING)

    assert isinstance(decision, Deny)
    assert decision.remedy is None
    assert "open-elsewhere" not in codes(decision)


def test_a_room_that_separate_would_refuse_is_not_spoken_of():
    apart = replace(FACTS, zone="core", conference=replace(BOARD, separate=Separate.DENY))

    decision = offered(apart, OUTSIDE_ONLY, join=ENTERING)

    assert isinstance(decision, Deny)
    assert decision.remedy is None


def test_a_room_that_no_bundle_opens_is_not_spoken_of():
    decision = offered(replace(FACTS, zone="core"), '@id("guests") permit (principal is Guest, action, resource);')

    assert isinstance(decision, Deny)
    assert decision.remedy is None


@pytest.mark.parametrize("conference", [SSO, replace(SSO, separate=Separate.DENY)])
def test_whom_the_platform_signed_in_is_judged_by_the_room_that_they_hold(conference: Conference):
    identity = replace(person().value, provenance=Provenance.PLATFORM)
    facts = replace(FACTS, conference=conference, zone="meetme", identity=replace(person(), value=identity))

    decision = offered(replace(facts, device=ABSENT, network=AT_HOME), join=ENTERING)

    assert isinstance(decision, Deny) == (conference.separate is Separate.DENY)
