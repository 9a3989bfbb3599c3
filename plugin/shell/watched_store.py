"""A store that is measured, and that says when it stops working and when it works again.

It says so once each, however many questions notice. Whoever is on call reads the first line and knows since when
everybody is refused, why, and what to do; the second says that nothing needs to be restarted. It must never answer in
the store's place.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Mapping
from datetime import datetime
from functools import cache
from typing import TypeVar

from plugin.core.errors import Unavailable
from plugin.ports import Clock, Json, Store
from plugin.shell.metrics import Metrics

log = logging.getLogger(__name__)
T = TypeVar("T")

# By the beginning of SQLite's code, or of ours.
ADVICE = {
    "SQLITE_BUSY": "another process holds the lock: see which one has the file open (`fuser`)",
    "SQLITE_LOCKED": "another process holds the lock: see which one has the file open (`fuser`)",
    "SQLITE_FULL": "the disk is full: free some space, no restart is needed",
    "SQLITE_READONLY": "the file cannot be written: see its rights, and whether the file system became read-only",
    "SQLITE_IOERR": "the disk fails, is full, or became read-only: see the kernel's log",
    "SQLITE_CANTOPEN": "the file or its folder is gone or closed to this user: put the same file back",
    "SQLITE_CORRUPT": "the file is damaged: stop, keep it, restore a backup, and let open sign-ins run out first",
    "SQLITE_NOTADB": "the file is no store: put the right one back, or stop and restore a backup",
    "replaced": "put the same file back; a restart takes what is there, which may have forgotten what was used",
    "store has schema version": "a newer release has used the file: run that release",
}


class WatchedStore:
    """Passes everything on to `store`, and changes nothing."""

    def __init__(self, store: Store, *, clock: Clock, metrics: Metrics) -> None:
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._operations = cache(metrics.store_operations.labels)
        self._seconds = cache(metrics.store_seconds.labels)
        self._failing_since: datetime | None = None

    async def put(self, kind: str, key: str, value: Json, *, expires_at: datetime, synced: bool = True) -> None:
        await self._watch("put", self._store.put(kind, key, value, expires_at=expires_at, synced=synced))

    async def put_all(self, entries: Mapping[tuple[str, str], Json], *, expires_at: datetime) -> None:
        await self._watch("put", self._store.put_all(entries, expires_at=expires_at))

    async def get(self, kind: str, key: str, *, now: datetime) -> Json | None:
        # A file that is locked, full or read-only can often still be read: that is no sign of recovery.
        return await self._watch("get", self._store.get(kind, key, now=now), proves_health=False)

    async def take(self, kind: str, key: str, *, now: datetime) -> Json | None:
        return await self._watch("take", self._store.take(kind, key, now=now), proves_health=False)

    async def claim(self, kind: str, key: str, *, expires_at: datetime, now: datetime) -> bool:
        return await self._watch("claim", self._store.claim(kind, key, expires_at=expires_at, now=now))

    async def swap(self, kind: str, key: str, *, old: Json, new: Json, expires_at: datetime, now: datetime) -> bool:
        swap = self._store.swap(kind, key, old=old, new=new, expires_at=expires_at, now=now)
        return await self._watch("swap", swap)

    async def page(self, kind: str, *, after: str, limit: int, now: datetime) -> tuple[tuple[str, Json], ...]:
        page = self._store.page(kind, after=after, limit=limit, now=now)
        return await self._watch("page", page, proves_health=False)

    async def purge(self, *, now: datetime) -> int:
        removed = await self._watch("purge", self._store.purge(now=now), proves_health=False)
        self._metrics.store_purged.inc(removed)
        purged_at = time.monotonic()
        self._metrics.store_purge_age.set_function(lambda: time.monotonic() - purged_at)
        return removed

    def waiting(self, *, calls: int) -> float:
        return self._store.waiting(calls=calls)

    async def close(self) -> None:
        await self._store.close()

    async def _watch(self, operation: str, asking: Awaitable[T], *, proves_health: bool = True) -> T:
        began, outcome = time.perf_counter(), "failed"
        try:
            answer = await asking
            outcome = "ok"
        except asyncio.CancelledError:
            outcome = "abandoned"  # whoever waits for it has run out of time: a store that hangs fails nothing itself
            raise
        except Unavailable as unavailable:
            self._note_failure(unavailable.detail)
            raise
        finally:
            self._operations(operation, outcome).inc()
            self._seconds(operation).observe(time.perf_counter() - began)
        if proves_health and self._failing_since is not None:
            log.warning("store recovered", extra={"failing_since": self._failing_since.isoformat()})
            self._failing_since = None
        return answer

    def _note_failure(self, detail: str) -> None:
        if self._failing_since is not None:
            return
        self._failing_since = self._clock()
        fields = {"detail": detail, "effect": "everybody is refused", "advice": advice(detail)}
        log.error("store failing", extra=fields)


def advice(detail: str) -> str:
    """Say what to do about a store that is unavailable for this reason."""
    fitting = (text for start, text in ADVICE.items() if detail.startswith(start))
    return next(fitting, "see that the file is there, can be written, and that its disk has space")
