"""A store that counts what is asked of it, how long that takes, and what fails."""

import asyncio
import time
from collections.abc import Awaitable
from datetime import datetime
from typing import TypeVar

from plugin.ports import Json, Store
from plugin.shell.metrics import Metrics

T = TypeVar("T")


class MeteredStore:
    """Passes everything on to another store, and changes nothing."""

    def __init__(self, store: Store, *, metrics: Metrics) -> None:
        self._store = store
        self._metrics = metrics

    async def put(self, kind: str, key: str, value: Json, *, expires_at: datetime, synced: bool = True) -> None:
        await self._measure("put", self._store.put(kind, key, value, expires_at=expires_at, synced=synced))

    async def get(self, kind: str, key: str, *, now: datetime) -> Json | None:
        return await self._measure("get", self._store.get(kind, key, now=now))

    async def take(self, kind: str, key: str, *, now: datetime) -> Json | None:
        return await self._measure("take", self._store.take(kind, key, now=now))

    async def claim(self, kind: str, key: str, *, expires_at: datetime, now: datetime) -> bool:
        return await self._measure("claim", self._store.claim(kind, key, expires_at=expires_at, now=now))

    async def swap(self, kind: str, key: str, *, old: Json, new: Json, expires_at: datetime, now: datetime) -> bool:
        swap = self._store.swap(kind, key, old=old, new=new, expires_at=expires_at, now=now)
        return await self._measure("swap", swap)

    async def purge(self, *, now: datetime) -> int:
        removed = await self._measure("purge", self._store.purge(now=now))
        self._metrics.store_purged.inc(removed)
        purged_at = time.monotonic()
        self._metrics.store_purge_age.set_function(lambda: time.monotonic() - purged_at)
        return removed

    def waiting(self, *, calls: int) -> float:
        return self._store.waiting(calls=calls)

    async def close(self) -> None:
        await self._store.close()

    async def _measure(self, operation: str, work: Awaitable[T]) -> T:
        began, outcome = time.perf_counter(), "failed"
        try:
            result = await work
            outcome = "ok"
        except asyncio.CancelledError:
            outcome = "abandoned"  # whoever waits for it has run out of time: a store that hangs fails nothing itself
            raise
        finally:
            self._metrics.store_operations.labels(operation, outcome).inc()
            self._metrics.store_seconds.labels(operation).observe(time.perf_counter() - began)
        return result
