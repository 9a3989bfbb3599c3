"""The spans of a join, as a real collector receives them over OTLP/HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.shell.world import opened

STEPS = {"vestibule.read", "vestibule.identity", "vestibule.device", "vestibule.judge", "vestibule.write"}


class Collector:
    """Receives spans."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.url = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Collector"]:
        app = web.Application()
        app.add_routes([web.post("/v1/traces", self._receive)])
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield self
        await runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        sent = ExportTraceServiceRequest.FromString(await request.read())
        for resource in sent.resource_spans:
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)
        return web.Response(body=b"", content_type="application/x-protobuf")


@pytest.fixture
async def spans(tmp_path: Path) -> list[Span]:
    """The spans of one allowed join and one denied one, after the service has stopped."""
    async with Collector().running() as collector:
        async with opened(tmp_path, telemetry=f'endpoint = "{collector.url}"') as world:
            device = world.authority.device("alice")
            token = world.token("alice")
            await world.join(await world.proofs("board", token=token, device=device))
            await world.service("board")
        await asyncio.to_thread(world.traces.shutdown)
        return collector.spans


def attributes(span: Span) -> dict[str, str]:
    return {item.key: item.value.string_value for item in span.attributes}


async def test_each_join_is_one_trace_with_a_span_for_each_step(spans: list[Span]) -> None:
    roots = [span for span in spans if span.name == "vestibule.join"]

    assert len(roots) == 2
    for root in roots:
        children = {span.name for span in spans if span.parent_span_id == root.span_id}
        assert children == STEPS


async def test_the_root_says_what_was_decided_and_why(spans: list[Span]) -> None:
    roots = [attributes(span) for span in spans if span.name == "vestibule.join"]

    assert [root["vestibule.outcome"] for root in roots] == ["allow", "deny"]
    assert all(root["vestibule.decision_id"].startswith("dec_") for root in roots)


async def test_a_deny_is_not_an_error(spans: list[Span]) -> None:
    assert all(span.status.code != Status.STATUS_CODE_ERROR for span in spans)


async def test_no_span_holds_personal_data(spans: list[Span]) -> None:
    text = " ".join(str(span) for span in spans)

    for secret in ("alice", "A Person", "192.0.2.7", "eyJ"):
        assert secret not in text
