"""Small policy servers for the simulated conferencing node: they answer what a test puts in, well, badly or never."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from plugin.shell.demo.node import Caller, Node, Outcome
from plugin.shell.demo.node_rules import AVATAR, LOCATION, PARTICIPANT, SERVICE

ALICE = Caller(alias="board", display_name="Alice Ågren + 1", address="198.51.100.7", call_tag="vt_1")
ROOM = {
    "name": "board in core",
    "service_type": "conference",
    "service_tag": "vestibule:core:board",
    "pin": "483920174",
    "allow_guests": True,
}
REJECT = {"status": "success", "action": "reject"}


def admit(**result: object) -> dict[str, object]:
    return {"status": "success", "action": "continue", "result": result}


@dataclass
class PolicyServer:
    """Answers with what a test puts in, and keeps what it was asked. `breakouts` are answers by UUID."""

    service: Any = field(default_factory=lambda: admit(**ROOM))
    participant: Any = field(default_factory=admit)
    location: Any = None
    avatar: bytes = b""
    breakouts: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, list[tuple[str, str]]]] = field(default_factory=list)
    authorization: str | None = None

    async def answer(self, request: web.Request) -> web.StreamResponse:
        question = request.path.removeprefix("/policy/v1/")
        query = parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True)
        self.asked.append((question, query))
        self.authorization = request.headers.get("Authorization")
        if question.startswith(AVATAR) and self.avatar:
            return web.Response(body=self.avatar, content_type="image/jpeg")
        answers = {SERVICE: self.service, PARTICIPANT: self.participant, LOCATION: self.location}
        answer = self.breakouts.get(dict(query).get("breakout_uuid", ""), answers.get(question))
        if answer is None:
            return web.Response(status=404)
        return await answer() if callable(answer) else web.json_response(answer)

    def parameters(self, question: str) -> list[dict[str, str]]:
        return [dict(query) for asked, query in self.asked if asked == question]


@asynccontextmanager
async def node_at(http: ClientSession, server: PolicyServer, *, dead_man: bool = False) -> AsyncIterator[Node]:
    """A node whose policy server this is. It waits for an answer, except for one that never comes."""
    app = web.Application()
    app.router.add_get("/{path:.*}", server.answer)
    never = too_late in (server.service, server.participant)
    async with TestServer(app) as running:
        yield Node(
            http=http,
            policy_url=str(running.make_url("")).rstrip("/"),
            username="pexip",
            password="pw",
            configured=frozenset({"Staff", "Oslo", "Bergen"}),
            timeout_seconds=0.2 if never else 30.0,
            dead_man=dead_man,
        )


async def dial(http: ClientSession, server: PolicyServer, caller: Caller = ALICE, *, dead_man: bool = False) -> Outcome:
    async with node_at(http, server, dead_man=dead_man) as node:
        return await node.dial(caller)


def answering(**response: Any) -> Callable[[], Any]:
    async def answer() -> web.Response:
        return web.Response(**response)

    return answer


async def too_late() -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError
