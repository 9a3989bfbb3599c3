"""Floods at the real process: each keeps itself out, and every join of a conferencing node is answered, and in time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import pytest_asyncio

from tests.shell.faults.sockets import Service, get, post, room_question, serving
from tests.shell.world import CALLER_TOKEN

# More than the lanes of strangers, devices and pictures hold.
CROWD = 40
JOINS = 15
BURST = 300
AT_ONCE = {"participant": {"display_name": "A", "protocol": "webrtc", "remote_address": "192.0.2.7", "vendor": "test"}}
TAG = "vestibule:meetme:townhall"

FLOODS = {
    "challenges": post("/v1/challenges", {"conference": "board"}),
    "tickets": post("/v1/tickets", {"conference": "board", "id_token": "a.b.c"}),
    "joins of another caller": post("/v1/joins", {"conference": "townhall", **AT_ONCE}, bearer=CALLER_TOKEN),
    "registrations": get("/policy/v1/registrations/kiosk@example.com", {"protocol": "sip"}),
    "pictures": get("/policy/v1/participant/avatar/a", {"service_tag": TAG, "width": "1000", "height": "1000"}),
    "wrong passwords": room_question().replace(b"Basic ", b"Basic x"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    with serving(tmp_path_factory.mktemp("floods")) as running:
        yield running


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("flood", FLOODS)
async def test_a_flood_keeps_no_join_out(service: Service, flood: str) -> None:
    async with flooded(service, FLOODS[flood]) as answers:
        rooms = [await service.room() for _ in range(JOINS)]

    # On a machine that is busy with something else a join may be too late, and then it is refused.
    assert {room["action"] for room in rooms} <= {"continue", "reject"}
    assert [room["action"] for room in rooms].count("continue") > JOINS / 2
    assert len(answers) > CROWD


@pytest.mark.asyncio(loop_scope="module")
async def test_more_joins_at_once_than_can_be_answered_are_refused_in_time(service: Service) -> None:
    rooms = await asyncio.gather(*(service.room() for _ in range(BURST)))

    assert {(room["action"], room.get("reason")) for room in rooms} <= {
        ("continue", None),
        ("reject", "overloaded"),
        ("reject", None),  # written down as refused, for the time ran out
    }
    assert (await service.room())["action"] == "continue"


@asynccontextmanager
async def flooded(service: Service, request: bytes) -> AsyncIterator[list[bytes]]:
    """Have a crowd ask again and again while the block runs."""
    answers: list[bytes] = []

    async def ask_again_and_again() -> None:
        while True:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                answers.append(await service.say(request))

    crowd = [asyncio.create_task(ask_again_and_again()) for _ in range(CROWD)]
    while len(answers) < CROWD:
        await asyncio.wait(crowd, timeout=0.01)
    yield answers
    for one in crowd:
        one.cancel()
    await asyncio.wait(crowd)
