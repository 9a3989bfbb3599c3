"""The one thread of a store, and how long it keeps whoever asks waiting.

What is given up before the thread has got to it is never begun. What has begun ends, whole, whoever has given it up.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Any, TypeVar

T = TypeVar("T")


class StoreThread:
    """Runs one piece of work after the other. `monotonic` counts seconds."""

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._lock = Lock()  # for the three below: the thread and the event loop both touch them
        self._open = set[Future[Any]]()
        self._queued = 0.0
        self._began: float | None = None

    async def run(self, work: Callable[[], T]) -> T:
        """Run work when its turn comes."""
        # Cancelling the one who waits cancels the work as well, as long as it has not begun.
        future = self._executor.submit(self._take, work, since=self._monotonic())
        with self._lock:
            self._open.add(future)
        future.add_done_callback(self._end)
        return await asyncio.wrap_future(future)

    def waiting(self, *, calls: int) -> float:
        """Return for how many seconds so many calls, one after the other, would wait: 0 where nothing is going on.

        Each waits as long as what is being done now has waited for its turn, and the first for that to end.
        """
        with self._lock:
            if not self._open:
                return 0.0
            running = 0.0 if self._began is None else self._monotonic() - self._began
            return calls * self._queued + running

    def close(self) -> None:
        """Take no more work; what was taken is done."""
        self._executor.shutdown(wait=False)

    def _take(self, work: Callable[[], T], *, since: float) -> T:
        with self._lock:
            self._began = self._monotonic()
            self._queued = self._began - since
        try:
            return work()
        finally:
            with self._lock:
                self._began = None

    def _end(self, future: Future[Any]) -> None:
        with self._lock:
            self._open.discard(future)
            if not self._open:
                self._queued = 0.0
