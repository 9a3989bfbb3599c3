"""The running service, as it says of itself where it is scraped, and whether its collector takes what it sends."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator

from aiohttp import ClientError, ClientSession, ClientTimeout
from opentelemetry.sdk.trace.export import SpanExportResult

from plugin.shell.check import Checked
from plugin.shell.config_listeners import MetricsEntry
from plugin.shell.doctor.report import Level, Line
from plugin.shell.telemetry import exporter_to

SECONDS = 2.0
SERVICE, COLLECTOR = "running service", "collector"
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - listened at, and asked where this machine is
_BUNDLE = re.compile(r'^vestibule_bundle_info\{revision="([0-9a-f]+)"\} 1', re.MULTILINE)


async def examine(checked: Checked) -> AsyncIterator[Line]:
    """Ask the service that runs by this configuration, and its collector."""
    config = checked.config
    if config.metrics and config.metrics.port:
        for line in await _service(_url(config.metrics), revision=checked.bundle.revision):
            yield line
    if config.telemetry_endpoint:
        yield await asyncio.to_thread(_collector, config.telemetry_endpoint)


def _url(entry: MetricsEntry) -> str:
    host = EVERYWHERE.get(entry.host, entry.host)
    return f"http://[{host}]:{entry.port}" if ":" in host else f"http://{host}:{entry.port}"


async def _service(url: str, *, revision: str) -> tuple[Line, ...]:
    try:
        async with ClientSession(timeout=ClientTimeout(total=SECONDS)) as session:
            async with session.get(f"{url}/readyz", allow_redirects=False) as response:
                said = json.loads(await response.text())
            async with session.get(f"{url}/metrics", allow_redirects=False) as response:
                asked = _BUNDLE.search(await response.text())
        return tuple(_standing(said, asked=asked.group(1) if asked else "none", revision=revision))
    except (ClientError, TimeoutError, ValueError, AttributeError) as error:
        found = f"no service answers at {url}: {type(error).__name__}"
        advice = "start it, or see its log; it may have been started with another `[metrics] listen`"
        return (Line(level=Level.WARNING, subject=SERVICE, found=found, advice=advice),)


def _standing(said: dict[str, object], *, asked: str, revision: str) -> Iterator[Line]:
    checks = said.get("checks")
    failing = [name for name, state in checks.items() if state != "ok"] if isinstance(checks, dict) else ["checks"]
    if said.get("ready") is not True:
        found = f"not ready: {', '.join(failing) or 'it does not say why'}"
        advice = "everybody is refused: see its log, which says what fails and what to do"
        yield Line(level=Level.FAULT, subject=SERVICE, found=found, advice=advice)
    elif said.get("configuration") != "current":
        found = "ready, but it has refused the changed configuration, and the one before goes on deciding"
        advice = "its log names each problem; mend the files, or restart where it says so"
        yield Line(level=Level.FAULT, subject=SERVICE, found=found, advice=advice)
    elif asked != revision:
        found = f"ready, but it asks bundle {asked[:12]}, and the files hold {revision[:12]}"
        advice = "it follows its files within seconds; where it stays so, `systemctl reload vestibule` and see its log"
        yield Line(level=Level.WARNING, subject=SERVICE, found=found, advice=advice)
    else:
        yield Line(level=Level.OK, subject=SERVICE, found=f"ready, asks bundle {asked[:12]}")


def _collector(endpoint: str) -> Line:
    """Send no span as `serve` sends them, with the headers and certificates of the environment."""
    exporter = exporter_to(endpoint, seconds=SECONDS)
    try:
        taken = exporter.export([]) is SpanExportResult.SUCCESS
    finally:
        exporter.shutdown()  # type: ignore[no-untyped-call] # it has no annotations
    if taken:
        return Line(level=Level.OK, subject=COLLECTOR, found=f"{endpoint} takes spans")
    advice = "decisions and records do not depend on it, traces do: see that it listens, its certificate, and"
    advice += " `OTEL_EXPORTER_OTLP_HEADERS`"
    return Line(level=Level.WARNING, subject=COLLECTOR, found=f"{endpoint} takes no spans", advice=advice)
