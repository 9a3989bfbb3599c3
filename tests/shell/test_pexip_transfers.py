"""People who are moved from one conference to another are judged anew, and the trace says that they were."""

import asyncio
from pathlib import Path

from tests.shell.test_traces import Collector, attributes
from tests.shell.world import World, opened

BREAKOUT = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
MOVED = {"previous_service_name": "townhall [meetme]"}


async def test_a_guest_who_is_moved_to_another_conference_is_judged_there(world: World) -> None:
    there = await world.service("townhall")
    moved = await world.service("board", **MOVED)

    assert (there["action"], moved["action"]) == ("continue", "reject")


async def test_a_ticket_does_not_move_to_another_conference(world: World) -> None:
    device = world.authority.device("alice")
    ticket = await world.ticket(await world.proofs("board", token=world.token("alice"), device=device))
    await world.service("board", ticket=ticket)

    moved = await world.service("budget", ticket=ticket, previous_service_name="board")

    assert moved["action"] == "reject"
    assert world.records[-1].reasons[0].code == "ticket-conference"


async def test_having_been_elsewhere_opens_nothing_to_a_participant(world: World) -> None:
    room = await world.service("townhall")

    moved = await world.participant(room, call="c-1", service_tag="vestibule:core:board", **MOVED)

    assert moved["action"] == "reject"


async def test_the_trace_says_that_somebody_was_moved_and_by_which_credential_the_node_came(tmp_path: Path) -> None:
    (tmp_path / "next").write_text("next-password-of-the-tests\n")
    async with Collector().running() as collector:
        telemetry, pexip = f'endpoint = "{collector.url}"', 'next_password_file = "next"'
        async with opened(tmp_path, telemetry=telemetry, pexip=pexip) as world:
            await world.service("townhall")
            await world.service("townhall", **MOVED)
        await asyncio.to_thread(world.traces.shutdown)

    roots = [attributes(span) for span in collector.spans if span.name == "vestibule.join"]
    assert [root.get("vestibule.transferred") for root in roots] == [None, "true"]
    assert [root["vestibule.caller.credential"] for root in roots] == ["current", "current"]
    assert not [span for span in collector.spans if "townhall [meetme]" in str(span)]


async def test_nobody_enters_a_breakout_room(world: World) -> None:
    room = await world.service("townhall")

    asked = await world.service("townhall", breakout_uuid=BREAKOUT)
    entered = await world.participant(room, call="c-1", breakout_uuid=BREAKOUT)

    assert (asked["action"], entered["action"]) == ("reject", "reject")
