"""Liars who play whole joins: nothing that a caller types, carries or triggers becomes somebody else's proof."""

import asyncio
from dataclasses import replace
from urllib.parse import quote

import pytest

from plugin.shell.demo.node import Caller, Joined, Node, TurnedAway
from plugin.shell.demo.node_calls import (
    PROBES,
    Call,
    breakout_parameters,
    participant_parameters,
    service_parameters,
)
from plugin.shell.demo.node_rules import PARTICIPANT, SERVICE, Verdict
from tests.shell.whole_joins.platform import CAFE, HOME, IDP, MCU, account, app, device, ticket
from tests.shell.world import World

BREAKOUT = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
INVENTED = f"Alice&idp_uuid={IDP}&idp_attribute_sub=alice&idp_attribute_groups=council&preauthenticated_role=chair"
FORUM = {"name": "forum [meetme]", "service_tag": "vestibule:meetme:forum"}


def call_of(caller: Caller, **more: object) -> Call:
    return replace(Call(caller=caller, uuid="c-1", port=50000, call_tag=caller.call_tag), **more)


@pytest.mark.parametrize("name", [INVENTED, quote(INVENTED), INVENTED.replace("&", "\r\n"), INVENTED.replace("&", ";")])
async def test_attributes_that_somebody_types_into_their_name_sign_nobody_in(
    world: World, node: Node, name: str
) -> None:
    at_sign_in = await node.dial(app("forum", display_name=name))
    as_guest = await node.dial(app("townhall", display_name=name, remote_alias=name))

    assert isinstance(at_sign_in, TurnedAway)
    assert at_sign_in.at == "single sign-on"
    assert isinstance(as_guest, Joined)
    assert (as_guest.role, as_guest.display_name) == ("guest", "Guest")
    assert {record.principal for record in world.records} <= {"", "guest"}


@pytest.mark.parametrize("kind", ["api", "standard"])
async def test_somebody_whom_a_broken_client_leads_past_the_sign_in_is_rejected(node: Node, kind: str) -> None:
    call = call_of(app("forum"), room=FORUM, role="guest")

    reading = await node.ask(PARTICIPANT, participant_parameters(call, protocol="api", participant_type=kind, uuid="p"))

    assert reading.verdict is Verdict.REJECTED


async def test_a_proven_name_without_a_provider_signs_nobody_in(node: Node) -> None:
    call = call_of(app("forum"), room=FORUM, role="chair")
    parameters = participant_parameters(call, protocol="api", participant_type="api", uuid="p")

    reading = await node.ask(PARTICIPANT, {**parameters, "has_authenticated_display_name": "True"})

    assert reading.verdict is Verdict.REJECTED


async def test_a_sign_in_at_the_room_question_is_worth_nothing_yet(world: World, node: Node) -> None:
    call = call_of(app("forum"), sso=account("alice"))

    reading = await node.ask(SERVICE, service_parameters(call, protocol="api"))

    assert "host_identity_provider_group" in reading.result
    assert world.records[-1].outcome == "deny"


async def test_a_forged_ticket_is_not_mended_by_a_sign_in(world: World, node: Node) -> None:
    outcome = await node.dial(app("forum", call_tag="vt_" + "A" * 27, sso=account("alice")))

    assert isinstance(outcome, TurnedAway)
    assert (outcome.at, world.records[-1].reasons[0].code) == (SERVICE, "ticket-unknown")


async def test_a_ticket_does_not_follow_into_a_room_that_it_was_not_for(world: World, node: Node) -> None:
    secret = await ticket(world, "alice")
    alice = await node.dial(app("board", call_tag=secret))
    assert isinstance(alice, Joined)

    moved = await node.transfer(alice, to="budget", call_tag=secret)
    back = await node.transfer(alice, to="board", call_tag=secret)

    assert isinstance(moved, TurnedAway)
    assert isinstance(back, TurnedAway)
    codes = [record.reasons[0].code for record in world.records[-2:]]
    assert codes == ["ticket-conference", "ticket-spent"]


async def test_a_transfer_does_not_open_a_guests_meeting_with_a_ticket_for_another(world: World, node: Node) -> None:
    secret = await ticket(world, "alice")
    guest = await node.dial(app("townhall"))
    assert isinstance(guest, Joined)

    moved = await node.transfer(guest, to="townhall", call_tag=secret)

    assert isinstance(moved, TurnedAway)
    assert world.records[-1].reasons[0].code == "ticket-conference"


async def test_somebody_who_is_signed_in_does_not_ride_on_the_ticket_of_another(world: World, node: Node) -> None:
    eve = await node.dial(app("forum", sso=account("eve")))
    assert isinstance(eve, Joined)

    moved = await node.transfer(eve, to="board", call_tag=await ticket(world, "alice"))

    assert isinstance(moved, TurnedAway)
    assert (moved.at, world.records[-1].reasons[0].code) == (PARTICIPANT, "platform-conflict")


