"""The service: doors on a server that answers explicitly from the moment its port is open until it is closed."""

import asyncio
import logging
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial

from aiohttp import web

from plugin.core.reasons import Reason
from plugin.core.record import DecisionRecord
from plugin.core.registration import LeaveSignIn
from plugin.ports import Clock
from plugin.shell import openapi
from plugin.shell.check import Checked
from plugin.shell.gate import Gate
from plugin.shell.gauges import show_lanes
from plugin.shell.generic_door import GenericDoor
from plugin.shell.health import Health
from plugin.shell.http import MAX_BODY, ExplicitRunner, open_port
from plugin.shell.metering import measuring
from plugin.shell.metrics import UNREADABLE
from plugin.shell.metrics_listener import listening
from plugin.shell.pexip_door import PexipDoor
from plugin.shell.rate import RateLimit
from plugin.shell.strangers import raise_limit
from plugin.shell.telemetry import Telemetry
from plugin.shell.wiring import open_house, utc_now

log = logging.getLogger(__name__)

# How long a stopping service still answers, with rejects, so that balancers notice before the port is closed.
DRAIN_SECONDS = 3.0
# By then every answer is a reject that takes no time: who is still sending has had its answer's time already.
LAST_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service that is up. A port is the real one where the configuration says 0; `metrics_port` 0 = there is none."""

    gate: Gate
    port: int
    metrics_port: int


def build_app(checked: Checked, *, gate: Gate, health: Health) -> web.Application:
    """Make the application: the doors of this configuration."""
    metrics, config = health.metrics, checked.config
    app = web.Application(client_max_size=MAX_BODY, middlewares=[measuring(metrics)])
    limit = RateLimit(per_minute=config.requests_per_minute, monotonic=time.monotonic)
    app.add_routes([*openapi.routes(), *health.routes()])
    door = GenericDoor(
        config.callers,
        gate=gate,
        limit=limit,
        proxies=config.proxies,
        certifying=config.proxies if config.client_certificates else (),
    )
    app.add_routes(door.routes())
    show_lanes(metrics, door.lanes)
    if config.pexip:
        pexip_door = PexipDoor(config.pexip, gate=gate, proxies=config.proxies)
        app.add_routes(pexip_door.routes())
        show_lanes(metrics, pexip_door.lanes)
    return app


@asynccontextmanager
async def running(
    checked: Checked,
    *,
    telemetry: Telemetry,
    clock: Clock = utc_now,
    listeners: tuple[Callable[[DecisionRecord], None], ...] = (),
) -> AsyncIterator[Service]:
    """Run the service. The port is open, and rejects, before the house is; and it rejects until it is closed."""
    gate, config, metrics = Gate(refused=telemetry.metrics.refuse_at_once), checked.config, telemetry.metrics
    health = Health(gate=gate, metrics=metrics)
    app = build_app(checked, gate=gate, health=health)
    runner = ExplicitRunner(
        app,
        known=config.proxies + (config.pexip.sources if config.pexip else ()),
        tell_unread=partial(metrics.refused, UNREADABLE, Reason.REQUEST_MALFORMED.code),
        shutdown_timeout=LAST_SECONDS,
    )
    await runner.setup()
    watching = [asyncio.create_task(gate.pulse.beat()), asyncio.create_task(runner.sweep())]
    try:
        await open_port(runner, host=config.host, port=config.port)
        async with (
            listening(config.metrics, metrics=metrics, health=health) as metrics_port,
            open_house(checked, telemetry=telemetry, clock=clock, listeners=listeners) as house,
        ):
            gate.house = house
            host, port = runner.addresses[0][:2]
            _warn(checked)
            log.info("serving", extra={"host": host, "port": port, "bundle": checked.bundle.revision})
            try:
                yield Service(gate=gate, port=port, metrics_port=metrics_port)
            finally:
                gate.house = None
    finally:
        for task in watching:
            task.cancel()
        await asyncio.wait(watching)
        await runner.cleanup()


def _warn(checked: Checked) -> None:
    """Say at every start what an administrator has chosen against the safe default, and what time has run out for."""
    config = checked.config
    for text in checked.ends.expired:
        log.error("expired, devices that depend on it are refused", extra={"problem": text})
    for text in checked.ends.soon:
        log.warning("ends soon", extra={"problem": text})
    if config.pexip and config.pexip.settings.unsafe_leave_to_platform:
        patterns = list(config.pexip.settings.unsafe_leave_to_platform)
        log.warning("unsafe_leave_to_platform: the platform admits to these by itself", extra={"patterns": patterns})
    registrations = config.pexip.settings.registrations if config.pexip else ()
    left = [entry.place for entry in registrations if isinstance(entry.proof, LeaveSignIn)]
    if left:
        message = "unsafe_leave_to_platform: the platform registers these by itself"
        log.warning(message, extra={"registrations": left})


async def serve(checked: Checked, *, telemetry: Telemetry) -> None:
    """Serve until SIGTERM or SIGINT, then answer rejects for a moment, then stop; a second signal ends the moment."""
    raise_limit()
    stop, hurry = asyncio.Event(), asyncio.Event()

    def told() -> None:
        (hurry if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told)
    async with running(checked, telemetry=telemetry) as service:
        await stop.wait()
        log.info("draining", extra={"seconds": DRAIN_SECONDS})
        service.gate.house = None
        with suppress(TimeoutError):
            await asyncio.wait_for(hurry.wait(), DRAIN_SECONDS)
    log.info("stopped")
