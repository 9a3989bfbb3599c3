"""The shadow bundle by itself: whatever befalls it ends in a word of the record, in time, and never as an error."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from plugin.core.decision import Decision, Deny, because
from plugin.core.reasons import Reason
from plugin.core.record import Shadowed
from plugin.flow.budget import Budget, Share
from plugin.flow.shadow import Shadow, agrees
from plugin.policy.bundle import Bundle
from tests.flow.recorded import RECORD, SINCE, Recorded
from tests.policy.people import example

DENY = Deny(reasons=(because(Reason.NO_PERMIT),))
BUNDLE = example()
SAID = Shadowed(outcome="redirect", zone="meetme", capabilities=("present",), reasons=(), bundle="next")


@pytest.fixture
def worker() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(max_workers=1) as pool:
        yield pool


async def ask(decide: Callable[[Bundle], Decision], *, worker: ThreadPoolExecutor, after: float = 0) -> Shadowed:
    """Ask about a question that began so many seconds ago."""
    budget = Budget(since=SINCE, began=time.monotonic() - after, monotonic=time.monotonic)
    with Recorded().tracing.join(parent=None, since=SINCE) as steps:
        return await Shadow(BUNDLE, worker=worker).judge(decide, steps=steps, budget=budget)


async def test_what_it_says_is_written_down(worker: ThreadPoolExecutor) -> None:
    said = await ask(lambda _: DENY, worker=worker)

    assert (said.outcome, said.reasons[0].code, said.bundle) == ("deny", "no-permit", BUNDLE.revision)


async def test_a_bug_in_judging_it_is_an_error_of_its_own(worker: ThreadPoolExecutor) -> None:
    def break_down(_: Bundle) -> Decision:
        raise ZeroDivisionError

    assert (await ask(break_down, worker=worker)).outcome == "error"


async def test_a_panic_in_native_code_is_an_error_of_its_own(worker: ThreadPoolExecutor) -> None:
    class Panic(BaseException):
        pass

    def panic(_: Bundle) -> Decision:
        raise Panic

    assert (await ask(panic, worker=worker)).outcome == "error"


async def test_one_that_is_slow_is_left_behind(worker: ThreadPoolExecutor) -> None:
    let_go = threading.Event()

    def dawdle(_: Bundle) -> Decision:
        let_go.wait()
        return DENY

    slow = await ask(dawdle, worker=worker)
    queued = await ask(lambda _: DENY, worker=worker)
    let_go.set()

    assert (slow.outcome, queued.outcome) == ("skipped", "skipped")


async def test_there_is_time_for_it_again_once_the_slow_one_has_ended(worker: ThreadPoolExecutor) -> None:
    let_go = threading.Event()

    def dawdle(_: Bundle) -> Decision:
        let_go.wait()
        return DENY

    await ask(dawdle, worker=worker)
    let_go.set()

    assert (await ask(lambda _: DENY, worker=worker)).outcome == "deny"


async def test_a_question_that_has_taken_long_leaves_no_time_for_it(worker: ThreadPoolExecutor) -> None:
    asked = []

    said = await ask(lambda _: asked.append(1) or DENY, worker=worker, after=Share.SHADOW.value)

    assert (said.outcome, asked) == ("skipped", [])


async def test_a_question_that_is_given_up_takes_its_shadow_along(worker: ThreadPoolExecutor) -> None:
    let_go, asked = threading.Event(), []
    worker.submit(let_go.wait)
    question = asyncio.create_task(ask(lambda _: asked.append(1) or DENY, worker=worker))
    await asyncio.sleep(0)
    question.cancel()
    await asyncio.wait([question])
    let_go.set()
    worker.shutdown()

    assert (question.cancelled(), asked) == (True, [])


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (SAID, True),
        (replace(SAID, outcome="allow"), False),
        (replace(SAID, zone="elsewhere"), False),
        (replace(SAID, capabilities=()), False),
        (replace(SAID, outcome="error"), None),
        (replace(SAID, outcome="skipped"), None),
        (None, None),
    ],
)
def test_it_agrees_where_outcome_zone_and_capabilities_are_the_same(
    said: Shadowed | None, *, expected: bool | None
) -> None:
    assert agrees(replace(RECORD, shadow=said)) is expected


def test_the_time_for_it_leaves_time_to_write() -> None:
    assert Share.IDENTITY.value < Share.SHADOW.value < Share.RECORD.value
