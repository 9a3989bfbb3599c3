"""People with an app: their whole joins, from the first question to the room, or to where they are turned away."""

from dataclasses import replace

import pytest

from plugin.core.reasons import Reason
from plugin.shell.demo.node import Joined, Node, TurnedAway
from plugin.shell.demo.node_rules import PARTICIPANT, SERVICE
from tests.shell.whole_joins.platform import (
    APP,
    APP_WITH_SSO,
    FOREIGN_IDP,
    GUEST_PIN,
    HOST_PIN,
    account,
    app,
    questions,
    ticket,
)
from tests.shell.world import World


def ends(joined: object) -> tuple[str, str, str]:
    assert isinstance(joined, Joined), joined
    assert not joined.admitted_by_fallback
    return joined.room, joined.role, joined.display_name


async def test_an_employee_with_a_ticket_is_a_guest_in_the_core(world: World, node: Node) -> None:
    outcome = await node.dial(app("board", call_tag=await ticket(world, "alice")))

    assert ends(outcome) == ("board", "guest", "Alice")
    assert questions(outcome) == APP


async def test_a_host_with_a_ticket_is_a_host(world: World, node: Node) -> None:
    outcome = await node.dial(app("board", call_tag=await ticket(world, "bob"), display_name="Bob"))

    assert ends(outcome) == ("board", "chair", "Bob")


async def test_the_roster_never_shows_the_ticket(world: World, node: Node) -> None:
    secret = await ticket(world, "alice")

    outcome = await node.dial(app("board", call_tag=secret))

    assert isinstance(outcome, Joined)
    assert outcome.call.call_tag == world.records[-2].decision_id


async def test_somebody_with_nothing_is_turned_away_at_the_first_question(world: World, node: Node) -> None:
    outcome = await node.dial(app("board"))

    assert isinstance(outcome, TurnedAway)
    assert (outcome.at, outcome.reason, questions(outcome)) == (SERVICE, "conference not found", [SERVICE])
    assert world.records[-1].reasons[0].code == "guests-not-chosen"


@pytest.mark.parametrize("registered", [False, True])
async def test_a_guest_without_a_pin_is_in_the_meeting_zone_without_a_name(node: Node, registered: bool) -> None:
    outcome = await node.dial(app("townhall", registered=registered))

    assert ends(outcome) == ("townhall [meetme]", "guest", "Guest")
    assert questions(outcome) == APP


async def test_a_guest_enters_by_the_guest_pin(node: Node) -> None:
    outcome = await node.dial(app("hotline", pin=GUEST_PIN))

    assert ends(outcome) == ("hotline", "guest", "Guest")


async def test_a_guest_who_knows_the_host_pin_is_no_host(node: Node) -> None:
    outcome = await node.dial(app("hotline", pin=HOST_PIN))

    assert ends(outcome) == ("hotline", "guest", "Guest")


@pytest.mark.parametrize(("pin", "reason"), [("", ""), ("0000#", "wrong PIN")])
async def test_a_guest_without_the_pin_is_turned_away_at_it(node: Node, pin: str, reason: str) -> None:
    outcome = await node.dial(app("hotline", pin=pin))

    assert isinstance(outcome, TurnedAway)
    assert (outcome.at, outcome.reason, questions(outcome)) == ("PIN", reason, [SERVICE] * 2)


async def test_somebody_whom_the_platform_signs_in_is_in_the_meeting_zone(world: World, node: Node) -> None:
    outcome = await node.dial(app("forum", display_name="nobody", sso=account("alice", name="Alice Ågren")))

    assert ends(outcome) == ("forum [meetme]", "guest", "Alice Ågren")
    assert questions(outcome) == APP_WITH_SSO
    assert world.records[-1].principal == "user"


async def test_a_host_whom_the_platform_signs_in_is_no_host(node: Node) -> None:
    outcome = await node.dial(app("forum", sso=account("bob")))

    assert ends(outcome)[1] == "guest"


async def test_somebody_who_does_not_sign_in_is_turned_away_at_the_sign_in(world: World, node: Node) -> None:
    outcome = await node.dial(app("forum", registered=True))

    assert isinstance(outcome, TurnedAway)
    assert (outcome.at, questions(outcome)) == ("single sign-on", [SERVICE] * 2)
    assert {record.outcome for record in world.records} == {"deny"}


async def test_groups_that_the_provider_tells_the_platform_open_their_conference(node: Node) -> None:
    outcome = await node.dial(app("council", sso=account("alice", groups=("staff", "council"))))

    assert ends(outcome)[0] == "council [meetme]"


@pytest.mark.parametrize(
    ("sso", "reason"),
    [
        (account("alice"), Reason.NO_PERMIT),
        (account("alice", groups=()), Reason.NO_PERMIT),
        (account("alice", idp=FOREIGN_IDP, groups=("council",)), Reason.PLATFORM_IDP),
        (replace(account("alice"), attributes={"groups": ("council",)}), Reason.PLATFORM_SUBJECT),
        (replace(account("alice"), attributes={"sub": ("alice", "bob")}), Reason.PLATFORM_SUBJECT),
    ],
)
async def test_a_sign_in_that_is_not_enough_is_turned_away_with_the_reason(
    node: Node, sso: object, reason: Reason
) -> None:
    outcome = await node.dial(app("council", sso=sso))

    assert isinstance(outcome, TurnedAway)
    assert (outcome.at, outcome.reason) == (PARTICIPANT, reason.sentence)
    assert questions(outcome) == [SERVICE] * 5 + [PARTICIPANT]


async def test_a_ticket_opens_the_core_where_others_have_to_sign_in(world: World, node: Node) -> None:
    outcome = await node.dial(app("forum", call_tag=await ticket(world, "bob", conference="forum")))

    assert ends(outcome)[:2] == ("forum", "chair")
    assert questions(outcome) == APP
