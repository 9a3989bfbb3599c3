"""Fetching from servers on this machine, by names that lead where a test wants."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from socket import AF_INET, AddressFamily

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.test_utils import TestServer

from plugin.core.errors import Unavailable
from plugin.core.reasons import Reason
from plugin.shell.fetch import HttpFetch

LOOPBACK = frozenset({"127.0.0.1"})
LIMIT = 64 * 1024
SHORT = 0.3
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def fetching(
    *,
    hosts: frozenset[str] = LOOPBACK,
    private_hosts: frozenset[str] = frozenset(),
    resolver: AbstractResolver | None = None,
    timeout: float = 5,  # noqa: ASYNC109 - it is the one under test
) -> AsyncIterator[HttpFetch]:
    fetch = HttpFetch(hosts=hosts, private_hosts=private_hosts, resolver=resolver, timeout=timeout)
    try:
        yield fetch
    finally:
        await fetch.close()


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[str]:
    """Serve a real provider and yield its URL."""
    app = web.Application()
    app.router.add_get("/keys", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/keys"))


@asynccontextmanager
async def serving_bytes(script: Script) -> AsyncIterator[str]:
    """Serve whatever a script writes, HTTP or not, and yield its URL."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        try:
            await script(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/keys"
    finally:
        server.close()


async def reason_of(fetch: HttpFetch, url: str) -> Reason:
    with pytest.raises(Unavailable) as outage:
        await fetch(url, limit=LIMIT)
    return outage.value.reason


async def document(_: web.Request) -> web.Response:
    return web.Response(body=b'{"keys":[]}', headers={"Cache-Control": "public, max-age=3600"})


class Names(AbstractResolver):
    """A name service that somebody else runs: every name leads to `address`."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses
        self.asked: list[str] = []

    def lead_to(self, *addresses: str) -> None:
        self._addresses = addresses

    async def resolve(self, host: str, port: int = 0, family: AddressFamily = AF_INET) -> list[ResolveResult]:
        self.asked.append(host)
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in self._addresses
        ]

    async def close(self) -> None:
        pass
