"""The queue in which spans wait for the collector, with nothing lost uncounted.

The SDK's queue drops its oldest span without a word when it is full, so it never is: as many as it holds are let in,
and whatever comes then is dropped here, and counted. What is handed to the exporter still counts as waiting until the
exporter has been called, so the two can never disagree to the other side.
"""

import os
import threading
from collections.abc import Sequence
from functools import cache

from opentelemetry.sdk.environment_variables import OTEL_BSP_MAX_QUEUE_SIZE
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from plugin.shell.metrics import Metrics

# What the SDK takes where its variable is absent or no number.
MOST_WAITING = 2048


class SpanQueue(SpanProcessor):
    """Hands spans over in batches, by the SDK's own thread, and counts what becomes of each."""

    def __init__(self, exporter: SpanExporter, *, metrics: Metrics) -> None:
        self._most = _most_waiting()
        self._fate = cache(metrics.spans.labels)
        self._waiting = 0
        self._lock = threading.Lock()
        self._batches = BatchSpanProcessor(_Counting(exporter, queue=self), max_queue_size=self._most)

    def on_end(self, span: ReadableSpan) -> None:
        self._fate("ended").inc()
        with self._lock:
            is_full = self._waiting >= self._most
            self._waiting += not is_full
        if is_full:
            self._fate("dropped").inc()
        else:
            self._batches.on_end(span)

    def shutdown(self) -> None:
        self._batches.shutdown()  # type: ignore[no-untyped-call] # it has no annotations

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._batches.force_flush(timeout_millis)

    def taken(self, spans: int) -> None:
        """Make room: so many spans do not wait any more."""
        with self._lock:
            self._waiting -= spans

    def ended(self, spans: int, result: SpanExportResult) -> None:
        """Count so many spans as taken by the collector, or as lost on the way to it."""
        self._fate("exported" if result is SpanExportResult.SUCCESS else "failed").inc(spans)


class _Counting(SpanExporter):
    """An exporter that tells a queue what it takes from it, and how that ends."""

    def __init__(self, exporter: SpanExporter, *, queue: SpanQueue) -> None:
        self._exporter = exporter
        self._queue = queue

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._queue.taken(len(spans))
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export(spans)
        finally:
            self._queue.ended(len(spans), result)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def _most_waiting() -> int:
    text = os.environ.get(OTEL_BSP_MAX_QUEUE_SIZE, "")
    return int(text) if text.isdecimal() and int(text) > 0 else MOST_WAITING
