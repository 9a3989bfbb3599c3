"""More questions than can be answered in time are refused at once, and nobody crowds the others out."""

import asyncio
from dataclasses import replace

import pytest

from plugin.core.reasons import Reason
from plugin.shell.gate import Gate, Lane
from plugin.shell.strain import Pulse
from tests.fakes import HandWatch, MemoryStore
from tests.shell.world import World

CROWD = 300


def lane_of(gate: Gate) -> Lane:
    return Lane(gate=gate, name="narrow", most=1, patience=60)


async def test_a_shut_gate_says_so(world: World) -> None:
    world.gate.house = None

    with lane_of(world.gate).enter(waited=0) as house:
        assert house is Reason.NOT_SERVING


async def test_a_full_lane_refuses_and_a_question_makes_room_again(world: World) -> None:
    lane = lane_of(world.gate)

    with lane.enter(waited=0) as first, lane.enter(waited=0) as second:
        assert (first, second) == (world.gate.house, Reason.OVERLOADED)
    with lane.enter(waited=0) as third:
        assert third is world.gate.house


async def test_a_question_that_fails_makes_room_as_well(world: World) -> None:
    lane = lane_of(world.gate)

    with pytest.raises(ZeroDivisionError), lane.enter(waited=0):
        raise ZeroDivisionError

    assert lane.answering == 0


async def test_a_question_that_has_waited_longer_than_its_lane_has_patience_is_refused(world: World) -> None:
    refused = list[str]()
    world.gate.refused = refused.append
    lane = Lane(gate=world.gate, name="hurried", most=100, patience=1)

    with lane.enter(waited=1.1) as late, lane.enter(waited=0) as fresh:
        assert late is Reason.OVERLOADED
        assert fresh is world.gate.house

    assert refused == ["hurried"]
    assert lane.answering == 0


async def test_while_the_store_keeps_people_waiting_the_less_patient_are_refused_first(world: World) -> None:
    assert world.gate.house is not None
    store = MemoryStore()
    store.keeps_waiting = 1.0
    world.gate.house = replace(world.gate.house, store=store)
    pictures = Lane(gate=world.gate, name="pictures", most=100, patience=0.5)
    joins = Lane(gate=world.gate, name="joins", most=100, patience=60)

    with pictures.enter(waited=0) as picture, joins.enter(waited=0) as join:
        assert (picture, join) == (Reason.OVERLOADED, world.gate.house)


async def test_a_lap_of_the_event_loop_that_takes_long_is_waiting_as_well(world: World) -> None:
    watch = HandWatch()
    world.gate.pulse = Pulse(monotonic=watch)
    for _ in range(2):
        measuring = asyncio.create_task(world.gate.pulse.measure())
        await asyncio.sleep(0)  # a turn, in which it begins
        watch.seconds += 1
        await measuring
    lane = Lane(gate=world.gate, name="hurried", most=100, patience=1)

    with lane.enter(waited=0) as house:
        assert house is Reason.OVERLOADED


async def test_in_a_crowd_every_answer_is_explicit_and_a_refusal_says_why(world: World) -> None:
    rooms = await asyncio.gather(*(world.service("townhall") for _ in range(CROWD)))

    assert {room["action"] for room in rooms} <= {"continue", "reject"}
    assert {room["reason"] for room in rooms if room["action"] == "reject"} <= {"overloaded"}


async def test_a_crowd_of_clients_does_not_keep_a_platform_waiting(world: World) -> None:
    challenges = [world.post("/v1/challenges", {"conference": "board"}, bearer=None) for _ in range(CROWD)]
    crowd = asyncio.gather(*challenges)

    room = await world.service("townhall")

    assert room["action"] == "continue"
    assert {status for status, _ in await crowd} <= {201, 503}


async def test_clients_that_send_slowly_hold_nobody_up(world: World) -> None:
    host, port = "127.0.0.1", int(world.url.rpartition(":")[2])
    writers = [(await asyncio.open_connection(host, port))[1] for _ in range(CROWD // 3)]
    for writer in writers:
        writer.write(b"POST /v1/challenges HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        await writer.drain()

    challenge = await world.challenge("board")

    assert challenge["nonce"]
    for writer in writers:
        writer.close()
