"""SIGTERM under load: every question is answered explicitly until the port is closed, and the exit is clean."""

import asyncio
import time
from pathlib import Path
from signal import SIGTERM

from aiohttp import ClientConnectorError, ClientError

from plugin.shell.app import DRAIN_SECONDS
from tests.shell.faults.process import Site, site

ASKERS = 10
END_SECONDS = DRAIN_SECONDS + 3.0


async def ask_until_refused_a_connection(place: Site) -> tuple[list[str], int]:
    """Ask one question after the other; return the actions, and how many questions got no answer on a connection."""
    actions, lost = list[str](), 0
    while True:
        try:
            actions.append(str((await place.world.service("townhall"))["action"]))
        except ClientConnectorError:
            return actions, lost
        except ClientError:
            lost += 1


async def test_under_load_each_question_is_answered_until_the_port_is_closed(tmp_path: Path) -> None:
    async with site(tmp_path) as place, place.running() as running:
        await running.says("serving")
        asking = [asyncio.create_task(ask_until_refused_a_connection(place)) for _ in range(ASKERS)]
        await place.world.service("townhall")
        running.send(SIGTERM)
        code, *heard = await asyncio.gather(running.ended(), *asking)
        written = place.decisions()

    actions = [action for answered, _ in heard for action in answered]
    assert code == 0
    assert {"continue", "reject"} == set(actions)
    assert actions.count("continue") < len(written) + 1
    # A connection that is kept alive may close between two questions: the node then asks on a new one, and is refused.
    assert sum(lost for _, lost in heard) <= ASKERS


async def test_a_second_signal_ends_the_wait_and_the_exit_is_still_clean(tmp_path: Path) -> None:
    async with site(tmp_path) as place, place.running() as running:
        await running.says("serving")
        running.send(SIGTERM)
        await running.says("draining")
        started = time.monotonic()
        running.send(SIGTERM)
        code = await running.ended()

    assert code == 0
    assert time.monotonic() - started < DRAIN_SECONDS


async def test_a_connection_that_says_nothing_does_not_hold_the_end_up(tmp_path: Path) -> None:
    async with site(tmp_path) as place, place.running() as running:
        await running.says("serving")
        port = int(place.world.url.rpartition(":")[2])
        _, silent = await asyncio.open_connection("127.0.0.1", port)
        _, half = await asyncio.open_connection("127.0.0.1", port)
        half.write(b"POST /v1/joins HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        await half.drain()
        started = time.monotonic()
        running.send(SIGTERM)
        code = await running.ended()
        silent.close()
        half.close()

    assert code == 0
    assert time.monotonic() - started < END_SECONDS


async def test_told_to_stop_while_it_starts_it_ends_without_having_admitted_anybody(tmp_path: Path) -> None:
    async with site(tmp_path) as place, place.running() as running:
        running.send(SIGTERM)
        code = await running.ended()

    assert code in (0, -SIGTERM)
    assert not [line for line in running.log if line["message"] == "decision"]
