"""When a question arrived: what it has waited before anybody looked at it is spent already."""

import asyncio
import socket
import time

from aiohttp import web
from aiohttp.test_utils import TestServer

from plugin.shell.arrival import budget_of

HELD = 0.3
CLOCK_TICK = 0.02
QUESTION = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


async def _say_what_is_spent(request: web.Request) -> web.Response:
    return web.Response(text=str(budget_of(request).spent()))


async def test_the_time_in_which_nobody_accepted_the_connection_is_counted() -> None:
    app = web.Application()
    app.router.add_get("/", _say_what_is_spent)
    async with TestServer(app) as server:
        with socket.create_connection((server.host, server.port)) as connection:
            connection.sendall(QUESTION)
            time.sleep(HELD)  # noqa: ASYNC251 - the event loop stands still: that is what is looked at
            answer = await asyncio.to_thread(_read, connection)

    assert float(answer.rpartition(b"\r\n")[2]) >= HELD - CLOCK_TICK


def _read(connection: socket.socket) -> bytes:
    with connection.makefile("rb") as file:
        return file.read()
