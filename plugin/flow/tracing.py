"""The trace of a join: the names of its spans and attributes, and the one way to take a step (`tracer` begins it).

A step is measured once, for the span and for the decision record, so the two cannot disagree. A deny is not an
error, and neither is a refused proof; a step is one when something could not be looked at, or broke.

Nothing that names a person reaches a span: attributes come from verified values, closed lists and the decision record,
whose people and devices are keyed pseudonyms. The one text of a caller's is the canonical alias that was asked for. An
exception leaves its kind behind, never its text.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from opentelemetry.context import Context
from opentelemetry.trace import (
    Span,
    Status,
    StatusCode,
    Tracer,
    format_trace_id,
    set_span_in_context,
)

from plugin.core.decision import Allow, Decision, Deny, Redirect
from plugin.core.device import AttestationResult
from plugin.core.errors import Refused, Unavailable
from plugin.core.finding import Finding, Gap, Proven, Unproven
from plugin.core.identity import Identity
from plugin.core.record import DecisionRecord, Step
from plugin.flow.trace_context import write_traceparent

JOIN = "vestibule.join"
REGISTRATION = "vestibule.registration"
READ = "read"
IDENTITY = "identity"
DEVICE = "device"
JUDGE = "judge"
SHADOW = "shadow"
WRITE = "write"
"""The steps. Each has a span `vestibule.STEP`, a child of its question's."""

ALLOW = "allow"
REDIRECT = "redirect"
DENY = "deny"
TICKET = "ticket"
PROVEN = "proven"
REFUSED = Gap.REFUSED.value
UNAVAILABLE = Gap.UNAVAILABLE.value
DONE = "done"
FAILED = "failed"

DECISION_ID = "vestibule.decision_id"
OUTCOME = "vestibule.outcome"
REASON = "vestibule.reason"
REASONS = "vestibule.reasons"
ZONE = "vestibule.zone"
PLATFORM = "vestibule.platform"
PHASE = "vestibule.phase"
CONFERENCE = "vestibule.conference"
JOIN_KEY = "vestibule.join_key"
TRANSFERRED = "vestibule.transferred"
CREDENTIAL = "vestibule.caller.credential"
BUNDLE_REVISION = "vestibule.bundle.revision"
POLICIES = "vestibule.policies"
FINDING = "vestibule.finding"
FINDING_REASON = "vestibule.finding.reason"
IDP_ISSUER = "vestibule.idp.issuer"
DEVICE_FORMAT = "vestibule.device.format"
DEVICE_DAYS_LEFT = "vestibule.device.days_left"
PRINCIPAL = "vestibule.principal"
TRUNK = "vestibule.trunk"
FAR_END = "vestibule.far_end"
HOST_NOTICE = "vestibule.host_notice"
PERSON = "enduser.pseudo.id"
DEVICE_ID = "vestibule.device.pseudo.id"

LINK = "vestibule.link"
EARLIER = "earlier-question"
CALLER = "caller"
"""Why a span is linked to another one."""

MAX_TEXT = 256
MAX_ITEMS = 16

Now = Callable[[], int]
"""Nanoseconds since 1970, counted on from the moment at which a question had been read."""


def outcome(decision: Decision) -> str:
    """Return the decision in one word."""
    match decision:
        case Allow():
            return ALLOW
        case Redirect():
            return REDIRECT
        case Deny():
            return DENY


