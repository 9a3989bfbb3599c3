"""Works that wait for one thread: done together, told together, and each told its own outcome."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Semaphore

import pytest

from plugin.stores._turns import Outcome, Turns
from tests.fakes import HandWatch

MANY = 100


class Worker:
    """Does what it is given when it is let, and remembers what it did together. It chokes on what is no text."""

    def __init__(self) -> None:
        self.let = Semaphore(0)
        self.did: list[list[str]] = []

    def do(self, works: Sequence[str]) -> Sequence[Outcome]:
        self.let.acquire()
        self.did.append(list(works))
        return [LookupError(work) if work.startswith("bad") else work.upper() for work in works]


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest.fixture
def watch() -> HandWatch:
    return HandWatch()


@pytest.fixture
async def turns(worker: Worker, watch: HandWatch) -> AsyncIterator[Turns[str]]:
    with ThreadPoolExecutor(max_workers=1) as thread:
        yield Turns(thread=thread, do=worker.do, monotonic=watch)


def asked(turns: Turns[str], *works: str) -> list[asyncio.Task[object]]:
    return [asyncio.create_task(turns.take(work)) for work in works]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_comes_while_the_thread_is_busy_is_done_in_the_next_turn(turns: Turns[str], worker: Worker) -> None:
    first = asked(turns, "a")
    await settle()
    others = asked(turns, "b", "c")
    await settle()
    worker.let.release(MANY)

    assert await asyncio.gather(*first, *others) == ["A", "B", "C"]
    assert worker.did == [["a"], ["b", "c"]]


async def test_one_that_fails_is_told_so_and_the_others_are_not(turns: Turns[str], worker: Worker) -> None:
    worker.let.release(MANY)

    outcomes = await asyncio.gather(*asked(turns, "a", "bad", "c"), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [str, LookupError, str]


async def test_what_nobody_waits_for_any_more_is_not_begun(turns: Turns[str], worker: Worker) -> None:
    first = asked(turns, "a")
    await settle()
    (given_up, patient) = asked(turns, "b", "c")
    await settle()
    given_up.cancel()
    await settle()
    worker.let.release(MANY)

    await asyncio.gather(*first, patient)

    assert worker.did == [["a"], ["c"]]


async def test_a_turn_that_breaks_is_told_to_all_in_it_and_the_next_one_works(
    turns: Turns[str], worker: Worker
) -> None:
    worker.let.release(MANY)
    broken = asked(turns, "a", 7, "c")  # type: ignore[arg-type] # what breaks the worker

    outcomes = await asyncio.gather(*broken, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [AttributeError] * 3
    assert await turns.take("d") == "D"


async def test_the_end_waits_for_those_who_wait(turns: Turns[str], worker: Worker) -> None:
    tasks = asked(turns, "a")
    await settle()
    tasks += asked(turns, "b")
    ending = asyncio.create_task(turns.end())
    await settle()
    assert not ending.done()
    worker.let.release(MANY)

    await ending

    assert await asyncio.gather(*tasks) == ["A", "B"]


async def test_an_idle_thread_keeps_nobody_waiting(turns: Turns[str], worker: Worker) -> None:
    worker.let.release(MANY)
    await turns.take("a")

    assert turns.waiting(calls=6) == 0


async def test_the_turn_that_is_under_way_is_waited_for_once(
    turns: Turns[str], worker: Worker, watch: HandWatch
) -> None:
    tasks = asked(turns, "a")
    await settle()
    watch.seconds += 2

    assert turns.waiting(calls=6) == 2
    worker.let.release(MANY)
    await asyncio.gather(*tasks)
    assert turns.waiting(calls=6) == 0


async def test_a_turn_whose_works_were_given_up_is_waited_for_all_the_same(
    turns: Turns[str], worker: Worker, watch: HandWatch
) -> None:
    (task,) = asked(turns, "a")
    await settle()
    task.cancel()
    await settle()
    watch.seconds += 2

    assert turns.waiting(calls=1) == 2
    worker.let.release(MANY)
    await turns.end()


async def test_where_turn_follows_turn_each_call_takes_as_long_as_the_last_one(
    turns: Turns[str], worker: Worker, watch: HandWatch
) -> None:
    tasks = asked(turns, "a")
    await settle()
    tasks += asked(turns, "b")
    await settle()
    watch.seconds += 2
    worker.let.release()
    await tasks[0]
    await settle()

    assert turns.waiting(calls=6) == 12
    worker.let.release(MANY)
    await asyncio.gather(*tasks)
