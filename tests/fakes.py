"""Stand-ins for the outside, with behaviour: a clock that is moved by hand, and a store in memory that can fail."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from plugin.core.errors import Unavailable
from plugin.core.reasons import Reason
from plugin.flow.budget import Budget
from plugin.ports import Json

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class HandClock:
    """Stands still until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


class HandWatch:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def ample() -> Budget:
    """Return a budget of which nothing is ever spent."""
    watch = HandWatch()
    return Budget(since=time.time_ns(), began=watch(), monotonic=watch)


class MemoryStore:
    """A Store in memory. `broken` makes every call Unavailable; `keeps_waiting` is what it says of its queue."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], tuple[str, datetime]] = {}
        self.broken = False
        self.keeps_waiting = 0.0

    async def put(self, kind: str, key: str, value: Json, *, expires_at: datetime, synced: bool = True) -> None:  # noqa: ARG002 - no disk
        self._check()
        self.entries[kind, key] = (_text(value), expires_at)

    async def put_all(self, entries: Mapping[tuple[str, str], Json], *, expires_at: datetime) -> None:
        for (kind, key), value in entries.items():
            await self.put(kind, key, value, expires_at=expires_at)

    async def get(self, kind: str, key: str, *, now: datetime) -> Json | None:
        self._check()
        text, expires_at = self.entries.get((kind, key), ("null", now))
        return json.loads(text) if expires_at > now else None

    async def take(self, kind: str, key: str, *, now: datetime) -> Json | None:
        value = await self.get(kind, key, now=now)
        self.entries.pop((kind, key), None)
        return value

    async def claim(self, kind: str, key: str, *, expires_at: datetime, now: datetime) -> bool:
        if await self.get(kind, key, now=now) is not None:
            return False
        await self.put(kind, key, {}, expires_at=expires_at)
        return True

    async def swap(self, kind: str, key: str, *, old: Json, new: Json, expires_at: datetime, now: datetime) -> bool:
        current = await self.get(kind, key, now=now)
        if current is None or _text(current) != _text(old):
            return False
        await self.put(kind, key, new, expires_at=expires_at)
        return True

    async def page(self, kind: str, *, after: str, limit: int, now: datetime) -> tuple[tuple[str, Json], ...]:
        self._check()
        found = sorted((key, text) for (one, key), (text, until) in self.entries.items() if one == kind and until > now)
        return tuple((key, json.loads(text)) for key, text in found if key > after)[:limit]

    async def purge(self, *, now: datetime) -> int:
        self._check()
        expired = [key for key, (_, expires_at) in self.entries.items() if expires_at <= now]
        for key in expired:
            del self.entries[key]
        return len(expired)

    def waiting(self, *, calls: int) -> float:  # noqa: ARG002 - as long as it is told to
        return self.keeps_waiting

    async def close(self) -> None:
        self.broken = True

    def _check(self) -> None:
        if self.broken:
            raise Unavailable("store", Reason.STORE_UNAVAILABLE, "broken by hand")


def _text(value: Json) -> str:
    return json.dumps(value, sort_keys=True)
