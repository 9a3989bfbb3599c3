"""Whatever clients do to the real process, they are told so, and a conferencing node is answered meanwhile."""

import asyncio
import resource
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager

import pytest
import pytest_asyncio

from plugin.shell.strangers import MOST
from tests.shell.faults.sockets import FEW_DESCRIPTORS, Service, rejects, serving
from tests.shell.world import CALLER_TOKEN

HALF_OPEN = 10_000
KEPT_FREE = 200

PEXIP = b"GET /policy/v1/service/configuration HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
TICKET = b"POST /v1/tickets HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n"
JOIN = TICKET.replace(b"tickets", b"joins") + b"Authorization: Bearer " + CALLER_TOKEN.encode() + b"\r\n"

# What somebody sends -> what the answer begins with. To a platform's question everything else than 200 is a yes.
ALL_AT_ONCE = {
    "a request line of 300 KB": (b"GET /policy/v1/?" + b"a" * 300_000 + b" HTTP/1.1\r\n\r\n", 200),
    "a header of 100 KB": (PEXIP + b"X: " + b"a" * 100_000 + b"\r\n\r\n", 200),
    "ten thousand headers": (PEXIP + b"X: a\r\n" * 10_000 + b"\r\n", 200),
    "a question with a body of garbage": (PEXIP + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nzz\r\n", 200),
    "a question with two lengths": (PEXIP + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 200),
    "a body of 2 MB": (TICKET + b"Content-Length: 2000000\r\n\r\n" + b"a" * 2_000_000, 400),
    "a platform's body of 2 MB": (JOIN + b"Content-Length: 2000000\r\n\r\n" + b"a" * 2_000_000, 400),
    "chunks that are none": (TICKET + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nzz\r\n", 200),
    "a platform's chunks that are none": (JOIN + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nzz\r\n", 200),
    "a chunk of 2^63 bytes": (TICKET + b"Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\nab", 503),
    "a length of 2^63 bytes": (TICKET + b"Content-Length: 9223372036854775807\r\n\r\n{", 503),
    "half a body": (TICKET + b"Content-Length: 100\r\n\r\n{", 503),
    "half a platform's body": (JOIN + b"Content-Length: 100\r\n\r\n{", 503),
}
HALF_A_HEAD = {"nothing": b"", "half a line": b"GET /policy/v1/serv", "half a head": PEXIP + b"X-More: a"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    with serving(tmp_path_factory.mktemp("faults")) as running:
        yield running


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("fault", ALL_AT_ONCE)
async def test_what_cannot_be_answered_is_refused_in_time(service: Service, fault: str) -> None:
    request, status = ALL_AT_ONCE[fault]

    answer, room = await asyncio.gather(service.in_time(service.say(request)), service.room())

    assert answer.startswith((b"HTTP/1.1 %d " % status, b"HTTP/1.0 %d " % status))
    assert status != 200 or rejects(answer)
    assert b'"allow"' not in answer
    assert room["action"] == "continue"


@pytest.mark.asyncio(loop_scope="module")
async def test_those_who_never_end_their_requests_are_rejected_and_turned_away(service: Service) -> None:
    slow = [asyncio.create_task(service.say(begun)) for begun in HALF_A_HEAD.values() for _ in range(20)]

    room = await service.room()
    answers = await asyncio.gather(*slow)

    assert room["action"] == "continue"
    assert all(rejects(answer) for answer in answers)


@pytest.mark.asyncio(loop_scope="module")
async def test_those_who_send_a_head_byte_by_byte_are_turned_away_as_well(service: Service) -> None:
    async with service.connected() as (reader, writer):
        dripping = asyncio.create_task(_drip(writer))
        answer = await reader.readuntil(b"}")
        dripping.cancel()

    assert rejects(answer)


@pytest.mark.asyncio(loop_scope="module")
async def test_ten_thousand_half_open_connections_keep_no_node_out(service: Service) -> None:
    with half_open(service.port) as held:
        rooms = [await service.room() for _ in range(20)]
        descriptors = service.descriptors

    assert held >= HALF_OPEN or held >= resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 2 * KEPT_FREE
    assert [room.get("reason", "") for room in rooms] == [""] * 20
    assert {room["action"] for room in rooms} == {"continue"}
    assert descriptors < MOST + KEPT_FREE
    assert descriptors > FEW_DESCRIPTORS // 2
    assert (await service.room())["action"] == "continue"


@contextmanager
def half_open(port: int) -> Iterator[int]:
    """Open connections that never say anything: as many as are asked for, or as this machine lets one process have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    number = min(HALF_OPEN, hard - KEPT_FREE)
    try:
        with ExitStack() as stack:
            for _ in range(number):
                # As fast as the service takes them in: what the kernel cannot queue, it drops before anybody sees it.
                stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            yield number
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def _drip(writer: asyncio.StreamWriter) -> None:
    writer.write(PEXIP)
    while not writer.is_closing():
        writer.write(b"X: a\r\n")
        await asyncio.sleep(0.1)  # a slow sender is what this is
