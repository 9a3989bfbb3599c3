"""A server that answers whatever it is told to, on a real port, and remembers what it was asked."""

import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiohttp import web

from vestibule import Capability, Vestibule

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TOKEN = "a-caller-token-of-the-tests-0123456789"
ID_TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"
ALLOW: Mapping[str, object] = {
    "decision": "allow",
    "decision_id": "dec_aebagbafaydqqcik",
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "reasons": [{"code": "permitted", "message": "You may join."}],
    "zone": "core",
    "capabilities": ["present", "showName", "unmute"],
    "obligations": {"prevent": ["host"]},
    "remedy": None,
    "host_notice": None,
    "expires_at": "2026-11-24T18:00:00+00:00",
}

Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True, kw_only=True)
class Liar:
    respond: Respond
    url: str = ""
    asked: list[web.Request] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        return await self.respond(request)

    def client(
        self,
        *,
        enforces: frozenset[Capability] = frozenset(Capability),
        seconds: float = 4.0,
        tls: ssl.SSLContext | None = None,
    ) -> Vestibule:
        return Vestibule(self.url, token=TOKEN, enforces=enforces, seconds=seconds, tls=tls, clock=lambda: NOON)


def says(body: object, *, status: int = 200, **headers: str) -> Respond:
    """Answer this: bytes as they are, everything else as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def respond(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=raw, status=status, headers=headers, content_type="application/json")

    return respond


@asynccontextmanager
async def lying(respond: Respond, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Liar]:
    liar = Liar(respond=respond)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", liar.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    port = runner.addresses[0][1]
    liar.url = f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"
    try:
        yield liar
    finally:
        await runner.cleanup()
