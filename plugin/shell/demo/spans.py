"""Hears the spans of questions that leave no decision record behind: those that a ticket was issued for.

It keeps what the spans say of the steps, by trace, for the page to show. It takes no part in any decision.
"""

from collections.abc import Mapping

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.util.types import AttributeValue

from plugin.core.record import Step
from plugin.flow import tracing

KEPT = 60
PREFIX = "vestibule."


class TicketSpans(SpanProcessor):
    """The steps of exchanges that ended with a ticket; the oldest fall out."""

    def __init__(self) -> None:
        self._open: dict[int, list[ReadableSpan]] = {}
        self._steps: dict[int, tuple[Step, ...]] = {}

    def steps(self, trace_id: str) -> tuple[Step, ...]:
        """Return the steps of the exchange that the trace began with, none where there was no such exchange."""
        return self._steps.get(int(trace_id, 16), ())

    def on_end(self, span: ReadableSpan) -> None:
        """Keep a step until its question has ended. The SDK calls this in the thread that ended the span."""
        if span.parent is not None and span.name != tracing.JOIN:
            self._open.setdefault(span.parent.span_id, []).append(span)
            return
        steps = self._open.pop(span.context.span_id, [])
        taken = tuple(_step(step, since=span.start_time or 0) for step in steps)
        if any(step.outcome == tracing.TICKET for step in taken):
            self._steps[span.context.trace_id] = taken
        while len(self._steps) > KEPT:
            del self._steps[next(iter(self._steps))]


def _step(span: ReadableSpan, *, since: int) -> Step:
    began, ended = span.start_time or since, span.end_time or since
    return Step(
        name=span.name.removeprefix(PREFIX),
        outcome=_word(span.attributes or {}),
        began=(began - since) / 1e6,
        milliseconds=(ended - began) / 1e6,
    )


def _word(attributes: Mapping[str, AttributeValue]) -> str:
    return str(attributes.get(tracing.OUTCOME) or attributes.get(tracing.FINDING) or tracing.DONE)