class Steps:
    """The steps of one question, which began at `since`, for its spans and for its record."""

    def __init__(self, root: Span, *, tracer: Tracer, since: int, now: Now) -> None:
        self._root = root
        self._within = set_span_in_context(root, Context())
        self._tracer = tracer
        self._since = since
        self._now = now
        self._taken: list[Step] = []

    @property
    def taken(self) -> tuple[Step, ...]:
        """The steps that have ended, in that order."""
        return tuple(self._taken)

    @property
    def trace_id(self) -> str:
        """32 hexadecimal digits."""
        return format_trace_id(self._root.get_span_context().trace_id)

    @property
    def traceparent(self) -> str:
        """What a later question of the same join continues the trace by (W3C Trace Context 3.2)."""
        return write_traceparent(self._root.get_span_context())

    def add_read(self, *, until: int) -> None:
        """Add the one step that is over before its trace is known."""
        self._start(READ, at=self._since).end(until)
        self._take(READ, outcome=DONE, began=self._since, ended=until)

    @contextmanager
    def step(self, name: str) -> Iterator["OpenSpan"]:
        """Take a step: its span, and its entry in the record, begin and end with the block."""
        began = self._now()
        span = OpenSpan(self._start(name, at=began), now=self._now)
        try:
            with span:
                yield span
        finally:
            self._take(name, outcome=span.word, began=began, ended=span.ended)

    def describe(self, record: DecisionRecord) -> None:
        """Say on the root span what was decided and why."""
        codes = [mark.code for mark in record.reasons]
        attributes = {
            DECISION_ID: record.decision_id,
            OUTCOME: record.outcome,
            REASON: codes[0] if codes else "",
            REASONS: codes,
            ZONE: record.zone or "",
            PLATFORM: record.platform,
            PHASE: record.phase,
            CONFERENCE: record.conference,
            BUNDLE_REVISION: record.bundle,
            POLICIES: [policy for mark in record.reasons for policy in mark.policies],
            PRINCIPAL: record.principal,
            TRUNK: record.trunk,
            FAR_END: record.far_end,
            HOST_NOTICE: record.host_notice,
            PERSON: record.person,
            DEVICE_ID: record.device,
        }
        describe(self._root, attributes)

    def _start(self, name: str, *, at: int) -> Span:
        return self._tracer.start_span(f"vestibule.{name}", context=self._within, start_time=at)

    def _take(self, name: str, *, outcome: str, began: int, ended: int) -> None:
        since, took = (began - self._since) / 1e6, (ended - began) / 1e6
        self._taken.append(Step(name=name, outcome=outcome, began=since, milliseconds=took))


class OpenSpan:
    """A span that ends with its block. `word` is how it went, and `ended` when, once it has."""

    def __init__(self, span: Span, *, now: Now) -> None:
        self._span = span
        self._now = now
        self.word = DONE
        self.ended = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        match error:
            case None:
                pass
            case Refused():
                self.word = REFUSED
            case Unavailable():
                self._fail(UNAVAILABLE, why=error.reason.code)
            case _:
                self._fail(FAILED, why=type(error).__name__)
        self.ended = self._now()
        self._span.end(self.ended)

    def outcome(self, word: str) -> None:
        """Say how the step went, in a word from the list above."""
        self.word = word
        describe(self._span, {OUTCOME: word})

    def finding(self, finding: Finding[Identity] | Finding[AttestationResult]) -> None:
        """Say what was found. Issuer and format are told once they are proven; before, they are a caller's text."""
        match finding:
            case Proven(value=Identity() as identity):
                self.word = PROVEN
                describe(self._span, {FINDING: PROVEN, IDP_ISSUER: identity.issuer})
            case Proven(value=AttestationResult() as device):
                self.word = PROVEN
                describe(self._span, {FINDING: PROVEN, DEVICE_FORMAT: device.format})
            case Unproven(gap=gap, reason=reason):
                self.word = gap.value
                describe(self._span, {FINDING: gap.value, FINDING_REASON: reason.code})
                if gap is Gap.UNAVAILABLE:
                    self._fail(UNAVAILABLE, why=reason.code)

    def days_left(self, days: int) -> None:
        """Say that the device's certificate ends soon."""
        self._span.set_attribute(DEVICE_DAYS_LEFT, days)

    def _fail(self, word: str, *, why: str) -> None:
        self.word = word
        self._span.set_status(Status(StatusCode.ERROR, why))


def describe(span: Span, attributes: Mapping[str, str | Sequence[str]]) -> None:
    """Set what there is to say, each text and list bounded."""
    said = {name: _bounded(value) for name, value in attributes.items() if value}
    if said:
        span.set_attributes(said)


def _bounded(value: str | Sequence[str]) -> str | list[str]:
    if isinstance(value, str):
        return value[:MAX_TEXT]
    return [text[:MAX_TEXT] for text in value[:MAX_ITEMS]]
