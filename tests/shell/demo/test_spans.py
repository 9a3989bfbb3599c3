"""The steps of exchanges that ended with a ticket, as their spans tell them."""

from collections.abc import Iterator
from itertools import count

import pytest
from opentelemetry.sdk.trace import TracerProvider

from plugin.core.record import Step
from plugin.flow import tracing
from plugin.flow.tracer import Tracing
from plugin.flow.tracing import Steps
from plugin.shell.demo.spans import KEPT, TicketSpans

SINCE = 1_780_000_000_000_000_000


@pytest.fixture
def spans() -> TicketSpans:
    return TicketSpans()


@pytest.fixture
def traced(spans: TicketSpans) -> Iterator[Tracing]:
    """A tracing whose every look at the clock is a quarter of a second after the last."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(spans)
    ticks = (tick / 4 for tick in count())
    yield Tracing(provider.get_tracer("test"), monotonic=lambda: next(ticks), epoch=lambda: SINCE)
    provider.shutdown()


def exchange(traced: Tracing, *, ends: str, parent: str | None = None) -> Steps:
    with traced.join(parent=parent, since=SINCE) as steps, steps.step(tracing.WRITE) as step:
        step.outcome(ends)
    return steps


def test_an_exchange_that_ended_with_a_ticket_has_the_steps_that_a_record_would_have(
    traced: Tracing, spans: TicketSpans
) -> None:
    steps = exchange(traced, ends=tracing.TICKET)

    assert spans.steps(steps.trace_id) == steps.taken
    assert spans.steps(steps.trace_id)[-1] == Step(name="write", outcome="ticket", began=250, milliseconds=250)


def test_a_question_that_continues_the_trace_adds_nothing_to_the_exchange(traced: Tracing, spans: TicketSpans) -> None:
    first = exchange(traced, ends=tracing.TICKET)

    exchange(traced, ends=tracing.ALLOW, parent=first.traceparent)

    assert spans.steps(first.trace_id) == first.taken


def test_an_exchange_that_ended_without_a_ticket_is_left_to_its_record(traced: Tracing, spans: TicketSpans) -> None:
    steps = exchange(traced, ends=tracing.DENY)

    assert spans.steps(steps.trace_id) == ()


def test_the_oldest_exchanges_are_forgotten(traced: Tracing, spans: TicketSpans) -> None:
    ids = [exchange(traced, ends=tracing.TICKET).trace_id for _ in range(KEPT + 1)]

    assert [bool(spans.steps(trace_id)) for trace_id in ids] == [False, *[True] * KEPT]
