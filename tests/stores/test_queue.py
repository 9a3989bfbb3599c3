"""The store's thread: what is given up is not begun, and how long it keeps people waiting is said as it is."""

import asyncio
import threading

import pytest

from plugin.stores.queue import StoreThread
from tests.fakes import HandWatch


class Gate:
    """Work that begins, and ends when it is let."""

    def __init__(self) -> None:
        self.begun, self.may_end = threading.Event(), threading.Event()

    def __call__(self) -> None:
        self.begun.set()
        self.may_end.wait()


async def begin(thread: StoreThread) -> tuple[Gate, asyncio.Task[None]]:
    gate = Gate()
    task = asyncio.create_task(thread.run(gate))
    await asyncio.get_running_loop().run_in_executor(None, gate.begun.wait)
    return gate, task


async def test_an_idle_thread_keeps_nobody_waiting() -> None:
    thread = StoreThread(monotonic=HandWatch())

    await thread.run(lambda: None)

    assert thread.waiting(calls=6) == 0


async def test_work_that_is_under_way_is_waited_for_once() -> None:
    watch = HandWatch()
    thread = StoreThread(monotonic=watch)
    gate, task = await begin(thread)

    watch.seconds += 2

    assert thread.waiting(calls=6) == 2
    gate.may_end.set()
    await task


async def test_behind_a_queue_each_call_waits_as_long_as_the_queue_is() -> None:
    watch = HandWatch()
    thread = StoreThread(monotonic=watch)
    first, first_task = await begin(thread)
    second = Gate()
    second_task = asyncio.create_task(thread.run(second))
    await asyncio.sleep(0)  # a turn, in which it is queued
    watch.seconds += 2
    first.may_end.set()
    await first_task
    await asyncio.get_running_loop().run_in_executor(None, second.begun.wait)

    assert thread.waiting(calls=6) == 12
    second.may_end.set()
    await second_task
    assert thread.waiting(calls=6) == 0


async def test_work_that_is_given_up_while_it_waits_is_never_begun() -> None:
    thread = StoreThread(monotonic=HandWatch())
    gate, task = await begin(thread)
    late = Gate()
    given_up = asyncio.create_task(thread.run(late))
    await asyncio.sleep(0)  # a turn, in which it is queued
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up

    gate.may_end.set()
    await task
    await thread.run(lambda: None)

    assert not late.begun.is_set()


async def test_work_that_has_begun_still_counts_when_it_is_given_up() -> None:
    watch = HandWatch()
    thread = StoreThread(monotonic=watch)
    gate, task = await begin(thread)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    watch.seconds += 2

    assert thread.waiting(calls=1) == 2
    gate.may_end.set()
    await thread.run(lambda: None)
    assert thread.waiting(calls=1) == 0
