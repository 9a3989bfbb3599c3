"""Where traces meet: W3C's `traceparent` in and out, and the questions that may belong to one join.

A context says which trace a span is in and nothing else. It is read by `tracer` alone and must never decide anything:
whoever shares an address and a name with somebody else is linked to that person's questions, and gains nothing by it.
`tracestate` and baggage are never taken over.
"""

import re
from collections.abc import Callable

from cachetools import TTLCache
from opentelemetry.context import Context
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    format_span_id,
    format_trace_id,
    set_span_in_context,
)

EARLIER_SECONDS = 120
# Keys that are remembered at once; the oldest fall out first, so that nobody fills the memory by asking.
MAX_KEYS = 10_000
MAX_EARLIER = 8

# W3C Trace Context 3.2, version 00. A version that is not known is no trace of ours to continue.
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


def read_traceparent(text: str | None) -> SpanContext | None:
    """Read another span's context; None where there is none, or none that is valid.

    The sampled flag does not matter: every join is traced, whatever the other side does with its own spans.
    """
    ids = _TRACEPARENT.fullmatch(text or "")
    if ids is None:
        return None
    flags = TraceFlags(TraceFlags.SAMPLED)
    context = SpanContext(int(ids[1], 16), int(ids[2], 16), is_remote=True, trace_flags=flags)
    return context if context.is_valid else None


def write_traceparent(context: SpanContext) -> str:
    """Say a context, so that somebody else can continue its trace."""
    return f"00-{format_trace_id(context.trace_id)}-{format_span_id(context.span_id)}-01"


def under(parent: SpanContext | None) -> Context:
    """Return what a span is started in: below that parent, or at the beginning of a trace."""
    return set_span_in_context(NonRecordingSpan(parent), Context()) if parent else Context()


class EarlierQuestions:
    """The last questions under each join key, forgotten two minutes after the latest of them."""

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._contexts: TTLCache[str, tuple[SpanContext, ...]] = TTLCache(
            MAX_KEYS, ttl=EARLIER_SECONDS, timer=monotonic
        )

    def under(self, join_key: str) -> tuple[SpanContext, ...]:
        """Return the contexts of earlier questions under this key, oldest first. An empty key is nobody's."""
        return self._contexts.get(join_key, ())

    def add(self, context: SpanContext, *, join_key: str) -> None:
        """Remember one more question."""
        if join_key:
            self._contexts[join_key] = (*self.under(join_key), context)[-MAX_EARLIER:]
