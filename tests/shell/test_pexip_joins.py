"""Whole joins at a conferencing node: what each question of a join is answered."""

import pytest

from tests.shell.world import World

ROOM_PIN = 20


async def admitted(world: World, subject: str, *, conference: str = "board", managed: bool = True, **claims: object):
    """Let somebody fetch a ticket and ask for a room: the ticket and the room's answer."""
    device = world.authority.device(subject) if managed else None
    ticket = await world.ticket(await world.proofs(conference, token=world.token(subject, **claims), device=device))
    return ticket, await world.service(conference, ticket=ticket)


async def test_an_employee_on_a_managed_laptop_gets_the_core_room(world: World) -> None:
    _, room = await admitted(world, "alice")

    assert room["action"] == "continue"
    assert room["result"]["service_tag"] == "vestibule:core:board"
    assert room["result"]["name"] == "board"


async def test_an_employee_on_a_private_laptop_gets_the_meeting_zone(world: World) -> None:
    _, room = await admitted(world, "bob", managed=False)

    assert room["action"] == "continue"
    assert room["result"]["service_tag"] == "vestibule:meetme:board"
    assert room["result"]["name"] != "board"
    assert room["result"]["guests_can_present"] is False


async def test_somebody_with_nothing_is_rejected_without_a_result(world: World) -> None:
    room = await world.service("board")

    assert room["action"] == "reject"
    assert "result" not in room


async def test_an_unknown_conference_is_rejected(world: World) -> None:
    room = await world.service("no-such-conference")

    assert room["action"] == "reject"


async def test_a_guest_enters_where_the_owner_chose_guests(world: World) -> None:
    room = await world.service("townhall")
    participant = await world.participant(room, call="c-1", local_alias="townhall")

    assert room["result"]["service_tag"] == "vestibule:meetme:townhall"
    assert participant["action"] == "continue"
    assert participant["result"]["preauthenticated_role"] == "guest"


async def test_a_guest_is_not_named(world: World) -> None:
    room = await world.service("townhall")
    participant = await world.participant(room, call="c-1", local_alias="townhall")

    assert participant["result"]["remote_display_name"] == "Guest"


async def test_the_room_has_a_host_pin_that_nobody_is_told(world: World) -> None:
    _, one = await admitted(world, "alice")
    _, other = await admitted(world, "carol")

    assert len(one["result"]["pin"]) == ROOM_PIN
    assert one["result"]["pin"] != other["result"]["pin"]
    assert "guest_pin" not in one["result"]


async def test_every_call_of_one_join_is_admitted_by_its_ticket(world: World) -> None:
    ticket, room = await admitted(world, "alice")

    api = await world.participant(room, call="c-1", kind="api", ticket=ticket)
    again = await world.service("board", ticket=ticket)
    media = await world.participant(room, call="c-2", ticket=ticket)

    assert [answer["action"] for answer in (api, again, media)] == ["continue"] * 3


async def test_the_ticket_disappears_from_the_roster(world: World) -> None:
    ticket, room = await admitted(world, "alice")

    api = await world.participant(room, call="c-1", kind="api", ticket=ticket)

    assert api["result"]["call_tag"] == api["decision_id"]


async def test_a_host_is_promoted_by_our_answer(world: World) -> None:
    ticket, room = await admitted(world, "bob")

    media = await world.participant(room, call="c-1", ticket=ticket)

    assert media["result"]["preauthenticated_role"] == "chair"


async def test_somebody_who_claims_to_be_a_host_is_not(world: World) -> None:
    ticket, room = await admitted(world, "alice")

    media = await world.participant(room, call="c-1", ticket=ticket, preauthenticated_role="chair")

    assert media["result"]["preauthenticated_role"] == "guest"


async def test_a_meeting_with_outsiders_is_held_in_the_meeting_zone_for_everybody(world: World) -> None:
    _, ours = await admitted(world, "alice", conference="summit")
    partner = world.partners.token("dan", now=world.clock())
    theirs = await world.service("summit", ticket=await world.ticket(await world.proofs("summit", token=partner)))

    assert ours["result"]["service_tag"] == theirs["result"]["service_tag"] == "vestibule:meetme:summit"


async def test_a_person_who_needs_a_fresh_sign_in_is_rejected_with_a_remedy_on_record(world: World) -> None:
    nine_hours_ago = int(world.clock().timestamp()) - 9 * 3600
    _, room = await admitted(world, "carol", auth_time=nine_hours_ago)

    assert room["action"] == "reject"
    assert world.records[-1].reasons[0].code == "step-up"


async def test_a_participant_of_a_room_that_we_did_not_issue_is_rejected(world: World) -> None:
    ticket, room = await admitted(world, "alice")

    media = await world.participant(room, call="c-1", ticket=ticket, service_tag="somebody-elses-room")

    assert media["action"] == "reject"


async def test_a_ticket_for_the_meeting_zone_does_not_open_the_core(world: World) -> None:
    ticket, room = await admitted(world, "bob", managed=False)

    media = await world.participant(room, call="c-1", ticket=ticket, service_tag="vestibule:core:board")

    assert media["action"] == "reject"


async def test_a_call_that_the_platform_makes_is_rejected_by_default(world: World) -> None:
    room = await world.service("board", call_direction="dial_out", service_tag="vestibule:core:board")

    assert room["action"] == "reject"


@pytest.mark.parametrize(
    "params",
    [
        {"call_direction": "non_dial"},
        {"trigger": "options"},
        {"trigger": "lrq"},
        {"trigger": "web_avatar_fetch"},
        {"trigger": "subscribe"},
    ],
)
async def test_a_probe_is_rejected_and_consumes_and_records_nothing(world: World, params: dict[str, str]) -> None:
    ticket = await world.ticket(
        await world.proofs("board", token=world.token("alice"), device=world.authority.device("alice"))
    )

    probed = await world.service("board", ticket=ticket, address="198.51.100.9", **params)
    joined = await world.service("board", ticket=ticket)

    assert (probed["action"], joined["action"]) == ("reject", "continue")
    assert len(world.records) == 1


async def test_the_questions_of_a_ticketed_join_are_one_trace(world: World) -> None:
    ticket, room = await admitted(world, "alice")
    await world.participant(room, call="c-1", ticket=ticket)

    assert len({record.trace_id for record in world.records}) == 1
    assert len({record.decision_id for record in world.records}) == len(world.records)