async def test_a_breakout_room_is_no_way_in(world: World, node: Node) -> None:
    call = call_of(app("townhall"), room={"name": "townhall [meetme]", "service_tag": "vestibule:meetme:townhall"})
    room = breakout_parameters(call, uuid=BREAKOUT)
    entering = participant_parameters(call, protocol="api", participant_type="api", uuid="p")

    readings = [
        await node.ask(SERVICE, room),
        await node.ask(SERVICE, {**service_parameters(call, protocol="api"), "breakout_uuid": BREAKOUT}),
        await node.ask(PARTICIPANT, {**entering, "breakout_uuid": BREAKOUT}),
    ]

    assert [(one.verdict, one.remarks["reason"]) for one in readings] == [(Verdict.REJECTED, "room-unknown")] * 3
    assert world.records == []


async def test_a_breakout_room_is_no_way_in_by_its_name_either(node: Node) -> None:
    outcome = await node.dial(app(f"townhall_breakout_{BREAKOUT}"))

    assert isinstance(outcome, TurnedAway)
    assert outcome.at == SERVICE


@pytest.mark.parametrize("conference", ["board", "forum"])
async def test_a_call_out_that_says_it_comes_in_is_judged_as_one_that_comes_in(
    world: World, node: Node, conference: str
) -> None:
    running = {"name": conference, "service_tag": f"vestibule:core:{conference}"}
    out = call_of(device(conference), direction="dial_out", room=running)

    reading = await node.ask(SERVICE, {**service_parameters(out, protocol="sip"), "call_direction": "dial_in"})

    assert reading.verdict is Verdict.REJECTED
    assert world.records[-1].reasons[0].code == "guests-not-chosen"


async def test_a_call_in_that_says_it_goes_out_is_a_gateway_and_takes_no_ticket(world: World, node: Node) -> None:
    secret = await ticket(world, "alice")
    running = {"name": "board", "service_tag": "vestibule:core:board"}
    lie = call_of(app("board", call_tag=secret), direction="dial_out", room=running)

    reading = await node.ask(SERVICE, service_parameters(lie, protocol="api"))
    alice = await node.dial(app("board", call_tag=secret))

    assert reading.verdict is Verdict.REJECTED
    assert world.records[0].principal == "gateway"
    assert isinstance(alice, Joined)


async def test_a_call_out_of_a_trunk_is_not_that_trunk(world: World, node: Node) -> None:
    running = {"name": "bridge [meetme]", "service_tag": "vestibule:meetme:bridge"}
    mcu = device("bridge", address=MCU, remote_alias="mcu@partners.example.net")
    out = call_of(mcu, direction="dial_out", room=running)

    reading = await node.ask(SERVICE, service_parameters(out, protocol="sip"))

    assert reading.verdict is Verdict.REJECTED
    assert world.records[-1].trunk == "dial-out"


async def test_a_call_out_of_a_room_that_was_not_issued_here_is_rejected(node: Node) -> None:
    out = call_of(device("board"), direction="dial_out", room={"name": "board", "service_tag": "board"})

    reading = await node.ask(SERVICE, service_parameters(out, protocol="sip"))

    assert (reading.verdict, reading.remarks["reason"]) == (Verdict.REJECTED, "room-unknown")


@pytest.mark.parametrize("trigger", PROBES)
async def test_a_probe_that_carries_a_ticket_neither_uses_nor_burns_it(world: World, node: Node, trigger: str) -> None:
    secret = await ticket(world, "alice")

    probed = await node.probe(device("board", call_tag=secret, address=CAFE), trigger=trigger)
    alice = await node.dial(app("board", call_tag=secret))

    assert probed.verdict is Verdict.REJECTED
    assert isinstance(alice, Joined)


@pytest.mark.parametrize("address", [HOME, CAFE])
@pytest.mark.parametrize("protocol", ["sip", "h323"])
async def test_a_ticket_of_an_app_opens_nothing_for_a_device(
    world: World, node: Node, protocol: str, address: str
) -> None:
    secret = await ticket(world, "alice")
    await node.dial(app("board", call_tag=secret))

    outcome = await node.dial(device("board", call_tag=secret, protocol=protocol, address=address))

    assert isinstance(outcome, TurnedAway)
    assert world.records[-1].reasons[0].code == "ticket-spent"


async def test_one_ticket_in_an_app_and_in_a_device_at_once_opens_at_most_one_call(world: World, node: Node) -> None:
    secret = await ticket(world, "alice")

    outcomes = await asyncio.gather(
        node.dial(app("board", call_tag=secret)), node.dial(device("board", call_tag=secret, address=HOME))
    )

    assert sum(isinstance(one, Joined) for one in outcomes) <= 1


@pytest.mark.parametrize("direction", ["", "sideways", "DIAL_IN"])
async def test_a_call_in_no_known_direction_is_nobodys_join(world: World, node: Node, direction: str) -> None:
    call = call_of(app("townhall"), direction=direction)

    reading = await node.ask(SERVICE, service_parameters(call, protocol="api"))

    assert (reading.verdict, reading.remarks) == (Verdict.REJECTED, {"reason": "request-malformed"})
    assert world.records == []
