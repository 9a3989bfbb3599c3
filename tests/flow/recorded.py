"""Spans that can be looked at, and values to put into them."""

from datetime import UTC, datetime
from itertools import count

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from plugin.core.device import AttestationResult, Tier
from plugin.core.identity import Identity, Level
from plugin.core.record import DecisionRecord, Mark
from plugin.flow.budget import Budget
from plugin.flow.tracer import Tracing

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
SINCE = 1_780_000_000_000_000_000
MILLISECOND = 1_000_000
BUDGET = Budget(since=SINCE, began=0.0, monotonic=lambda: 0.0)
IDENTITY = Identity(
    issuer="https://sso.example.com",
    subject="alice",
    org="acme",
    groups=None,
    level=Level.SIGNED_IN,
    acr=None,
    amr=(),
    auth_time=None,
    session_id=None,
    nonce=None,
    issued_at=NOON,
    expires_at=NOON,
)
DEVICE = AttestationResult(
    device_id="x509:00",
    format="x509",
    tier=Tier.AFFIRMING,
    bound=True,
    managed=True,
    owner="https://sso.example.com#alice",
    appraised_by="devices",
    expires_at=NOON,
)
RECORD = DecisionRecord(
    decision_id="dec_1",
    decided_at=NOON,
    platform="pexip",
    phase="room",
    conference="board",
    outcome="redirect",
    zone="meetme",
    capabilities=("present",),
    reasons=(
        Mark(code="inner-zone-refused", message="A sentence.", policies=("managed a.cedar:1",), detail="a detail"),
        Mark(code="no-permit", message="Another.", policies=(), detail=""),
    ),
    remedy=None,
    person="0a1b",
    device="",
    bundle="5f5e",
    trace_id="",
    steps=(),
)


class Recorded:
    """A tracing whose spans can be looked at. Each look at the clock is half a second after the last."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        ticks = (tick / 2 for tick in count())
        self.tracing = Tracing(
            self.provider.get_tracer("test"), monotonic=lambda: next(ticks), epoch=lambda: SINCE + 3 * MILLISECOND
        )

    def __getitem__(self, name: str) -> ReadableSpan:
        (span,) = [span for span in self._exporter.get_finished_spans() if span.name == name]
        return span

    @property
    def all(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()
