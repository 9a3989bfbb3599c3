"""Which traces continue, which are linked, and that a link is all that neighbours ever get from each other."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan

from plugin.flow.trace_context import EARLIER_SECONDS, MAX_EARLIER, MAX_KEYS
from plugin.flow.tracer import Tracing
from tests.flow.recorded import SINCE, Recorded

REPOSITORY = Path(__file__).resolve().parents[2]
CALLER = f"00-{'c' * 32}-{'d' * 16}-01"
CALLER_NOT_SAMPLED = f"00-{'c' * 32}-{'d' * 16}-00"


class Watch:
    """A monotonic clock that stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    everything = Recorded()
    yield everything
    everything.provider.shutdown()


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def tracing(recorded: Recorded, watch: Watch) -> Tracing:
    return Tracing(recorded.provider.get_tracer("test"), monotonic=watch, epoch=lambda: SINCE)


def ask(tracing: Tracing, *, key: str = "", parent: str | None = None, caller: str | None = None) -> str:
    """Ask one question, and return its `traceparent`."""
    with tracing.join(parent=parent, caller=caller, since=SINCE, join_key=key) as steps:
        return steps.traceparent


def roots(recorded: Recorded) -> list[ReadableSpan]:
    return [span for span in recorded.all if span.name == "vestibule.join"]


def linked(span: ReadableSpan) -> list[str]:
    return [f"00-{link.context.trace_id:032x}-{link.context.span_id:016x}-01" for link in span.links]


def test_a_question_is_linked_to_the_earlier_ones_under_its_key(recorded: Recorded, tracing: Tracing) -> None:
    first, second = ask(tracing, key="k"), ask(tracing, key="k")
    third = ask(tracing, key="k")

    assert [linked(root) for root in roots(recorded)] == [[], [first], [first, second]]
    assert len({traceparent[3:35] for traceparent in (first, second, third)}) == 3


def test_questions_under_different_keys_and_without_one_are_not_linked(recorded: Recorded, tracing: Tracing) -> None:
    for key in ("k", "l", "", ""):
        ask(tracing, key=key)

    assert not any(root.links for root in roots(recorded))


def test_a_question_that_continues_a_trace_neither_links_nor_is_linked(recorded: Recorded, tracing: Tracing) -> None:
    first = ask(tracing, key="k")
    ask(tracing, key="k", parent=CALLER)
    ask(tracing, key="k")

    assert [linked(root) for root in roots(recorded)] == [[], [], [first]]


def test_a_link_says_why_and_nothing_else(recorded: Recorded, tracing: Tracing) -> None:
    ask(tracing, key="k")
    ask(tracing, key="k")

    (link,) = roots(recorded)[1].links
    assert link.attributes == {"vestibule.link": "earlier-question"}
    assert not link.context.trace_state


def test_links_end_two_minutes_after_the_last_question(recorded: Recorded, tracing: Tracing, watch: Watch) -> None:
    ask(tracing, key="k")
    watch.seconds += EARLIER_SECONDS - 1
    ask(tracing, key="k")
    watch.seconds += EARLIER_SECONDS + 1
    ask(tracing, key="k")

    assert [len(root.links) for root in roots(recorded)] == [0, 1, 0]


def test_a_crowd_behind_one_address_gets_a_few_links_each(recorded: Recorded, tracing: Tracing) -> None:
    asked = [ask(tracing, key="nat") for _ in range(MAX_EARLIER + 20)]

    assert linked(roots(recorded)[-1]) == asked[-MAX_EARLIER - 1 : -1]


def test_somebody_who_asks_under_thousands_of_keys_makes_us_forget_and_not_grow(
    recorded: Recorded, tracing: Tracing
) -> None:
    ask(tracing, key="k")
    ask(tracing, key="k")
    for number in range(MAX_KEYS):
        ask(tracing, key=str(number))
    ask(tracing, key="k")

    assert [len(root.links) for root in (roots(recorded)[1], roots(recorded)[-1])] == [1, 0]


def test_only_the_tracing_knows_of_earlier_questions() -> None:
    sources = [*REPOSITORY.glob("plugin/**/*.py"), *REPOSITORY.glob("idp_adapters/**/*.py")]
    imports = {
        file.relative_to(REPOSITORY).as_posix()
        for file in sources
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom | ast.Import) and "trace_context" in ast.unparse(node)
    }

    assert imports == {"plugin/flow/tracer.py", "plugin/flow/tracing.py"}


@pytest.mark.parametrize("caller", [CALLER, CALLER_NOT_SAMPLED])
def test_a_callers_trace_goes_on_whether_or_not_it_is_sampled_there(
    recorded: Recorded, tracing: Tracing, caller: str
) -> None:
    ask(tracing, caller=caller)

    (root,) = roots(recorded)
    assert f"{root.context.trace_id:032x}" == "c" * 32
    assert root.parent is not None
    assert f"{root.parent.span_id:016x}" == "d" * 16


def test_a_tickets_own_trace_goes_on_and_the_callers_is_linked(recorded: Recorded, tracing: Tracing) -> None:
    issued = ask(tracing)
    ask(tracing, parent=issued, caller=CALLER)

    root = roots(recorded)[1]
    assert f"{root.context.trace_id:032x}" == issued[3:35]
    assert linked(root) == [CALLER]
    assert root.links[0].attributes == {"vestibule.link": "caller"}


@pytest.mark.parametrize(
    "caller",
    [
        "nonsense",
        f"00-{'0' * 32}-{'d' * 16}-01",
        f"00-{'c' * 32}-{'0' * 16}-01",
        f"ff-{'c' * 32}-{'d' * 16}-01",
        f"00-{'C' * 32}-{'d' * 16}-01",
        f"00-{'c' * 32}-{'d' * 16}-01-more",
        f"{CALLER}, {CALLER}",
    ],
)
def test_a_callers_trace_that_is_none_is_ignored(recorded: Recorded, tracing: Tracing, caller: str) -> None:
    ask(tracing, caller=caller)
    ask(tracing, caller=caller, parent=CALLER)

    assert roots(recorded)[0].parent is None
    assert not any(root.links for root in roots(recorded))
