"""What breaks around the service: the answer still comes in time, is explicit, and rejects what cannot be proven."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from tests.shell.world import World, opened

ANSWER_DEADLINE = 3.0


@contextmanager
def in_time() -> Iterator[None]:
    """The one thing that is timed: a conferencing node gives up after 5 s and then admits by its own database."""
    started = time.monotonic()
    yield
    assert time.monotonic() - started < ANSWER_DEADLINE


@contextmanager
def locked(world: World) -> Iterator[None]:
    """Hold the database as another process would."""
    rival = sqlite3.connect(world.folder / "state" / "vestibule.db", isolation_level=None)
    rival.execute("BEGIN EXCLUSIVE")
    yield
    rival.execute("ROLLBACK")
    rival.close()


@asynccontextmanager
async def deaf_server() -> AsyncIterator[str]:
    """Accept connections and never answer."""
    open_ones = set()

    def accept(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ones.add(writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    for writer in open_ones:
        writer.close()
    server.close()


async def test_a_provider_that_hangs_denies_in_time(world: World) -> None:
    world.acme.hanging = True

    with in_time():
        body = await world.join(await world.proofs("board", token=world.token("alice")))

    assert body["decision"] == "deny"
    assert body["reasons"][0]["code"] in {"deadline", "idp-unreachable"}


async def test_a_provider_that_is_down_denies_and_says_so(world: World) -> None:
    world.acme.down = True

    body = await world.join(await world.proofs("board", token=world.token("alice")))

    assert body["reasons"][0]["code"] == "idp-unreachable"


async def test_an_outage_of_one_provider_leaves_the_other_alone(world: World) -> None:
    world.acme.down = True
    partner = world.partners.token("dan", now=world.clock())

    body = await world.join(await world.proofs("summit", token=partner))

    assert body["decision"] == "redirect"


async def test_keys_that_are_known_outlast_an_outage(world: World) -> None:
    await world.join(await world.proofs("board", token=world.token("alice")))
    world.acme.down = True

    body = await world.join(await world.proofs("board", token=world.token("bob")))

    assert body["decision"] == "redirect"


async def test_a_ticket_is_redeemed_without_the_provider(world: World) -> None:
    ticket = await world.ticket(
        await world.proofs("board", token=world.token("alice"), device=world.authority.device("alice"))
    )
    world.acme.hanging = True

    with in_time():
        room = await world.service("board", ticket=ticket)

    assert room["action"] == "continue"


async def test_a_locked_store_rejects_in_time(world: World) -> None:
    with locked(world), in_time():
        room = await world.service("townhall")

    assert room["action"] == "reject"


async def test_a_locked_store_rejects_a_ticket_in_time_and_keeps_it(world: World) -> None:
    ticket = await world.ticket(
        await world.proofs("board", token=world.token("alice"), device=world.authority.device("alice"))
    )
    with locked(world), in_time():
        during = await world.service("board", ticket=ticket)

    after = await world.service("board", ticket=ticket)

    assert (during["action"], after["action"]) == ("reject", "continue")


async def test_many_questions_at_a_locked_store_are_all_rejected_in_time(world: World) -> None:
    with locked(world), in_time():
        rooms = await asyncio.gather(*(world.service("townhall") for _ in range(20)))

    assert {room["action"] for room in rooms} == {"reject"}


@pytest.mark.parametrize("collector", ["dead", "hanging"])
async def test_a_collector_that_does_not_answer_costs_no_time(tmp_path: Path, collector: str) -> None:
    async with deaf_server() as hanging:
        endpoint = hanging if collector == "hanging" else "http://127.0.0.1:9"
        async with opened(tmp_path, telemetry=f'endpoint = "{endpoint}"') as world:
            for _ in range(50):
                with in_time():
                    room = await world.service("townhall")

                assert room["action"] == "continue"


async def test_a_question_that_runs_out_of_time_is_denied_for_that_reason_and_written_down(world: World) -> None:
    world.acme.hanging = True

    with in_time():
        body = await world.join(await world.proofs("board", token=world.token("alice")))

    record = world.records[-1]
    assert (record.decision_id, record.outcome) == (body["decision_id"], "deny")
    assert [mark.code for mark in record.reasons] == ["deadline"]
    assert {step.name: step.outcome for step in record.steps}["identity"] == "unavailable"
