"""What happens beside a join: transfers, breakout rooms, calls out, probes, and what is left to the platform."""

from typing import Any

import pytest

from plugin.core.reasons import Reason
from plugin.shell.demo.node import Caller, Joined, Node, TurnedAway
from plugin.shell.demo.node_calls import PROBES
from plugin.shell.demo.node_rules import LOCATION, PARTICIPANT, SERVICE, Verdict
from tests.shell.whole_joins.platform import (
    APP_WITH_SSO,
    CAFE,
    DEVICE,
    GUEST_PIN,
    account,
    app,
    device,
    node_of,
    questions,
    ticket,
)
from tests.shell.world import World

BREAKOUT = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
GATEWAY = {"name": "To the partners", "service_tag": "", "service_type": "gateway"}


def far_end(protocol: str) -> Caller:
    return Caller(alias="townhall", display_name="Far end", address=CAFE, remote_alias="far end", protocol=protocol)


async def joined(node: Node, caller: Caller) -> Joined:
    outcome = await node.dial(caller)
    assert isinstance(outcome, Joined), outcome
    return outcome


async def test_a_transferred_guest_is_a_guest_in_the_other_conference_too(node: Node) -> None:
    outcome = await node.transfer(await joined(node, device("hotline", pin=GUEST_PIN)), to="townhall")

    assert isinstance(outcome, Joined)
    assert (outcome.room, outcome.role, questions(outcome)) == ("townhall [meetme]", "guest", DEVICE)


async def test_a_transferred_guest_is_judged_anew(world: World, node: Node) -> None:
    outcome = await node.transfer(await joined(node, app("townhall")), to="board")

    assert isinstance(outcome, TurnedAway)
    assert (outcome.at, questions(outcome)) == (SERVICE, [SERVICE])
    assert world.records[-1].reasons[0].code == "guests-not-chosen"


async def test_a_sign_in_outlives_a_transfer_and_is_judged_anew(node: Node) -> None:
    alice = await joined(node, app("forum", sso=account("alice")))

    outcome = await node.transfer(alice, to="council")

    assert isinstance(outcome, TurnedAway)
    assert (outcome.at, outcome.reason) == (PARTICIPANT, Reason.NO_PERMIT.sentence)


async def test_somebody_who_is_signed_in_is_not_asked_again_after_a_transfer(node: Node) -> None:
    alice = await joined(node, app("forum", sso=account("alice", groups=("council",))))

    outcome = await node.transfer(alice, to="council")

    assert isinstance(outcome, Joined)
    assert (outcome.room, len(outcome.asked)) == ("council [meetme]", len(APP_WITH_SSO) - 2)


async def test_the_proofs_of_a_ticket_do_not_follow_a_transferred_call(world: World, node: Node) -> None:
    alice = await joined(node, app("board", call_tag=await ticket(world, "alice")))

    outcome = await node.transfer(alice, to="budget")

    assert isinstance(outcome, TurnedAway)
    assert (outcome.at, world.records[-1].reasons[0].code) == (SERVICE, "guests-not-chosen")


@pytest.mark.parametrize("alias", ["board", "townhall"])
async def test_no_breakout_room_is_opened(world: World, node: Node, alias: str) -> None:
    host = await joined(node, app(alias, call_tag=await ticket(world, "bob", conference=alias)))

    reading = await node.open_breakout(host, uuid=BREAKOUT)

    assert (reading.verdict, reading.remarks["reason"]) == (Verdict.REJECTED, "room-unknown")
    assert host.breakouts == ()


@pytest.mark.parametrize("protocol", ["sip", "h323", "rtmp"])
async def test_a_call_out_is_a_gateway_that_enters_the_running_room(world: World, node: Node, protocol: str) -> None:
    guest = await joined(node, app("townhall"))

    outcome = await node.dial_out(guest, to=far_end(protocol))

    assert isinstance(outcome, Joined)
    assert (outcome.room, outcome.admitted_by_fallback) == (guest.room, False)
    assert questions(outcome) == [SERVICE, LOCATION]
    assert (world.records[-1].principal, world.records[-1].trunk) == ("gateway", "dial-out")


async def test_a_call_out_is_not_made_where_no_rule_permits_it(world: World, node: Node) -> None:
    host = await joined(node, app("board", call_tag=await ticket(world, "bob")))

    outcome = await node.dial_out(host, to=far_end("sip"))

    assert isinstance(outcome, TurnedAway)
    assert (outcome.at, world.records[-1].reasons[0].code) == (SERVICE, "no-permit")


@pytest.mark.parametrize("trigger", PROBES)
@pytest.mark.parametrize("alias", ["townhall", "no-such-conference"])
async def test_a_probe_learns_nothing_and_is_no_decision(world: World, node: Node, trigger: str, alias: str) -> None:
    reading = await node.probe(device(alias), trigger=trigger)

    assert (reading.verdict, reading.remarks) == (Verdict.REJECTED, {"reason": "probe"})
    assert world.records == []


@pytest.mark.parametrize("dead_man", [False, True])
@pytest.mark.parametrize("database", [{}, {"lobby": GATEWAY}], ids=["room", "gateway"])
async def test_what_is_left_to_the_platform_is_decided_by_its_own_database(
    world: World, dead_man: bool, database: dict[str, Any]
) -> None:
    node = node_of(world, dead_man=dead_man, database=database)

    outcome = await node.dial(device("lobby"))

    assert isinstance(outcome, Joined)
    assert outcome.admitted_by_fallback
    assert world.records == []
