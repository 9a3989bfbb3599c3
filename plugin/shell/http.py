"""The border: an aiohttp server on which every failure still has an explicit answer.

A conferencing platform that gets no valid answer admits by its own database. So whatever goes wrong here, from a
request that cannot be parsed to a bug, is answered with a 200 that rejects. This module and `flow.find`
are, beside the judge, the only places that catch everything. Nothing of a request is ever logged.
"""

import asyncio
import json
import logging
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from plugin.core.address import IpNetwork, is_within, read_address
from plugin.core.reasons import Reason
from plugin.flow.find import is_cancelled
from plugin.platforms.pexip import REJECT
from plugin.shell.strangers import Strangers, most_strangers

log = logging.getLogger(__name__)

# Names and tags of 1,000 four-byte characters, percent-encoded, must pass in one request line: 12,000 bytes each. A
# line that is longer than this is cut off while it is still being sent, and the node may not read the answer.
MAX_LINE = 262_144
MAX_FIELD = 16_384
MAX_PATH = 4_096
MAX_BODY = 65_536
# For how long an answered request's body is still taken in, so that its sender gets to read the answer.
LINGER_SECONDS = 1.0
# Connections that may wait to be accepted: as many as are taken in while a question can still be answered in time.
# Those beyond it are tried again by their senders, after a second.
BACKLOG = 1_024
# How many of them are taken in while the event loop comes round once, so that a crowd does not stop everybody else.
ACCEPTED_AT_ONCE = 32
SWEEP_SECONDS = 1.0
# A platform's connection is never closed for being idle: a question that crosses that end gets no answer.
KEPT_SECONDS = 10 * 365 * 24 * 3600.0

_REJECT = json.dumps(REJECT).encode()
_TURNED_AWAY = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(_REJECT), _REJECT)
)

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


async def explicit(
    answer: Awaitable[web.Response], *, otherwise: Callable[[Reason], web.Response], seconds: float
) -> web.Response:
    """Wait for an answer, at most `seconds`, and give the other one for whatever goes wrong.

    The last resort: each step behind it has its share of the same seconds, and ends before them.
    """
    try:
        async with asyncio.timeout(seconds):
            return await answer
    except TimeoutError:
        log.error("no answer in time", extra={"seconds": seconds})  # noqa: TRY400 - the traceback says nothing
        return otherwise(Reason.DEADLINE)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as bug:
        # At the border every bug has to become a reject, also a panic of a native library, which is no Exception.
        if is_cancelled(bug):
            raise
        # The traceback's text may hold what was asked, so only the kind of the exception is written down.
        log.error("no answer", extra={"exception": type(bug).__name__})  # noqa: TRY400 - see above
        return otherwise(Reason.INTERNAL_ERROR)


async def open_port(runner: web.BaseRunner, *, host: str, port: int) -> None:
    """Listen, and have the runner answer."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family)
    await web.SockSite(runner, listening, backlog=ACCEPTED_AT_ONCE).start()
    # asyncio knows one number for both: how many may wait, and how many it takes in at once.
    listening.listen(BACKLOG)


class ExplicitHandler(RequestHandler):
    """One connection, on which aiohttp's own errors (bad request lines, unknown methods) are rejects too."""

    __slots__ = ("_known", "_strangers", "_tell_unread")

    def __init__(
        self,
        manager: web.Server,
        *,
        strangers: Strangers,
        known: Callable[[], tuple[IpNetwork, ...]],
        tell_unread: Callable[[], None],
        **connection: Any,
    ) -> None:
        super().__init__(manager, **connection)
        self._strangers = strangers
        self._known = known
        self._tell_unread = tell_unread

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if not self._is_listed():
            self._strangers.add(self)

    def eof_received(self) -> None:
        """Reject what is still being answered: who has only stopped sending reads it, and who has hung up does not."""
        if self._current_request is not None and isinstance(self.transport, asyncio.Transport):
            self.transport.write(_TURNED_AWAY)
        super().eof_received()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._strangers.forget(self)
        super().connection_lost(exc)

    def recognise(self) -> None:
        """Take note that this connection is a platform's."""
        self._strangers.forget(self)

    def turn_away(self) -> None:
        """Reject whatever may be on its way, and close: to a platform, silence would be a yes."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.write(_TURNED_AWAY)
        self.force_close()

    def _is_listed(self) -> bool:
        known = self._known()
        if not known:
            return False
        address = read_address(str((self.peername or ("",))[0]).partition("%")[0])
        return address is not None and is_within(address, known)

    def handle_error(
        self,
        request: web.BaseRequest,  # noqa: ARG002 - aiohttp's signature
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - aiohttp's signature
    ) -> web.StreamResponse:
        log.warning("request refused by the parser", extra={"status": status, "exception": type(exc).__name__})
        self._tell_unread()
        response = web.json_response(REJECT)
        response.force_close()
        return response


class ExplicitServer(web.Server):
    """A server of such connections."""

    def __init__(
        self,
        server: web.Server,
        *,
        known: Callable[[], tuple[IpNetwork, ...]],
        tell_unread: Callable[[], None],
        **connection: Any,
    ) -> None:
        self.strangers = Strangers(monotonic=time.monotonic, most=most_strangers())
        handler = _bounded(server.request_handler, strangers=self.strangers, tell_unread=tell_unread)
        # Who hangs up wants no answer: what is still being done for it ends.
        super().__init__(handler, request_factory=server.request_factory, handler_cancellation=True)
        self._connection = {
            "strangers": self.strangers,
            "known": known,
            "tell_unread": tell_unread,
            **connection,
        }

    def __call__(self) -> RequestHandler:
        return ExplicitHandler(self, loop=asyncio.get_running_loop(), **self._connection)


def recognise(request: web.BaseRequest) -> None:
    """Take note that a request's connection is that of a platform, which has shown its credentials."""
    if isinstance(request.protocol, ExplicitHandler):
        request.protocol.recognise()


def _bounded(handler: Handler, *, strangers: Strangers, tell_unread: Callable[[], None]) -> Handler:
    """Reject a long path before the router sees it: it looks one up once for every slash."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if isinstance(request.protocol, ExplicitHandler):
            strangers.hear(request.protocol)
        if len(request.rel_url.raw_path) > MAX_PATH:
            tell_unread()
            return web.json_response(REJECT)
        return await handler(request)

    return handle


class ExplicitRunner(web.AppRunner):
    """Runs an application on an ExplicitServer, without an access log: it would hold query strings.

    Connections from `known` networks, a platform's or a proxy's, are no strangers' from the beginning. `tell_unread`
    hears of each request that was rejected before anybody could read what it asks.
    """

    def __init__(
        self,
        app: web.Application,
        *,
        known: Callable[[], tuple[IpNetwork, ...]],
        shutdown_timeout: float,
        tell_unread: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(app, shutdown_timeout=shutdown_timeout)
        self._known = known
        self._tell_unread = tell_unread

    async def sweep(self) -> None:
        """Turn strangers away who say nothing, again and again, once this is set up."""
        while isinstance(self.server, ExplicitServer):
            await asyncio.sleep(SWEEP_SECONDS)
            self.server.strangers.turn_away_quiet()

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        # A body is taken as it comes: inflating it would be work that anybody can order, before any limit.
        return ExplicitServer(
            server,
            known=self._known,
            tell_unread=self._tell_unread,
            max_line_size=MAX_LINE,
            max_field_size=MAX_FIELD,
            lingering_time=LINGER_SECONDS,
            keepalive_timeout=KEPT_SECONDS,
            auto_decompress=False,
            access_log=None,
        )
