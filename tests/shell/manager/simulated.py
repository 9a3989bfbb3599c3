"""A Pexip Management Node for tests, written from its documents: lists in pages, Basic authentication, and its faults.

It knows nothing of the code that reads it. Pages are as small as it likes, whatever `limit` asks for.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from aiohttp import encode_basic_auth, web

ROOT = "/api/admin/"
CONFIGURATION = "configuration/v1/"
DEPLOY = Path(__file__).resolve().parents[3] / "deploy" / "pexip"
USERNAME, PASSWORD = "reader", "manager-password-of-the-tests"
POLICY_URL = "https://vestibule.example.com"
NAMES = ("system_location", "policy_server", "conference_alias", "conference", "gateway_routing_rule")
NAMES = (*NAMES, "automatic_participant", "identity_provider")

NAMED = """
[[conference]]
alias = ["plenary", "plenary@xn--bcher-kva.example"]
zones = ["core"]
classification = "internal"
owner = "{acme}#bob"
invited = ["org:acme"]
[conference.pexip.core]
name = "The Plenary"
"""
"""A conference of Vestibule's configuration whose room has another name."""

Fault = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True, kw_only=True)
class Simulated:
    """One manager. `lists` holds the objects of each resource by its path; `faults` answer in a list's place."""

    lists: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    faults: dict[str, Fault] = field(default_factory=dict)
    most_on_a_page: int = 20
    asked: list[tuple[str, str]] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    def add(self, resource: str, **fields: object) -> str:
        """Add an object and return its URI."""
        path = resource if "/" in resource else f"{CONFIGURATION}{resource}/"
        objects = self.lists.setdefault(path, [])
        number = len(objects) + 1
        uri = f"{ROOT}{path}{number}/"
        objects.append({"id": number, "resource_uri": uri, **fields})
        return uri

    def change(self, resource: str, **fields: object) -> None:
        """Change the first object of a resource."""
        self.lists[f"{CONFIGURATION}{resource}/"][0] |= fields

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.method, request.path_qs))
        if request.headers.get("Authorization") != encode_basic_auth(USERNAME, PASSWORD, encoding="utf-8"):
            return web.Response(status=401)
        path = request.path.removeprefix(ROOT)
        if path in self.faults:
            return await self.faults[path](request)
        if path not in self.lists:
            return web.Response(status=404)
        limit = min(int(request.query.get("limit", 20)), self.most_on_a_page)
        return self.page(path, limit=limit, offset=int(request.query.get("offset", 0)))

    def page(self, path: str, *, limit: int, offset: int) -> web.Response:
        objects = self.lists[path]
        following = f"{ROOT}{path}?{urlencode({'limit': limit, 'offset': offset + limit})}"
        meta = {
            "limit": limit,
            "next": following if offset + limit < len(objects) else None,
            "offset": offset,
            "previous": None,
            "total_count": len(objects),
        }
        return web.json_response({"meta": meta, "objects": objects[offset : offset + limit]})


def well_kept() -> Simulated:
    """Return a platform as deploy/pexip/README.md wants it."""
    manager = Simulated(lists={f"{CONFIGURATION}{name}/": [] for name in NAMES} | {"status/v1/participant/": []})
    profile = manager.add(
        "policy_server",
        name="vestibule",
        url=POLICY_URL,
        enable_service_lookup=True,
        enable_participant_lookup=True,
        enable_registration_lookup=True,
        enable_directory_lookup=True,
        enable_avatar_lookup=True,
        enable_media_location_lookup=True,
        enable_internal_service_policy=True,
        enable_internal_participant_policy=True,
        enable_internal_media_location_policy=False,
        internal_service_policy_template=(DEPLOY / "dead-man-service.jinja").read_text(),
        internal_participant_policy_template=(DEPLOY / "dead-man-participant.jinja").read_text(),
        internal_media_location_policy_template="",
        password="a-password-of-the-profile",
    )
    manager.add("system_location", name="Oslo", policy_server=profile)
    manager.add("status/v1/management_vm/", name="manager", version="39 (77777.0.0)", primary=True)
    manager.add("status/v1/worker_vm/", name="node-1", version="39 (77777.0.0)", system_location="Oslo")
    return manager


def rule(**changes: object) -> dict[str, object]:
    """Return the fields of a call routing rule."""
    return {
        "name": "a rule",
        "priority": 100,
        "enable": True,
        "match_string": ".*",
        "match_string_full": False,
        "match_incoming_calls": True,
        "match_outgoing_calls": False,
        **changes,
    }


@asynccontextmanager
async def serving(manager: Simulated, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Simulated]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", manager.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    host = "https://localhost" if tls else "http://127.0.0.1"
    manager.url = f"{host}:{runner.addresses[0][1]}"
    try:
        yield manager
    finally:
        manager.ended.set()
        await runner.cleanup()


def status(code: int) -> Fault:
    async def fault(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=code)

    return fault


def next_is(following: str) -> Fault:
    """Answer with an empty page that another is to follow."""

    async def fault(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"meta": {"next": following}, "objects": []})

    return fault


def text(body: str, *, content_type: str = "application/json") -> Fault:
    async def fault(_request: web.Request) -> web.StreamResponse:
        return web.Response(text=body, content_type=content_type)

    return fault


async def pages_without_end(request: web.Request) -> web.StreamResponse:
    offset = int(request.query.get("offset", 0)) + 1
    return web.json_response({"meta": {"next": f"{request.path}?offset={offset}"}, "objects": []})


async def flood(_request: web.Request) -> web.StreamResponse:
    return web.json_response({"meta": {"next": None}, "objects": [{"name": "x" * 1024}] * 8192})


async def redirect(_request: web.Request) -> web.StreamResponse:
    return web.Response(status=302, headers={"Location": "http://127.0.0.1:9/"})


def sample(folder: Path) -> dict[str, object]:
    """Return the documented participant of the samples."""
    found: dict[str, object] = json.loads((folder / "m01-status-participant.json").read_text())["body"]["objects"][0]
    return found
