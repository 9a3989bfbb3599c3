"""The border: an aiohttp server on which every failure still has an explicit answer.

A conferencing platform that gets no valid answer admits by its own database. So whatever goes wrong here, from a
request that cannot be parsed to a bug, is answered with a 200 that rejects. This module and `flow.verification.find`
are, beside the judge, the only places that catch everything. Nothing of a request is ever logged.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from plugin.core.reasons import Reason
from plugin.flow.budget import ANSWER_SECONDS, Budget
from plugin.platforms.pexip import REJECT

log = logging.getLogger(__name__)

# Names and tags of 1,000 four-byte characters, percent-encoded, must pass in one request line: 12,000 bytes each. A
# line that is longer than this is cut off while it is still being sent, and the node may not read the answer.
MAX_LINE = 262_144
MAX_FIELD = 16_384
MAX_PATH = 4_096
MAX_BODY = 65_536

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


def begin() -> Budget:
    """Begin the time of a question that has just come."""
    return Budget(since=time.time_ns(), began=time.monotonic(), monotonic=time.monotonic)


async def explicit(
    answer: Awaitable[web.Response], *, otherwise: Callable[[Reason], web.Response], seconds: float = ANSWER_SECONDS
) -> web.Response:
    """Wait for an answer, at most `seconds`, and give the other one for whatever goes wrong."""
    try:
        async with asyncio.timeout(seconds):
            return await answer
    except TimeoutError:
        log.error("no answer in time", extra={"seconds": seconds})  # noqa: TRY400 - the traceback says nothing
        return otherwise(Reason.DEADLINE)
    except Exception as bug:  # noqa: BLE001 - at the border every bug has to become a reject
        # The traceback's text may hold what was asked, so only the kind of the exception is written down.
        log.error("no answer", extra={"exception": type(bug).__name__})  # noqa: TRY400 - see above
        return otherwise(Reason.INTERNAL_ERROR)


class ExplicitHandler(RequestHandler):
    """One connection, on which aiohttp's own errors (bad request lines, unknown methods) are rejects too."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,  # noqa: ARG002 - aiohttp's signature
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - aiohttp's signature
    ) -> web.StreamResponse:
        log.warning("request refused by the parser", extra={"status": status, "exception": type(exc).__name__})
        response = web.json_response(REJECT)
        response.force_close()
        return response


class ExplicitServer(web.Server):
    """A server of such connections."""

    def __init__(self, server: web.Server, **connection: Any) -> None:
        super().__init__(_bounded(server.request_handler), request_factory=server.request_factory, **connection)
        self._connection = connection

    def __call__(self) -> RequestHandler:
        return ExplicitHandler(self, loop=asyncio.get_running_loop(), **self._connection)


def _bounded(handler: Handler) -> Handler:
    """Reject a long path before the router sees it: it looks one up once for every slash."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if len(request.rel_url.raw_path) > MAX_PATH:
            return web.json_response(REJECT)
        return await handler(request)

    return handle


class ExplicitRunner(web.AppRunner):
    """Runs an application on an ExplicitServer, without an access log: it would hold query strings."""

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        # A body is taken as it comes: inflating it would be work that anybody can order, before any limit.
        return ExplicitServer(
            server, max_line_size=MAX_LINE, max_field_size=MAX_FIELD, auto_decompress=False, access_log=None
        )
