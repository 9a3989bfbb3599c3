"""`vestibule demo`: the whole service on loopback, with people who join it.

Nothing is shown that did not happen: the service is the real one, from a configuration file like any other, and
everybody reaches it over HTTP. It must never touch a production configuration or listen beyond this machine.
"""

import argparse
import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from secrets import token_urlsafe
from tempfile import TemporaryDirectory

from aiohttp import ClientSession, web

from plugin.ports import Clock
from plugin.shell import telemetry
from plugin.shell.app import running
from plugin.shell.check import check
from plugin.shell.config import Config
from plugin.shell.demo.accounts import Client
from plugin.shell.demo.cast import ORGS, make_cast
from plugin.shell.demo.clock import DemoClock
from plugin.shell.demo.feed import Feed
from plugin.shell.demo.live_page import LivePage
from plugin.shell.demo.node import Node
from plugin.shell.demo.provider import Provider
from plugin.shell.demo.settings import write_settings
from plugin.shell.demo.spans import TicketSpans
from plugin.shell.demo.stage import Stage
from plugin.shell.demo.terminal import fates, welcome
from plugin.shell.wiring import utc_now

LOOPBACK = "127.0.0.1"
MAX_PORT = 65535
CLIENT_ID = "vestibule"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `vestibule demo`."""
    parser.add_argument("--port", type=_port_number, default=8080, help="of the live page; default: %(default)s")
    parser.add_argument("--once", action="store_true", help="play once; exit 0 if all went as expected, else 1")


def main(options: argparse.Namespace) -> int:
    """Run the demo until Ctrl-C, or once."""
    production = _production()
    if production:
        sys.stderr.write(f"the demo does not run beside a production configuration: {production}\n")
        return 1
    with TemporaryDirectory(prefix="vestibule-demo-") as folder:
        return asyncio.run(run(Path(folder), port=options.port, once=options.once))


async def run(folder: Path, *, port: int, once: bool) -> int:
    """Start everything, play, and stay until stopped. `folder` is empty, and is written to."""
    clock = DemoClock(utc_now)
    spans = TicketSpans()
    feed = Feed(clock, ticket_steps=spans.steps)
    _say(welcome())
    page_address = _listen(port)
    client = Client(client_id=CLIENT_ID, redirect_uri=f"{_url(page_address)}/signed-in")
    async with _stage(folder, feed=feed, client=client, clock=clock, spans=spans) as (stage, config):
        page = LivePage(feed, zones=config.zones, port=_port(page_address), players=stage)
        async with _site(page.app(), page_address):
            joins = await stage.play(pause=0)
            _say(fates(joins))
            if once:
                return 0 if all(join.is_as_expected for join in joins) else 1
            if config.metrics:
                _say(f"  Its metrics are at http://{config.metrics.host}:{config.metrics.port}/metrics")
            _say(f"  Watch it at {_url(page_address)}/ and press Ctrl-C to end it.\n")
            await _stopped()
    return 0


@asynccontextmanager
async def _stage(
    folder: Path, *, feed: Feed, client: Client, clock: DemoClock, spans: TicketSpans
) -> AsyncIterator[tuple[Stage, Config]]:
    """Run everything that the players meet: their providers, the service, and a conferencing node that asks it."""
    cast = make_cast(clock())
    providers = {}
    async with AsyncExitStack() as stack:
        for org in ORGS:
            address = _listen(0)
            accounts = cast.accounts_of(org)
            providers[org] = Provider(issuer=_url(address), client=client, accounts=accounts, clock=clock)
            await stack.enter_async_context(_site(providers[org].app(), address))
        issuers = {org: provider.issuer for org, provider in providers.items()}
        password = token_urlsafe(24)
        file = write_settings(
            folder,
            port=_free_port(),
            metrics_port=_free_port(),
            issuers=issuers,
            client_id=CLIENT_ID,
            cast=cast,
            pexip_password=password,
        )
        config = await stack.enter_async_context(_service(file, feed=feed, clock=clock, spans=spans))
        http = await stack.enter_async_context(ClientSession())
        node = Node(http=http, policy_url=config.public_url, username="pexip", password=password)
        stage = Stage(
            feed=feed,
            service=config.public_url,
            node=node,
            client=client,
            providers=providers,
            cast=cast,
            clock=clock,
        )
        yield stage, config


@asynccontextmanager
async def _service(file: Path, *, feed: Feed, clock: Clock, spans: TicketSpans) -> AsyncIterator[Config]:
    """Run the real service from its configuration file, and yield what was read."""
    checked = check(file)
    traces = telemetry.start(checked.config.telemetry_endpoint, processors=(spans,))
    try:
        async with running(checked, telemetry=traces, clock=clock, listeners=(feed.record,)):
            yield checked.config
    finally:
        traces.shutdown()


@asynccontextmanager
async def _site(app: web.Application, address: socket.socket) -> AsyncIterator[None]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.SockSite(runner, address).start()
        yield
    finally:
        await runner.cleanup()


def _port_number(text: str) -> int:
    if not text.isdecimal() or int(text) > MAX_PORT:
        raise argparse.ArgumentTypeError(f"got `{text}`, expected a number up to {MAX_PORT}")
    return int(text)


def _listen(port: int) -> socket.socket:
    """Take a port of this machine alone, another one where it is not free."""
    try:
        return socket.create_server((LOOPBACK, port))
    except OSError:
        _say(f"  Port {port} is not free, so another one is used.\n")
        return socket.create_server((LOOPBACK, 0))


def _free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as probe:
        return _port(probe)


def _port(address: socket.socket) -> int:
    port: int = address.getsockname()[1]
    return port


def _url(address: socket.socket) -> str:
    return f"http://{LOOPBACK}:{_port(address)}"


def _production() -> str:
    """Say what looks like a production configuration, if anything does."""
    if "VESTIBULE_CONFIG" in os.environ:
        return "the variable VESTIBULE_CONFIG is set"
    if Path("vestibule.toml").exists():
        return "this folder has a `vestibule.toml`"
    return ""


async def _stopped() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
