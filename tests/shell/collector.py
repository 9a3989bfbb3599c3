"""A collector that receives spans over OTLP/HTTP, decoded by OpenTelemetry's own protocol code."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector:
    """Receives spans. `octets` are all bodies as they came."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.octets = b""
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
        self.octets += await request.read()
        sent = ExportTraceServiceRequest.FromString(await request.read())
        for resource in sent.resource_spans:
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)
        return web.Response(body=b"", content_type="application/x-protobuf")


def attributes(span: Span) -> dict[str, str]:
    return {item.key: item.value.string_value for item in span.attributes}
