"""An OpenID provider that misbehaves as it is told, byte by byte, and can be mended."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

from tests.shell.parties import Issuer

MEGABYTE = b"x" * 1_048_576
HUNDRED_MEGABYTES = 100 * len(MEGABYTE)
METADATA = "/.well-known/openid-configuration"

Fault = Callable[["FaultyProvider", str, asyncio.StreamWriter], Awaitable[None]]


class FaultyProvider:
    """One provider on one port. `fault` None = it works. `sent` counts the bytes of bodies that somebody took."""

    def __init__(self, fault: Fault) -> None:
        self.fault: Fault | None = fault
        self.sent = 0
        self.elsewhere = 0
        self.issuer = Issuer("acme")
        self._port = 0
        self._server: asyncio.Server | None = None
        self._handling = set[asyncio.Task[None]]()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["FaultyProvider"]:
        await self.listen()
        self.issuer.url = f"http://127.0.0.1:{self._port}"
        if self.fault is refusing:
            await self.stop_listening()
        yield self
        await self.stop_listening()

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in self._handling:
            task.cancel()

    async def mend(self) -> None:
        self.fault = None
        if self._server is None:
            await self.listen()

    def token(self) -> str:
        return self.issuer.token("alice", now=datetime.now(UTC))

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handling.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                head = await reader.readuntil(b"\r\n\r\n")
                await self._answer(head.decode().split(" ")[1], writer)
        finally:
            self._handling.discard(task)
            writer.close()

    async def _answer(self, path: str, writer: asyncio.StreamWriter) -> None:
        if path == "/elsewhere":
            self.elsewhere += 1
        if self.fault is not None:
            await self.fault(self, path, writer)
            return
        await self.say(writer, self.metadata() if path == METADATA else self.key_set())

    def metadata(self) -> bytes:
        url = self.issuer.url
        return json.dumps(
            {
                "issuer": url,
                "authorization_endpoint": f"{url}/authorize",
                "jwks_uri": f"{url}/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
            }
        ).encode()

    def key_set(self) -> bytes:
        return json.dumps({"keys": [self.issuer.key.as_dict(private=False)]}).encode()

    async def say(self, writer: asyncio.StreamWriter, body: bytes, *, length: int | None = None) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n" % (len(body) if length is None else length))
        await self.pour(writer, body)

    async def pour(self, writer: asyncio.StreamWriter, octets: bytes) -> None:
        writer.write(octets)
        await writer.drain()
        self.sent += len(octets)


async def hanging(_: FaultyProvider, _path: str, _writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def refusing(_: FaultyProvider, _path: str, _writer: asyncio.StreamWriter) -> None:
    raise AssertionError("nobody listens")


async def garbage(provider: FaultyProvider, _path: str, writer: asyncio.StreamWriter) -> None:
    await provider.pour(writer, bytes(range(256)) * 64)


async def garbage_as_keys(provider: FaultyProvider, path: str, writer: asyncio.StreamWriter) -> None:
    await provider.say(writer, provider.metadata() if path == METADATA else b"\xff\x00{" * 1000)


async def endless_head(provider: FaultyProvider, _path: str, writer: asyncio.StreamWriter) -> None:
    await provider.pour(writer, b"HTTP/1.1 200 OK\r\n")
    while True:
        await provider.pour(writer, b"X-More: and more\r\n" * 1000)


async def endless_body(provider: FaultyProvider, _path: str, writer: asyncio.StreamWriter) -> None:
    await provider.pour(writer, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        await provider.pour(writer, b"100000\r\n" + MEGABYTE + b"\r\n")


async def huge_key_set(provider: FaultyProvider, path: str, writer: asyncio.StreamWriter) -> None:
    if path == METADATA:
        await provider.say(writer, provider.metadata())
        return
    await provider.say(writer, b'{"keys": ["', length=HUNDRED_MEGABYTES)
    while provider.sent < HUNDRED_MEGABYTES:
        await provider.pour(writer, MEGABYTE)


async def dripping(provider: FaultyProvider, _path: str, writer: asyncio.StreamWriter) -> None:
    await provider.say(writer, b"", length=1_000)
    while True:
        await provider.pour(writer, b" ")
        await asyncio.sleep(0.1)  # a slow sender is what this is


async def cut_short(provider: FaultyProvider, _path: str, writer: asyncio.StreamWriter) -> None:
    await provider.say(writer, provider.metadata()[:40], length=1_000)


async def redirecting_keys(provider: FaultyProvider, path: str, writer: asyncio.StreamWriter) -> None:
    if path == METADATA:
        await provider.say(writer, provider.metadata())
    elif path == "/jwks":
        await provider.pour(writer, b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")
    else:
        await provider.say(writer, provider.key_set())
