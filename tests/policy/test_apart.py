"""Who is admitted further out than the meeting is held is alone there: told so, or refused, as the owner chose."""

from dataclasses import replace
from datetime import timedelta

import pytest

from plugin.core.decision import HOST_NOTICE, Allow, Decision, Deny, Redirect, StepUp, host_notice
from plugin.core.facts import Facts, Separate
from plugin.core.finding import ABSENT
from plugin.policy.judge import judge
from tests.policy.people import (
    BOARD,
    DATA,
    FACTS,
    GATEWAY,
    GUEST,
    PERMIT_ALL,
    SETTING,
    bundle,
    codes,
    partner,
    person,
    policy_ids,
)

STRICT = replace(BOARD, separate=Separate.DENY)
OUTSIDE = '@id("outside") permit (principal, action, resource in Zone::"meetme");'
COMPLIANT = '@id("core") permit (principal, action, resource in Zone::"core") when { principal.device.compliant };'
FRESH = (
    '@id("core") permit (principal, action, resource in Zone::"core")\n'
    'when { principal.auth has mfaAge && principal.auth.mfaAge <= duration("8h") };'
)
PRIVATE = replace(FACTS, device=ABSENT)
STALE = replace(FACTS, identity=person(mfa_age=timedelta(hours=9)))


def judged(facts: Facts, *policies: str, data: str = DATA) -> Decision:
    return judge(bundle(*policies, data=data), facts)


def test_who_may_only_enter_further_out_is_apart_and_the_host_is_told():
    decision = judged(PRIVATE, COMPLIANT, OUTSIDE)

    assert isinstance(decision, Redirect)
    assert (decision.zone, decision.apart, codes(decision)) == ("meetme", True, ["inner-zone-refused"])
    assert host_notice(decision) == HOST_NOTICE


def test_the_line_for_hosts_names_nobody():
    assert not any(name in HOST_NOTICE for name in ("alice", "acme", "{"))


@pytest.mark.parametrize("separate", list(Separate))
def test_who_enters_where_the_meeting_is_held_is_not_apart(separate: Separate):
    inside = judged(replace(FACTS, conference=replace(BOARD, separate=separate)), COMPLIANT, OUTSIDE)
    mixed = replace(BOARD, separate=separate, invited=frozenset({"org:acme", "org:partners"}))
    outside = judged(replace(FACTS, conference=mixed), COMPLIANT, OUTSIDE)

    assert isinstance(inside, Allow)
    assert isinstance(outside, Redirect)
    assert not outside.apart
    assert host_notice(inside) == host_notice(outside) == ""


def test_where_the_owner_wants_nobody_apart_they_are_refused_and_told_why():
    decision = judged(replace(PRIVATE, conference=STRICT), COMPLIANT, OUTSIDE)

    assert isinstance(decision, Deny)
    assert codes(decision) == ["apart", "no-permit"]
    assert host_notice(decision) == ""


def test_the_rule_that_closed_the_inner_room_is_told_too():
    closed = '@id("no") forbid (principal, action, resource in Zone::"core");'

    decision = judged(replace(PRIVATE, conference=STRICT), PERMIT_ALL, closed)

    assert (codes(decision), policy_ids(decision)) == (["apart", "forbidden"], ["no"])


def test_who_would_be_apart_for_a_stale_sign_in_is_asked_to_sign_in_again():
    decision = judged(replace(STALE, conference=STRICT), FRESH, OUTSIDE)

    assert isinstance(decision, Deny)
    assert codes(decision) == ["step-up", "apart"]
    assert decision.remedy == StepUp(acr_values=("mfa",), max_age=8 * 3600)


def test_an_outer_room_that_is_held_from_before_is_still_apart():
    redirect = judged(replace(FACTS, zone="meetme"), PERMIT_ALL)
    deny = judged(replace(FACTS, zone="meetme", conference=STRICT), PERMIT_ALL)

    assert isinstance(redirect, Redirect)
    assert redirect.apart
    assert codes(deny) == ["apart"]


def test_an_inner_room_that_is_held_from_before_the_meeting_moved_out_is_unknown():
    moved = replace(STRICT, invited=frozenset({"org:acme", "org:partners"}))

    assert codes(judged(replace(FACTS, zone="core", conference=moved), PERMIT_ALL)) == ["room-unknown"]


@pytest.mark.parametrize(
    "facts",
    [
        replace(GUEST, conference=replace(GUEST.conference, separate=Separate.DENY)),
        replace(GATEWAY, conference=replace(STRICT, invited=frozenset({"org:partners"}))),
        replace(
            FACTS, identity=partner(), device=ABSENT, conference=replace(STRICT, invited=frozenset({"org:partners"}))
        ),
    ],
    ids=["guest", "gateway", "partner"],
)
def test_people_from_outside_are_where_the_meeting_is_held(facts: Facts):
    decision = judged(facts, OUTSIDE)

    assert isinstance(decision, Redirect)
    assert not decision.apart


def test_the_second_room_outside_is_apart_from_the_first():
    ladder = replace(SETTING, zones=("core", "meetme", "lobby"))
    guests = replace(GUEST, conference=replace(GUEST.conference, zones=("core", "meetme", "lobby")))
    lobby = '@id("lobby") permit (principal, action, resource in Zone::"lobby");'

    decision = judge(bundle(lobby, setting=ladder), guests)

    assert isinstance(decision, Redirect)
    assert (decision.zone, decision.apart) == ("lobby", True)
