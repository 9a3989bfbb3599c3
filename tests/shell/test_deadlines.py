"""The end of the time: the refusal is written down, and the store ends up saying so; nothing goes on behind it."""

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from plugin.core.decision import Capability, Deny
from plugin.core.enforcement import Grain
from plugin.core.join import Network, Phase
from plugin.flow.admission import Answer
from plugin.flow.budget import ANSWER_SECONDS, Budget, Share
from plugin.shell.gate import House
from plugin.shell.generic_door import GenericAnswers
from tests.fakes import NOON, HandWatch
from tests.joins import ROOM
from tests.shell.test_outages import deaf_server, in_time, locked
from tests.shell.world import CALLER_TOKEN, World, opened

# Seconds for writing: fewer than a locked database takes to say so.
SHORT = 0.25
GUEST = replace(
    ROOM, platform="test", phase=Phase.JOIN, alias="townhall", network=Network(address="192.0.2.7", located=True)
)


def house_of(world: World) -> House:
    assert world.gate.house is not None
    return world.gate.house


async def enter(world: World, *, budget: Budget) -> Answer:
    """Ask for a guest, who is let in where there is time."""
    platform = GenericAnswers(dict.fromkeys(Capability, Grain.PERSON))
    return await house_of(world).admission.answer(GUEST, platform=platform, budget=budget)


async def stored(world: World) -> list[tuple[str, str]]:
    """Return outcome and first reason of each decision in the file, once the store has done what it was asked."""
    await asyncio.sleep(0)  # a turn, in which what comes late is handed to the store
    await house_of(world).store.get("none", "none", now=NOON)
    rows = sqlite3.connect(world.folder / "state" / "vestibule.db").execute(
        "SELECT value FROM entry WHERE kind = 'decision'"
    )
    records = [json.loads(value) for (value,) in rows]
    return [(record["outcome"], record["reasons"][0]["code"]) for record in records]


async def turns() -> None:
    """Let everybody who is ready go on, some times over. It takes no time that anybody waits for."""
    for _ in range(50):
        await asyncio.sleep(0)


async def the_store_has_begun(world: World) -> None:
    for _ in range(100_000):
        if house_of(world).store.waiting(calls=1) > 0:
            return
        await asyncio.sleep(0)
    raise AssertionError("the store was never asked")


def begun(seconds: float) -> Budget:
    """Return a budget that has so many seconds left for the record."""
    began = time.monotonic() - Share.RECORD.value + seconds
    return Budget(since=time.time_ns(), began=began, monotonic=time.monotonic)


async def test_with_time_the_guest_is_admitted(world: World) -> None:
    await enter(world, budget=begun(Share.RECORD.value))

    assert await stored(world) == [("redirect", "seated-outside")]


async def test_what_cannot_be_written_down_in_time_is_denied_and_the_store_ends_up_saying_so(world: World) -> None:
    with locked(world):
        answer = await enter(world, budget=begun(SHORT))

    assert isinstance(answer.decision, Deny)
    assert [mark.code for mark in answer.record.reasons] == ["deadline"]
    assert await stored(world) == [("deny", "deadline")]
    assert [record.outcome for record in world.records] == ["deny"]


async def test_whoever_hangs_up_while_it_is_written_down_was_not_admitted(world: World) -> None:
    await house_of(world).store.get("none", "none", now=NOON)  # what the store does at a start is over
    with locked(world):
        asking = asyncio.create_task(enter(world, budget=begun(Share.RECORD.value)))
        await the_store_has_begun(world)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    assert await stored(world) == [("deny", "abandoned")]


async def test_without_time_to_judge_nobody_is_judged(world: World) -> None:
    watch = HandWatch()

    answer = await enter(world, budget=Budget(since=time.time_ns(), began=watch() - ANSWER_SECONDS, monotonic=watch))

    assert isinstance(answer.decision, Deny)
    assert await stored(world) == [("deny", "deadline")]


async def test_a_device_and_a_person_that_cannot_be_proven_in_time_are_one_recorded_refusal(tmp_path: Path) -> None:
    async with deaf_server() as responder, opened(tmp_path, device_ca=f'ocsp_url = "{responder}/"') as world:
        proofs = await world.proofs("board", token=world.token("alice"), device=world.authority.device("alice"))
        world.acme.hanging = True

        with in_time():
            body = await world.join(proofs)

        assert [reason["code"] for reason in body["reasons"]] == ["deadline", "revocation-unknown"]
        assert await stored(world) == [("deny", "deadline")]


@asynccontextmanager
async def hanging_up(world: World, request: bytes) -> AsyncIterator[None]:
    """Ask, and hang up when the block ends."""
    _, writer = await asyncio.open_connection("127.0.0.1", int(world.url.rpartition(":")[2]))
    writer.write(request)
    yield
    writer.close()
    await writer.wait_closed()


async def test_nothing_goes_on_for_those_who_have_hung_up(world: World) -> None:
    world.acme.hanging = True
    participant = {"display_name": "A", "protocol": "webrtc", "remote_address": "192.0.2.7", "vendor": "test"}
    body = json.dumps({"conference": "board", "id_token": world.token("alice"), "participant": participant}).encode()
    head = f"POST /v1/joins HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {CALLER_TOKEN}\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    await world.join({"conference": "townhall"})

    async with hanging_up(world, request):
        await world.acme.asked.wait()
        during = len(asyncio.all_tasks())
    await turns()

    # What was there for this question alone: its connection and its answer. The one renewal of the provider's keys goes
    # on, for others can be waiting for it as well.
    assert len(asyncio.all_tasks()) <= during - 2
    assert await stored(world) == [("redirect", "seated-outside")]
