"""Whether the store can be written to, found out by writing.

Anybody may ask, as often as they like: an answer holds for a second, whoever asks meanwhile gets the same one, and
nobody waits longer than a second. A write that does not end is not joined by others.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from plugin.core.errors import Unavailable
from plugin.ports import Clock, Store

KIND = "check"
KEY = "writable"
KEPT = timedelta(minutes=1)
FRESH_SECONDS = 1.0
PATIENCE_SECONDS = 1.0


class StoreCheck:
    """Looks at one store. `monotonic` counts seconds."""

    def __init__(self, store: Store, *, clock: Clock, monotonic: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._monotonic = monotonic
        self._writing: asyncio.Task[bool] | None = None
        self._began = 0.0

    async def is_writable(self) -> bool:
        """Say whether an entry could be written within the last second or so."""
        now = self._monotonic()
        if self._writing is None or (self._writing.done() and now - self._began >= FRESH_SECONDS):
            self._writing, self._began = asyncio.create_task(self._write()), now
        writing = self._writing  # another question may begin the next one meanwhile
        finished, _ = await asyncio.wait([writing], timeout=PATIENCE_SECONDS)
        return bool(finished) and writing.result()

    async def _write(self) -> bool:
        try:
            await self._store.put(KIND, KEY, {}, expires_at=self._clock() + KEPT)
        except Unavailable:
            return False
        return True

    async def close(self) -> None:
        """Wait for nothing that is under way."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.wait([self._writing])
