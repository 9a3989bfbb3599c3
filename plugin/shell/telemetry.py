"""Where spans go: batched in memory, sent over OTLP/HTTP, dropped where nobody takes them.

Admission never waits for a collector. The queue is bounded, and what comes while it is full is dropped, and counted;
exporting is a daemon thread's; and stopping takes two seconds at most, whatever the collector does. The decision record
does not depend on any of it.

The SDK's environment variables hold with four exceptions, which are fixed here: every join is sampled
(`OTEL_TRACES_SAMPLER`), the service is called `vestibule` (`OTEL_SERVICE_NAME`), and where to send and for how long
to try come from the configuration (`OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_EXPORTER_OTLP_TIMEOUT`). So headers with an
API key (`OTEL_EXPORTER_OTLP_HEADERS`), certificates, resource attributes and batch sizes are set in the environment.
"""

import threading
from importlib.metadata import version

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Tracer

from plugin.shell.collector_line import collector_line
from plugin.shell.metrics import Metrics
from plugin.shell.span_queue import SpanQueue

SERVICE = "vestibule"
EXPORT_SECONDS = 5.0
SHUTDOWN_SECONDS = 2.0


class Telemetry:
    """A tracer and metrics of this service's own, and what it takes to stop. The process's globals are left alone."""

    def __init__(self, provider: TracerProvider, *, metrics: Metrics) -> None:
        self._provider = provider
        self.metrics = metrics
        self.tracer: Tracer = provider.get_tracer(SERVICE, version(SERVICE))

    def shutdown(self) -> None:
        """Send what is left, for two seconds at most. Blocks: call it when the event loop has ended, or in a thread."""
        # The SDK's own shutdown waits for the collector, up to half a minute. What it has not sent by then is lost.
        sending = threading.Thread(target=self._provider.shutdown, name="telemetry-shutdown", daemon=True)
        sending.start()
        sending.join(SHUTDOWN_SECONDS)


def start(endpoint: str | None, *, processors: tuple[SpanProcessor, ...] = ()) -> Telemetry:
    """Start tracing to `ENDPOINT/v1/traces`; without an endpoint spans have ids and go to the `processors` alone."""
    metrics = Metrics()
    resource = Resource.create({"service.name": SERVICE, "service.version": version(SERVICE)})
    # The SDK would wait at exit, in a hook of its own, for a collector that does not answer.
    provider = TracerProvider(sampler=ALWAYS_ON, resource=resource, shutdown_on_exit=False)
    for processor in processors:
        provider.add_span_processor(processor)
    if endpoint:
        exporter = exporter_to(endpoint, seconds=EXPORT_SECONDS)
        provider.add_span_processor(SpanQueue(exporter, metrics=metrics))
    return Telemetry(provider, metrics=metrics)


def exporter_to(endpoint: str, *, seconds: float) -> OTLPSpanExporter:
    """Make what sends spans to `ENDPOINT/v1/traces`, and tries each batch for so long."""
    return OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=seconds, session=collector_line())
