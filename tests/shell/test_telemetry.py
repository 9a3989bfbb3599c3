"""Spans at a real OTLP/HTTP receiver, and a service that stops in time when there is none."""

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.metadata import version
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from plugin.flow import tracing
from plugin.flow.tracer import Tracing
from plugin.shell.telemetry import Telemetry, start

REPOSITORY = Path(__file__).resolve().parents[2]
# Far above the two seconds that stopping may take: what hangs takes half a minute or for ever.
HANG_GUARD = 5.0
MORE_THAN_THE_QUEUE_HOLDS = 5000

STOPS = f"""
import sys, time
from plugin.flow.tracer import Tracing
from plugin.shell.telemetry import start

telemetry = start(sys.argv[1])
tracing = Tracing(telemetry.tracer, monotonic=time.perf_counter)
for _ in range({MORE_THAN_THE_QUEUE_HOLDS}):
    with tracing.join(parent=None, since=time.time_ns()):
        pass
print("stopping", flush=True)
if sys.argv[2] == "in order":
    telemetry.shutdown()
"""


class Collector:
    """What an OTLP/HTTP collector has received."""

    def __init__(self) -> None:
        self.resources: list[ResourceSpans] = []
        self.headers: list[dict[str, str]] = []

    async def receive(self, request: web.Request) -> web.Response:
        self.headers.append(dict(request.headers))
        self.resources += ExportTraceServiceRequest.FromString(await request.read()).resource_spans
        return web.Response(content_type="application/x-protobuf")

    @property
    def spans(self) -> dict[str, Span]:
        return {
            span.name: span for resource in self.resources for scope in resource.scope_spans for span in scope.spans
        }


@pytest.fixture
def collector() -> Collector:
    return Collector()


@pytest_asyncio.fixture
async def endpoint(collector: Collector) -> AsyncIterator[str]:
    app = web.Application()
    app.add_routes([web.post("/v1/traces", collector.receive)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@contextmanager
def dead() -> Iterator[str]:
    """Refuse every connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    yield f"http://127.0.0.1:{port}"


@contextmanager
def deaf() -> Iterator[str]:
    """Let everybody connect, and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def trace_a_join(telemetry: Telemetry) -> str:
    joins = Tracing(telemetry.tracer, monotonic=time.perf_counter)
    with joins.join(parent=None, since=time.time_ns()) as steps:
        for name in (tracing.IDENTITY, tracing.DEVICE, tracing.JUDGE, tracing.WRITE):
            with steps.step(name):
                pass
    return steps.trace_id


async def test_the_whole_tree_of_a_join_arrives(collector: Collector, endpoint: str) -> None:
    telemetry = start(endpoint)

    trace_id = trace_a_join(telemetry)
    await asyncio.to_thread(telemetry.shutdown)

    spans = collector.spans
    root = spans.pop("vestibule.join")
    assert (root.kind, root.parent_span_id) == (Span.SPAN_KIND_SERVER, b"")
    assert set(spans) == {f"vestibule.{name}" for name in ("read", "identity", "device", "judge", "write")}
    assert {span.parent_span_id for span in spans.values()} == {root.span_id}
    assert {span.trace_id.hex() for span in (root, *spans.values())} == {trace_id}


async def test_the_service_names_itself_whatever_the_environment_says(
    collector: Collector, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "another")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    telemetry = start(endpoint)

    trace_a_join(telemetry)
    await asyncio.to_thread(telemetry.shutdown)

    resource = {item.key: item.value.string_value for item in collector.resources[0].resource.attributes}
    assert resource["service.name"] == "vestibule"
    assert resource["service.version"] == version("vestibule")
    assert resource["deployment.environment.name"] == "test"


async def test_every_join_is_sampled_whatever_the_environment_says(
    collector: Collector, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    telemetry = start(endpoint)

    trace_a_join(telemetry)
    await asyncio.to_thread(telemetry.shutdown)

    assert "vestibule.join" in collector.spans


async def test_headers_for_the_collector_come_from_the_environment(
    collector: Collector, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=secret")
    telemetry = start(endpoint)

    trace_a_join(telemetry)
    await asyncio.to_thread(telemetry.shutdown)

    assert collector.headers[0]["x-api-key"] == "secret"


async def test_without_an_endpoint_spans_have_ids_and_go_nowhere(
    collector: Collector, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    telemetry = start(None)

    trace_id = trace_a_join(telemetry)
    await asyncio.to_thread(telemetry.shutdown)

    assert int(trace_id, 16) > 0
    assert collector.resources == []


@pytest.mark.parametrize("outage", [dead, deaf])
@pytest.mark.parametrize("end", ["in order", "at once"])
def test_an_outage_of_the_collector_keeps_neither_a_join_nor_the_end_of_the_service_waiting(
    outage: Callable[[], AbstractContextManager[str]], end: str
) -> None:
    with (
        outage() as endpoint,
        subprocess.Popen(
            [sys.executable, "-c", STOPS, endpoint, end],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        assert process.stdout.readline() == "stopping\n"

        try:
            assert process.wait(timeout=HANG_GUARD) == 0
        finally:
            process.kill()
