"""Work for one thread, done in turns: what has come by the time it is free is done together.

Where many wait for one disk, they wait for one write of it. It must never tell anybody that a work is done before the
whole turn is, nor begin a work that nobody waits for any more.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, TypeVar

W = TypeVar("W")
Outcome = object
"""What a work has led to: its result, or the Unavailable that it is told."""


@dataclass(slots=True, kw_only=True)
class Turns(Generic[W]):
    """`do` does all works of a turn in `thread`, and returns an outcome for each. `monotonic` counts seconds."""

    thread: ThreadPoolExecutor
    do: Callable[[Sequence[W]], Sequence[Outcome]]
    monotonic: Callable[[], float]
    _waiting: list[tuple[W, asyncio.Future[object]]] = field(default_factory=list, init=False)
    _running: asyncio.Task[None] | None = field(default=None, init=False)
    _began: float = field(default=0.0, init=False)  # when the turn that is under way did
    _last: float = field(default=0.0, init=False)  # how long the one before it took, where it followed at once

    async def take(self, work: W) -> object:
        """Have a work done in the next turn. Raises Unavailable."""
        loop = asyncio.get_running_loop()
        told: asyncio.Future[object] = loop.create_future()
        self._waiting.append((work, told))
        if self._running is None:
            self._began = self.monotonic()
            self._running = loop.create_task(self._run())
        return await told

    def waiting(self, *, calls: int) -> float:
        """Return for how many seconds so many works, one after the other, would wait: 0 where nothing is going on.

        The first waits for the turn that is under way, and each takes one, as long as the last one was.
        """
        if self._running is None:
            return 0.0
        return calls * self._last + self.monotonic() - self._began

    async def end(self) -> None:
        """Wait until nobody waits."""
        while self._running is not None:
            await asyncio.wait([self._running])

    async def _run(self) -> None:
        try:
            while self._waiting:
                self._began = self.monotonic()
                await self._take_turn()
                self._last = self.monotonic() - self._began
        finally:
            self._last = 0.0
            self._running = None  # whatever happened here, the next work begins a new run

    async def _take_turn(self) -> None:
        turn = [(work, told) for work, told in self._waiting if not told.done()]
        self._waiting.clear()
        works = [work for work, _ in turn]
        doing = asyncio.get_running_loop().run_in_executor(self.thread, self.do, works)
        await asyncio.wait([doing])
        bug = doing.exception()
        outcomes = [bug] * len(works) if bug else doing.result()
        for (_, told), outcome in zip(turn, outcomes, strict=True):
            _tell(told, outcome)


def _tell(told: asyncio.Future[object], outcome: Outcome) -> None:
    if told.done():  # who asked has given up
        return
    if isinstance(outcome, BaseException):
        told.set_exception(outcome)
    else:
        told.set_result(outcome)
