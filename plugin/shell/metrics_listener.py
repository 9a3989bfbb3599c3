"""The listener for monitoring: `/metrics`, `/livez` and `/readyz`, away from the door that platforms reach.

Writing the exposition takes milliseconds of a processor, so a thread does it, one scrape after the other, and the loop
that answers platforms goes on meanwhile. Who may scrape is told by address; nobody else is told anything.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from plugin.core.address import IpNetwork, is_within, read_address
from plugin.shell.config_listeners import MetricsEntry
from plugin.shell.health import Health
from plugin.shell.metrics import Metrics

log = logging.getLogger(__name__)

MAX_LINE = 4_096
SHUTDOWN_SECONDS = 1.0


@asynccontextmanager
async def listening(entry: MetricsEntry | None, *, metrics: Metrics, health: Health) -> AsyncIterator[int]:
    """Listen, and yield the real port; 0 = nowhere.

    An address that cannot be had is an error in the log and no reason not to serve: while this service is down, the
    platform admits by itself, and a monitoring that is not answered raises its own alarm.
    """
    if entry is None:
        yield 0
        return
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="metrics") as thread:
        app = web.Application(middlewares=[_from(entry.networks)])
        app.add_routes([web.get("/metrics", _Scrape(metrics, health=health, thread=thread).answer), *health.routes()])
        runner = web.AppRunner(app, access_log=None, max_line_size=MAX_LINE, shutdown_timeout=SHUTDOWN_SECONDS)
        await runner.setup()
        try:
            yield await _port(runner, entry=entry)
        finally:
            await runner.cleanup()


async def _port(runner: web.AppRunner, *, entry: MetricsEntry) -> int:
    try:
        await web.TCPSite(runner, entry.host, entry.port).start()
    except OSError as error:
        fields = {"host": entry.host, "port": entry.port, "error": error.strerror}
        log.error("metrics are not served", extra=fields)  # noqa: TRY400 - the error is told
        return 0
    port: int = runner.addresses[0][1]
    return port


class _Scrape:
    """Answers one scrape, with readiness looked at anew."""

    def __init__(self, metrics: Metrics, *, health: Health, thread: ThreadPoolExecutor) -> None:
        self._metrics = metrics
        self._health = health
        self._thread = thread

    async def answer(self, request: web.Request) -> web.Response:
        await self._health.look()
        accept = request.headers.get("Accept", "")
        loop = asyncio.get_running_loop()
        body, content_type = await loop.run_in_executor(self._thread, self._metrics.expose, accept)
        return web.Response(body=body, headers={"Content-Type": content_type})


def _from(networks: tuple[IpNetwork, ...]) -> Middleware:
    """Make the middleware that refuses everybody who is neither on this machine nor in one of the networks."""

    @web.middleware
    async def refuse_others(request: web.Request, handler: Handler) -> web.StreamResponse:
        source = read_address((request.remote or "").partition("%")[0])
        if source is None or not (source.is_loopback or is_within(source, networks)):
            return web.Response(status=403)
        return await handler(request)

    return refuse_others
