"""The live page over HTTP, for browsers on this machine.

A page of another origin can neither read it nor press its buttons: requests for another host name are refused, so
that a name which is made to lead here gets nothing, and so are those that another origin sends.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from plugin.flow.budget import ANSWER_SECONDS
from plugin.shell.config_conferences import ZoneEntry
from plugin.shell.demo.attempts import CHOICES, Attempt, read_attempt
from plugin.shell.demo.clock import BEGINS
from plugin.shell.demo.feed import Feed
from plugin.shell.demo.joins import Join

FILES = Path(__file__).parent / "page"
PARTS = {
    "/": ("index.html", "text/html"),
    "/style.css": ("style.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/attempts.js": ("attempts.js", "text/javascript"),
    "/cards.js": ("cards.js", "text/javascript"),
    "/drawing.js": ("drawing.js", "text/javascript"),
    "/waterfall.js": ("waterfall.js", "text/javascript"),
    "/words.js": ("words.js", "text/javascript"),
}
PAUSE_SECONDS = 0.8
MOST_BYTES = 1000
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Players(Protocol):
    """Those who join when a button is pressed. `is_busy` = somebody is joining."""

    @property
    def is_busy(self) -> bool: ...

    async def play(self, *, pause: float) -> object:
        """Let everybody join again, with `pause` seconds between them."""

    async def attempt(self, attempt: Attempt) -> Join:
        """Let somebody join as was chosen."""


class LivePage:
    """The page's files, the joins so far, their changes, and the buttons that let somebody join."""

    def __init__(self, feed: Feed, *, zones: tuple[ZoneEntry, ...], port: int, players: Players) -> None:
        self._feed = feed
        self._zones = [{"name": zone.name, "inside": zone.inside} for zone in zones]
        self._hosts = (f"127.0.0.1:{port}", f"localhost:{port}")
        self._players = players
        self._playing: asyncio.Task[object] | None = None

    def app(self) -> web.Application:
        """Return the page, to be bound to a loopback address."""
        app = web.Application(middlewares=[self._same_origin], client_max_size=MOST_BYTES)
        app.add_routes([web.get(path, _file(name, content_type=kind)) for path, (name, kind) in PARTS.items()])
        app.add_routes(
            [
                web.get("/demo/joins", self._joins),
                web.get("/demo/events", self._events),
                web.post("/demo/play", self._press),
                web.post("/demo/attempts", self._try),
            ]
        )
        app.on_shutdown.append(self._close)
        return app

    @web.middleware
    async def _same_origin(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get("Origin", f"http://{request.host}")
        if request.host not in self._hosts or origin != f"http://{request.host}":
            raise web.HTTPForbidden(text="this page is for its own origin alone")
        return await handler(request)

    async def _joins(self, _: web.Request) -> web.Response:
        return web.Response(body=self._everything(), content_type="application/json", headers=HEADERS)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Stream everything so far and then each changed join (Server-Sent Events)."""
        response = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream"})
        changes, so_far = self._feed.subscribe(), self._everything()
        try:
            await response.prepare(request)
            await response.write(b"event: everything\ndata: " + so_far + b"\n\n")
            while True:
                join = await changes.get()
                if join is None:
                    return response
                await response.write(b"data: " + msgspec.json.encode(join) + b"\n\n")
        except ConnectionError:
            return response
        finally:
            self._feed.unsubscribe(changes)

    def _everything(self) -> bytes:
        return msgspec.json.encode(
            {
                "clock": BEGINS,
                "zones": self._zones,
                "choices": CHOICES,
                "budget": ANSWER_SECONDS * 1000,
                "joins": self._feed.joins,
            }
        )

    async def _press(self, _: web.Request) -> web.Response:
        if self._is_busy():
            return _busy()
        self._playing = asyncio.create_task(self._players.play(pause=PAUSE_SECONDS))
        return web.Response(status=202, headers=HEADERS)

    async def _try(self, request: web.Request) -> web.Response:
        """Answer with the join as it went."""
        if self._is_busy():
            return _busy()
        try:
            attempt = read_attempt(await request.read())
        except ValueError as error:
            return web.Response(status=400, text=str(error), headers=HEADERS)
        join = await self._players.attempt(attempt)
        return web.Response(body=msgspec.json.encode(join), content_type="application/json", headers=HEADERS)

    def _is_busy(self) -> bool:
        return self._players.is_busy or (self._playing is not None and not self._playing.done())

    async def _close(self, _: web.Application) -> None:
        if self._playing:
            self._playing.cancel()
        self._feed.close()


def _busy() -> web.Response:
    return web.Response(status=409, text="somebody is still joining", headers=HEADERS)


def _file(name: str, *, content_type: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def serve(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(FILES / name, headers={**HEADERS, "Content-Type": f"{content_type}; charset=utf-8"})

    return serve
