"""Liars at the conferencing node: what a ticket is worth in the wrong hands, and that nothing proven changes hands."""

import pytest

from tests.shell.world import World

CAFE = "198.51.100.9"


@pytest.fixture
async def ticket(world: World) -> str:
    device = world.authority.device("alice")
    return await world.ticket(await world.proofs("board", token=world.token("alice"), device=device))


async def test_a_ticket_for_another_conference_is_rejected(world: World, ticket: str) -> None:
    room = await world.service("budget", ticket=ticket)

    assert room["action"] == "reject"
    assert world.records[-1].reasons[0].code == "ticket-conference"


async def test_a_ticket_is_good_for_the_other_alias_of_its_conference(world: World, ticket: str) -> None:
    room = await world.service("sip:Board@Example.com", ticket=ticket)

    assert room["action"] == "continue"


async def test_a_late_ticket_is_rejected(world: World, ticket: str) -> None:
    world.clock.move(seconds=45)

    room = await world.service("board", ticket=ticket)

    assert room["action"] == "reject"


async def test_a_ticket_is_rejected_from_a_second_address_and_then_from_the_first(world: World, ticket: str) -> None:
    first = await world.service("board", ticket=ticket)
    thief = await world.service("board", ticket=ticket, address=CAFE)
    victim = await world.participant(first, call="c-1", ticket=ticket)

    assert [answer["action"] for answer in (first, thief, victim)] == ["continue", "reject", "reject"]


async def test_a_ticket_is_rejected_for_a_second_call(world: World, ticket: str) -> None:
    room = await world.service("board", ticket=ticket)
    await world.participant(room, call="c-1", ticket=ticket)

    second = await world.participant(room, call="c-2", ticket=ticket)

    assert second["action"] == "reject"


async def test_a_ticket_is_rejected_once_its_call_is_there(world: World, ticket: str) -> None:
    room = await world.service("board", ticket=ticket)
    await world.participant(room, call="c-1", ticket=ticket)

    again = await world.service("board", ticket=ticket)

    assert again["action"] == "reject"


async def test_an_old_ticket_from_a_log_does_not_hurt_a_running_call(world: World, ticket: str) -> None:
    room = await world.service("board", ticket=ticket)
    await world.participant(room, call="c-1", kind="api", ticket=ticket)
    world.clock.move(seconds=121)

    late = await world.service("board", ticket=ticket, address=CAFE)

    assert late["action"] == "reject"
    assert world.records[-1].reasons[0].code == "ticket-unknown"


@pytest.mark.parametrize("tag", ["vt_", "vt_" + "A" * 27, "vt_../../etc", "vt_" + "é" * 27])
async def test_a_forged_ticket_never_makes_a_guest(world: World, tag: str) -> None:
    room = await world.service("townhall", ticket=tag)

    assert room["action"] == "reject"


async def test_a_tag_of_another_application_is_not_a_credential(world: World) -> None:
    room = await world.service("townhall", ticket="wxyz789")

    assert room["action"] == "continue"


async def test_two_people_behind_one_address_with_one_name_share_nothing(world: World, ticket: str) -> None:
    ours = await world.service("board", ticket=ticket)
    neighbour = await world.service("board")
    entered = await world.participant(ours, call="c-1", ticket=ticket)
    neighbour_enters = await world.participant(ours, call="c-2")

    assert [answer["action"] for answer in (ours, neighbour, entered, neighbour_enters)] == [
        "continue",
        "reject",
        "continue",
        "reject",
    ]


async def test_a_neighbour_does_not_ride_on_a_committed_call(world: World, ticket: str) -> None:
    room = await world.service("board", ticket=ticket)
    await world.participant(room, call="c-1", ticket=ticket)

    moved = await world.participant(room, call="c-1", remote_address=CAFE)

    assert moved["action"] == "reject"


async def test_a_ticket_does_not_outlive_the_identity_behind_it(world: World) -> None:
    soon = int(world.clock().timestamp()) + 30
    token = world.token("alice", exp=soon)
    ticket = await world.ticket(await world.proofs("board", token=token, device=world.authority.device("alice")))
    world.clock.move(seconds=31)

    room = await world.service("board", ticket=ticket)

    assert room["action"] == "reject"
    assert world.records[-1].reasons[0].code == "token-expired"


async def test_a_stolen_token_on_the_thiefs_own_device_gets_no_ticket(world: World) -> None:
    stolen, device = world.token("alice"), world.authority.device("eve")

    status, body = await world.post("/v1/tickets", await world.proofs("board", token=stolen, device=device))

    assert status == 403
    assert body["reasons"] == [{"code": "device-owner", "message": "This device belongs to somebody else."}]


async def test_an_address_in_another_spelling_is_the_same_address(world: World, ticket: str) -> None:
    room = await world.service("board", ticket=ticket)

    media = await world.participant(room, call="c-1", ticket=ticket, remote_address="::ffff:192.0.2.7")

    assert media["action"] == "continue"


async def test_a_question_that_knows_a_call_id_alone_is_rejected_and_burns_nothing(world: World, ticket: str) -> None:
    room = await world.service("board", ticket=ticket)
    await world.participant(room, call="c-1", kind="api", ticket=ticket)

    stranger = await world.participant(room, call="c-1", kind="api", remote_address=CAFE)
    owner = await world.participant(room, call="c-2", ticket=ticket)

    assert (stranger["action"], owner["action"]) == ("reject", "continue")


async def test_one_ticket_does_not_serve_two_platforms(world: World, ticket: str) -> None:
    room = await world.service("board", ticket=ticket)
    await world.participant(room, call="c-1", kind="api", ticket=ticket)

    elsewhere = await world.join({"conference": "board", "ticket": ticket})

    assert elsewhere["decision"] == "deny"


async def test_a_call_that_the_platform_makes_is_nobodys_and_takes_no_ticket(world: World, ticket: str) -> None:
    out = await world.service("board", ticket=ticket, call_direction="dial_out", service_tag="vestibule:core:board")

    room = await world.service("board", ticket=ticket, address=CAFE)

    assert (out["action"], room["action"]) == ("reject", "continue")
