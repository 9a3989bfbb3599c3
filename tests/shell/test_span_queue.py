"""No span is lost uncounted: what ended was exported, failed to be, was dropped, or waits."""

import threading
from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from plugin.shell.metrics import SPAN_FATES, Metrics
from plugin.shell.span_queue import MOST_WAITING, SpanQueue

MANY = 2 * MOST_WAITING


class Collector(SpanExporter):
    """Takes spans when it is let, and answers as it is told."""

    def __init__(self, answer: SpanExportResult | None = SpanExportResult.SUCCESS, *, is_open: bool = True) -> None:
        self.answer = answer
        self.received = 0
        self.is_busy = threading.Event()
        self.is_open = threading.Event()
        if is_open:
            self.is_open.set()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.is_busy.set()
        self.is_open.wait()
        if self.answer is None:
            raise ConnectionError
        self.received += len(spans)
        return self.answer

    def shutdown(self) -> None:
        pass


def fates(metrics: Metrics) -> dict[str, float]:
    return {
        fate: metrics.registry.get_sample_value("vestibule_spans_total", {"fate": fate}) or 0 for fate in SPAN_FATES
    }


def end_spans(provider: TracerProvider, *, count: int) -> None:
    tracer = provider.get_tracer("test")
    for _ in range(count):
        tracer.start_span("one").end()


def queue_to(collector: Collector) -> tuple[TracerProvider, Metrics]:
    metrics = Metrics()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SpanQueue(collector, metrics=metrics))
    return provider, metrics


def test_what_the_collector_takes_is_exported() -> None:
    collector = Collector()
    provider, metrics = queue_to(collector)

    end_spans(provider, count=10)
    provider.shutdown()

    assert fates(metrics) == {"ended": 10, "exported": 10, "failed": 0, "dropped": 0}


@pytest.mark.parametrize("answer", [SpanExportResult.FAILURE, None])
def test_what_the_collector_does_not_take_has_failed(answer: SpanExportResult | None) -> None:
    provider, metrics = queue_to(Collector(answer))

    end_spans(provider, count=10)
    provider.shutdown()

    assert fates(metrics) == {"ended": 10, "exported": 0, "failed": 10, "dropped": 0}


def test_while_the_collector_hangs_what_does_not_fit_is_dropped_and_the_rest_arrives_later() -> None:
    collector = Collector(is_open=False)
    provider, metrics = queue_to(collector)

    end_spans(provider, count=MANY)
    hanging = fates(metrics)
    collector.is_open.set()
    provider.shutdown()

    assert hanging["dropped"] >= MANY - MOST_WAITING - 512  # one batch is on its way
    assert hanging["ended"] == MANY
    after = fates(metrics)
    assert after["exported"] == collector.received == MANY - hanging["dropped"]
    assert after["failed"] == 0


def test_the_queue_has_the_size_that_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "10")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "5")
    collector = Collector(is_open=False)
    provider, metrics = queue_to(collector)

    end_spans(provider, count=5)
    assert collector.is_busy.wait(30)
    end_spans(provider, count=20)
    dropped = fates(metrics)["dropped"]
    collector.is_open.set()
    provider.shutdown()

    assert dropped == 10
    assert collector.received == 15
