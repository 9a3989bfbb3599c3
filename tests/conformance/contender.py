"""One of several processes that want the same entries: `python -m tests.conformance.contender URL OPERATION`.

Says `ready` when the store is open, waits for a line, contends, and prints what it won as JSON.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta

from plugin.ports import Store
from plugin.stores.sqlite import open_sqlite

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=1)
KEYS = [f"key-{number}" for number in range(40)]
INCREMENTS = 40


async def claim(store: Store) -> list[str]:
    return [key for key in KEYS if await store.claim("contended", key, expires_at=LATER, now=NOON)]


async def take(store: Store) -> list[str]:
    return [key for key in KEYS if await store.take("contended", key, now=NOON) is not None]


async def swap(store: Store) -> list[str]:
    """Count up, again and again, until each increment has been made."""
    for _ in range(INCREMENTS):
        while True:
            old = await store.get("counter", "key", now=NOON)
            assert old is not None
            new = {"count": int(str(old["count"])) + 1}
            if await store.swap("counter", "key", old=old, new=new, expires_at=LATER, now=NOON):
                break
    return []


async def main(url: str, operation: str) -> None:
    store = await open_sqlite(url)
    print("ready", flush=True)  # noqa: T201 - the other end reads it
    sys.stdin.readline()
    won = await {"claim": claim, "take": take, "swap": swap}[operation](store)
    await store.close()
    print(json.dumps(won))  # noqa: T201 - the other end reads it


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
