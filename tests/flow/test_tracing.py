"""The spans of a join and the steps of its record: one code path, no error where there is none, nothing personal."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.trace import NoOpTracer, SpanKind, StatusCode

from plugin.core.decision import Allow, Decision, Deny, Redirect
from plugin.core.device import AttestationResult
from plugin.core.errors import Refused, Unavailable
from plugin.core.finding import ABSENT, Finding, Gap, Proven, Unproven
from plugin.core.identity import Identity
from plugin.core.reasons import Reason
from plugin.core.record import Mark, Step
from plugin.flow import tracing
from plugin.flow.tracer import Tracing
from plugin.flow.tracing import MAX_ITEMS, MAX_TEXT
from tests.flow.recorded import DEVICE, IDENTITY, MILLISECOND, RECORD, SINCE, Recorded


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    everything = Recorded()
    yield everything
    everything.provider.shutdown()


def test_every_step_is_a_child_of_the_join(recorded: Recorded) -> None:
    with recorded.tracing.join(parent=None, since=SINCE) as steps:
        for name in (tracing.IDENTITY, tracing.DEVICE, tracing.JUDGE, tracing.WRITE):
            with steps.step(name):
                pass

    root = recorded["vestibule.join"]
    assert (root.kind, root.parent) == (SpanKind.SERVER, None)
    children = [span.name for span in recorded.all if span.parent == root.context]
    assert children == [f"vestibule.{name}" for name in ("read", "identity", "device", "judge", "write")]


def test_the_days_that_a_device_has_left_are_told_on_its_step(recorded: Recorded) -> None:
    with recorded.tracing.join(parent=None, since=SINCE) as steps, steps.step(tracing.DEVICE) as step:
        step.days_left(9)

    attributes = recorded["vestibule.device"].attributes
    assert attributes is not None
    assert attributes[tracing.DEVICE_DAYS_LEFT] == 9


def test_the_reading_began_before_the_trace_did(recorded: Recorded) -> None:
    with recorded.tracing.join(parent=None, since=SINCE):
        pass

    reading = recorded["vestibule.read"]
    assert recorded["vestibule.join"].start_time == SINCE
    assert (reading.start_time, reading.end_time) == (SINCE, SINCE + 3 * MILLISECOND)


def test_the_record_has_the_same_steps_with_their_times(recorded: Recorded) -> None:
    with recorded.tracing.join(parent=None, since=SINCE) as steps:
        with steps.step(tracing.IDENTITY) as step:
            step.finding(ABSENT)
        with steps.step(tracing.JUDGE) as step:
            step.outcome(tracing.DENY)

    assert steps.taken == (
        Step(name="read", outcome="done", began=0, milliseconds=3),
        Step(name="identity", outcome="absent", began=503, milliseconds=500),
        Step(name="judge", outcome="deny", began=1503, milliseconds=500),
    )


def test_spans_and_record_have_the_same_times(recorded: Recorded) -> None:
    with recorded.tracing.join(parent=None, since=SINCE) as steps, steps.step(tracing.JUDGE):
        pass

    for step, span in zip(steps.taken, (recorded["vestibule.read"], recorded["vestibule.judge"]), strict=True):
        assert span.start_time == SINCE + int(step.began * MILLISECOND)
        assert span.end_time == span.start_time + int(step.milliseconds * MILLISECOND)


def test_a_clock_that_goes_back_makes_no_negative_time(recorded: Recorded) -> None:
    with recorded.tracing.join(parent=None, since=SINCE + 10 * MILLISECOND) as steps, steps.step(tracing.JUDGE):
        pass

    assert [(step.began, step.milliseconds) for step in steps.taken] == [(0, 0), (500, 500)]


@pytest.mark.parametrize(
    ("finding", "attributes"),
    [
        (Proven(value=IDENTITY), {"vestibule.finding": "proven", "vestibule.idp.issuer": "https://sso.example.com"}),
        (Proven(value=DEVICE), {"vestibule.finding": "proven", "vestibule.device.format": "x509"}),
        (ABSENT, {"vestibule.finding": "absent", "vestibule.finding.reason": "nothing-presented"}),
        (
            Unproven(gap=Gap.REFUSED, reason=Reason.TOKEN_EXPIRED, detail="secret"),
            {"vestibule.finding": "refused", "vestibule.finding.reason": "token-expired"},
        ),
        (
            Unproven(gap=Gap.UNAVAILABLE, reason=Reason.DEADLINE, detail="secret"),
            {"vestibule.finding": "unavailable", "vestibule.finding.reason": "deadline"},
        ),
    ],
)
def test_a_step_says_what_was_found(
    recorded: Recorded, finding: Finding[Identity] | Finding[AttestationResult], attributes: dict[str, str]
) -> None:
    with recorded.tracing.join(parent=None, since=SINCE) as steps, steps.step(tracing.IDENTITY) as step:
        step.finding(finding)

    assert recorded["vestibule.identity"].attributes == attributes
    assert steps.taken[-1].outcome == attributes["vestibule.finding"]


@pytest.mark.parametrize(
    ("gap", "status"),
    [
        (Gap.ABSENT, StatusCode.UNSET),
        (Gap.REFUSED, StatusCode.UNSET),
        (Gap.UNAVAILABLE, StatusCode.ERROR),
    ],
)
def test_only_what_could_not_be_looked_at_is_an_error(recorded: Recorded, gap: Gap, status: StatusCode) -> None:
    with recorded.tracing.join(parent=None, since=SINCE) as steps, steps.step(tracing.DEVICE) as step:
        step.finding(Unproven(gap=gap, reason=Reason.STORE_UNAVAILABLE))

    assert recorded["vestibule.device"].status.status_code is status
    assert recorded["vestibule.join"].status.status_code is StatusCode.UNSET


def test_a_deny_is_not_an_error(recorded: Recorded) -> None:
    with recorded.tracing.join(parent=None, since=SINCE) as steps, steps.step(tracing.JUDGE) as step:
        step.outcome(tracing.outcome(Deny(reasons=())))

    judging = recorded["vestibule.judge"]
    assert (judging.status.status_code, judging.attributes) == (StatusCode.UNSET, {"vestibule.outcome": "deny"})


@pytest.mark.parametrize(
    ("error", "outcome", "status"),
    [
        (Refused(Reason.REQUEST_MALFORMED, "alice"), "refused", StatusCode.UNSET),
        (Unavailable("store", Reason.STORE_UNAVAILABLE, "alice"), "unavailable", StatusCode.ERROR),
        (ValueError("alice"), "failed", StatusCode.ERROR),
        (asyncio.CancelledError("alice"), "failed", StatusCode.ERROR),
    ],
)
def test_an_exception_ends_its_step_and_leaves_only_its_kind(
    recorded: Recorded, error: BaseException, outcome: str, status: StatusCode
) -> None:
    join = recorded.tracing.join(parent=None, since=SINCE)
    with pytest.raises(type(error)), join as steps, steps.step(tracing.WRITE):
        raise error

    assert steps.taken[-1].outcome == outcome
    assert recorded["vestibule.write"].status.status_code is status
    assert all(not span.events and "alice" not in span.to_json() for span in recorded.all)


def test_the_root_says_what_was_decided_and_why(recorded: Recorded) -> None:
    with recorded.tracing.join(parent=None, since=SINCE, join_key="6b65") as steps:
        steps.describe(RECORD)

    assert recorded["vestibule.join"].attributes == {
        "vestibule.join_key": "6b65",
        "vestibule.decision_id": "dec_1",
        "vestibule.outcome": "redirect",
        "vestibule.reason": "inner-zone-refused",
        "vestibule.reasons": ("inner-zone-refused", "no-permit"),
        "vestibule.zone": "meetme",
        "vestibule.platform": "pexip",
        "vestibule.phase": "room",
        "vestibule.conference": "board",
        "vestibule.bundle.revision": "5f5e",
        "vestibule.policies": ("managed a.cedar:1",),
        "enduser.pseudo.id": "0a1b",
    }


@settings(max_examples=30, deadline=None)
@given(text=st.characters().map(lambda character: character * 1000), many=st.integers(1, 100))
def test_no_attribute_grows_beyond_its_bound(text: str, many: int) -> None:
    recorded = Recorded()
    marks = tuple(Mark(code=text, message="", policies=(text,), detail="") for _ in range(many))
    record = replace(RECORD, decision_id=text, conference=text, zone=text, reasons=marks)

    with recorded.tracing.join(parent=None, since=SINCE, join_key=text) as steps:
        steps.describe(record)

    attributes = recorded["vestibule.join"].attributes or {}
    texts = [value for value in attributes.values() if isinstance(value, str)]
    lists = [value for value in attributes.values() if isinstance(value, tuple)]
    assert max(map(len, texts)) == MAX_TEXT
    assert all(len(items) <= MAX_ITEMS and max(map(len, items)) <= MAX_TEXT for items in lists)


def test_a_later_question_of_one_join_continues_its_trace(recorded: Recorded) -> None:
    with recorded.tracing.join(parent=None, since=SINCE) as first:
        pass
    with recorded.tracing.join(parent=first.traceparent, since=SINCE) as second:
        pass

    roots = [span for span in recorded.all if span.name == "vestibule.join"]
    assert second.trace_id == first.trace_id
    assert roots[1].parent is not None
    assert roots[1].parent.span_id == roots[0].context.span_id


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "nonsense",
        f"00-{'0' * 32}-{'0' * 16}-01",
        f"01-{'a' * 32}-{'b' * 16}-01",
        f"00-{'A' * 32}-{'b' * 16}-01",
        f"00-{'a' * 32}-{'b' * 16}-01\n",
    ],
)
def test_a_parent_that_is_none_begins_a_trace(recorded: Recorded, parent: str) -> None:
    with recorded.tracing.join(parent=parent, since=SINCE):
        pass

    assert recorded["vestibule.join"].parent is None


def test_a_join_is_a_trace_of_its_own_whatever_else_is_traced(recorded: Recorded) -> None:
    other = recorded.provider.get_tracer("other").start_as_current_span("other")
    with other, recorded.tracing.join(parent=None, since=SINCE):
        pass

    assert recorded["vestibule.join"].parent is None


def test_joins_at_the_same_time_do_not_mix(recorded: Recorded) -> None:
    async def join() -> str:
        with recorded.tracing.join(parent=None, since=SINCE) as steps:
            for name in (tracing.IDENTITY, tracing.JUDGE):
                with steps.step(name):
                    await asyncio.sleep(0)
            return steps.trace_id

    async def both() -> tuple[str, str]:
        return await asyncio.gather(join(), join())

    traces = asyncio.run(both())

    spans = {trace: [span for span in recorded.all if f"{span.context.trace_id:032x}" == trace] for trace in traces}
    assert [len(spans[trace]) for trace in traces] == [4, 4]


def test_without_an_sdk_the_steps_are_recorded_all_the_same() -> None:
    silent = Tracing(NoOpTracer(), monotonic=lambda: 0.0, epoch=lambda: SINCE)

    with silent.join(parent=None, since=SINCE) as first, first.step(tracing.JUDGE) as step:
        step.outcome(tracing.ALLOW)
    with silent.join(parent=first.traceparent, since=SINCE) as second:
        pass

    assert [step.outcome for step in first.taken] == ["done", "allow"]
    assert second.trace_id == "0" * 32


@pytest.mark.parametrize(
    ("decision", "word"),
    [
        (Allow(zone="core", capabilities=frozenset(), reasons=(), revisit_at=None), "allow"),
        (Redirect(zone="meetme", capabilities=frozenset(), reasons=(), remedy=None, revisit_at=None), "redirect"),
        (Deny(reasons=()), "deny"),
    ],
)
def test_each_decision_has_a_word(decision: Decision, word: str) -> None:
    assert tracing.outcome(decision) == word
