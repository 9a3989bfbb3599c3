"""What a `Store` that several processes share must do: of all who want an entry, one gets it."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from plugin.stores.sqlite import open_sqlite
from tests.conformance.contender import INCREMENTS, KEYS, LATER, NOON

REPOSITORY = Path(__file__).resolve().parents[2]
PROCESSES = 3


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/state/store.db"


def contend(url: str, operation: str) -> list[list[str]]:
    """Let several processes open the store at once, then contend at once, and return what each of them won."""
    command = [sys.executable, "-m", "tests.conformance.contender", url, operation]
    pipe = subprocess.PIPE
    contenders = [
        subprocess.Popen(command, cwd=REPOSITORY, stdin=pipe, stdout=pipe, text=True) for _ in range(PROCESSES)
    ]
    for contender in contenders:
        assert contender.stdout is not None
        assert contender.stdout.readline() == "ready\n"
    for contender in contenders:
        assert contender.stdin is not None
        contender.stdin.write("go\n")
        contender.stdin.flush()
    return [json.loads(contender.communicate(timeout=60)[0]) for contender in contenders]


def test_of_several_processes_one_claims(url: str) -> None:
    won = contend(url, "claim")

    assert sorted(key for keys in won for key in keys) == sorted(KEYS)


async def test_of_several_processes_one_takes(url: str) -> None:
    store = await open_sqlite(url)
    for key in KEYS:
        await store.put("contended", key, {}, expires_at=LATER)

    won = await asyncio.to_thread(contend, url, "take")
    await store.close()

    assert sorted(key for keys in won for key in keys) == sorted(KEYS)


async def test_no_swap_of_several_processes_is_lost(url: str) -> None:
    store = await open_sqlite(url)
    await store.put("counter", "key", {"count": 0}, expires_at=LATER)

    await asyncio.to_thread(contend, url, "swap")
    counted = await store.get("counter", "key", now=NOON)
    await store.close()

    assert counted == {"count": PROCESSES * INCREMENTS}
