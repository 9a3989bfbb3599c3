"""The service: doors on a server that answers explicitly from the moment its port is open until it is closed."""

import asyncio
import logging
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aiohttp import web

from plugin.core.address import IpNetwork
from plugin.core.reasons import Reason
from plugin.core.record import DecisionRecord
from plugin.ports import Clock
from plugin.shell import openapi
from plugin.shell.beside import beside
from plugin.shell.caveats import say_caveats
from plugin.shell.check import Checked, check
from plugin.shell.enrolling import EnrolmentDoor
from plugin.shell.estate import open_estate
from plugin.shell.gate import Gate
from plugin.shell.gauges import show_lanes
from plugin.shell.generic_door import GenericDoor
from plugin.shell.health import Health
from plugin.shell.http import MAX_BODY, ExplicitRunner, open_port
from plugin.shell.logout import LogoutDoor
from plugin.shell.metering import measuring
from plugin.shell.metrics import UNREADABLE
from plugin.shell.metrics_listener import listening
from plugin.shell.pexip_door import PexipDoor
from plugin.shell.portal.door import PortalDoor
from plugin.shell.rate import RateLimit
from plugin.shell.reload import Reloader
from plugin.shell.strangers import raise_limit
from plugin.shell.telemetry import Telemetry
from plugin.shell.wiring import utc_now

log = logging.getLogger(__name__)

# How long a stopping service still answers, with rejects, so that balancers notice before the port is closed.
DRAIN_SECONDS = 3.0
# By then every answer is a reject that takes no time: who is still sending has had its answer's time already.
LAST_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service that is up. A port is the real one where the configuration says 0; `metrics_port` 0 = there is none."""

    gate: Gate
    reloader: Reloader
    port: int
    metrics_port: int


def build_app(gate: Gate, *, health: Health) -> web.Application:
    """Make the application: all doors. What each needs of the configuration it asks the gate for."""
    app = web.Application(client_max_size=MAX_BODY, middlewares=[measuring(health.metrics)])
    app.add_routes([*openapi.routes(), *health.routes()])
    limit = RateLimit(monotonic=time.monotonic)
    door, pexip_door = GenericDoor(gate=gate, limit=limit), PexipDoor(gate=gate)
    enrolment_door = EnrolmentDoor(gate=gate, limit=limit)
    portal_door = PortalDoor(gate=gate, limit=limit)
    logout_door = LogoutDoor(gate=gate, metrics=health.metrics)
    doors = (door, enrolment_door, portal_door, logout_door, pexip_door)
    app.add_routes([route for one in doors for route in one.routes()])
    show_lanes(health.metrics, tuple(lane for one in doors for lane in one.lanes))
    return app


def _known(gate: Gate) -> tuple[IpNetwork, ...]:
    """Say whose connections are no strangers'."""
    return gate.config.proxies + (gate.config.pexip.sources if gate.config.pexip else ())


@asynccontextmanager
async def running(
    checked: Checked,
    *,
    telemetry: Telemetry,
    clock: Clock = utc_now,
    listeners: tuple[Callable[[DecisionRecord], None], ...] = (),
    look: Callable[[Path], Checked] = check,
    asked: asyncio.Event | None = None,
) -> AsyncIterator[Service]:
    """Run the service. The port is open, and rejects, before the house is; and it rejects until it is closed.

    `look` checks a configuration that is read while the service runs; `asked` is set to have that done at once.
    """
    config, metrics = checked.config, telemetry.metrics
    gate = Gate(config=config, refused=metrics.refuse_at_once)
    health = Health(gate=gate, metrics=metrics)
    async with (
        _answering(gate, health=health) as (host, port),
        listening(config.metrics, metrics=metrics, health=health) as metrics_port,
        open_estate(config, telemetry=telemetry, clock=clock, listeners=listeners) as estate,
    ):
        gate.open(await estate.furnish(checked))
        await estate.show(checked)
        asked = asked or asyncio.Event()
        reloader = Reloader(checked, gate=gate, estate=estate, metrics=metrics, clock=clock, asked=asked, look=look)
        say_caveats(checked)
        log.info("serving", extra={"host": host, "port": port, "bundle": checked.bundle.revision})
        try:
            yield Service(gate=gate, reloader=reloader, port=port, metrics_port=metrics_port)
        finally:
            gate.house = None


@asynccontextmanager
async def _answering(gate: Gate, *, health: Health) -> AsyncIterator[tuple[str, int]]:
    """Open the port, and say which it is."""
    runner = ExplicitRunner(
        build_app(gate, health=health),
        known=partial(_known, gate),
        tell_unread=partial(health.metrics.refused, UNREADABLE, Reason.REQUEST_MALFORMED.code),
        shutdown_timeout=LAST_SECONDS,
    )
    await runner.setup()
    try:
        async with (
            beside(gate.pulse.beat(), gone="how long questions wait is not measured any more"),
            beside(runner.sweep(), gone="quiet strangers are not turned away any more"),
        ):
            await open_port(runner, host=gate.config.host, port=gate.config.port)
            host, port = runner.addresses[0][:2]
            yield host, port
    finally:
        await runner.cleanup()


async def serve(checked: Checked, *, telemetry: Telemetry) -> None:
    """Serve until SIGTERM or SIGINT, then answer rejects for a moment, then stop; a second signal ends the moment.

    SIGHUP = read all files again.
    """
    raise_limit()
    stop, hurry, asked = asyncio.Event(), asyncio.Event(), asyncio.Event()

    def told() -> None:
        (hurry if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told)
    loop.add_signal_handler(signal.SIGHUP, asked.set)
    async with running(checked, telemetry=telemetry, asked=asked) as service:
        async with service.reloader.watching():
            await stop.wait()
        log.info("draining", extra={"seconds": DRAIN_SECONDS})
        service.gate.house = None
        with suppress(TimeoutError):
            await asyncio.wait_for(hurry.wait(), DRAIN_SECONDS)
    log.info("stopped")
