"""When the disk has what was stored, as the kernel sees it: strace watches a process that says what it was told."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

PROGRAM = """
import asyncio, os, sys
from datetime import UTC, datetime
from plugin.stores.sqlite import open_sqlite

NOW, LATER = datetime(2026, 6, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)

def say(text):
    os.write(1, f"<{text}>".encode())

async def decide(store, number):
    key = f"key-{number}"
    await store.claim("challenge", key, expires_at=LATER, now=NOW)
    await store.claim("token", key, expires_at=LATER, now=NOW)
    await store.put("call", key, {}, expires_at=LATER, synced=False)
    say("proven")
    await store.put("decision", key, {"number": number}, expires_at=LATER)
    say("answered")

async def main():
    store = await open_sqlite(sys.argv[1])
    say("begun")
    await decide(store, 0)
    say("alone")
    await asyncio.gather(*(decide(store, number) for number in range(1, 51)))
    say("ended")
    await store.close()

asyncio.run(main())
"""
WATCH = ["strace", "--follow-forks", "--trace=fsync,fdatasync,write"]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What the process said, and `sync` for each time that it waited for the disk, in their order."""
    folder = tmp_path_factory.mktemp("synced")
    command = [*WATCH, f"--output={folder}/trace", sys.executable, "-c", PROGRAM, f"sqlite:///{folder}/store.db"]
    subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, check=True)
    events = re.findall(r'(fsync|fdatasync)\(|write\(1, "<(\w+)>"', (folder / "trace").read_text())
    return ["sync" if call else said for call, said in events]


def between(seen: list[str], first: str, last: str) -> list[str]:
    return seen[seen.index(first) + 1 : seen.index(last)]


@pytest.mark.component("strace")
def test_one_decision_waits_for_the_disk_once_and_is_answered_afterwards(seen: list[str]) -> None:
    assert between(seen, "begun", "alone") == ["proven", "sync", "answered"]


@pytest.mark.component("strace")
def test_decisions_that_are_under_way_at_once_wait_together(seen: list[str]) -> None:
    together = between(seen, "alone", "ended")

    assert together.count("answered") == 50
    assert together.count("sync") <= 5
    assert "answered" not in together[: together.index("sync")]
