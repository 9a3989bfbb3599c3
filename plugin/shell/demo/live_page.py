"""The live page over HTTP, for browsers on this machine.

A page of another origin can neither read it nor press its button: requests for another host name are refused, so
that a name which is made to lead here gets nothing, and so are those that another origin sends.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Protocol

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from plugin.shell.config_conferences import ZoneEntry
from plugin.shell.demo.clock import BEGINS
from plugin.shell.demo.feed import Feed

FILES = Path(__file__).parent / "page"
PAUSE_SECONDS = 0.8
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Play(Protocol):
    """Lets everybody join again, with `pause` seconds between them."""

    def __call__(self, *, pause: float) -> Coroutine[None, None, object]: ...


class LivePage:
    """Three files, the joins so far, their changes, and the button that plays everybody again."""

    def __init__(self, feed: Feed, *, zones: tuple[ZoneEntry, ...], port: int, play: Play) -> None:
        self._feed = feed
        self._zones = [{"name": zone.name, "inside": zone.inside} for zone in zones]
        self._hosts = (f"127.0.0.1:{port}", f"localhost:{port}")
        self._play = play
        self._playing: asyncio.Task[object] | None = None

    def app(self) -> web.Application:
        """Return the page, to be bound to a loopback address."""
        app = web.Application(middlewares=[self._same_origin])
        app.add_routes(
            [
                web.get("/", _file("index.html", content_type="text/html")),
                web.get("/style.css", _file("style.css", content_type="text/css")),
                web.get("/page.js", _file("page.js", content_type="text/javascript")),
                web.get("/demo/joins", self._joins),
                web.get("/demo/events", self._events),
                web.post("/demo/play", self._press),
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
        return msgspec.json.encode({"clock": BEGINS, "zones": self._zones, "joins": self._feed.joins})

    async def _press(self, _: web.Request) -> web.Response:
        if self._playing and not self._playing.done():
            return web.Response(status=409, text="already playing", headers=HEADERS)
        self._playing = asyncio.create_task(self._play(pause=PAUSE_SECONDS))
        return web.Response(status=202, headers=HEADERS)

    async def _close(self, _: web.Application) -> None:
        if self._playing:
            self._playing.cancel()
        self._feed.close()


def _file(name: str, *, content_type: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def serve(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(FILES / name, headers={**HEADERS, "Content-Type": f"{content_type}; charset=utf-8"})

    return serve
