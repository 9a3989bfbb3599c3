"""The SQLite store in trouble: locked, full, read-only, corrupted, killed, too new."""

import asyncio
import resource
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from plugin.core.errors import Unavailable
from plugin.core.reasons import Reason
from plugin.stores.sqlite import MIGRATIONS, NewerSchema, SqliteStore, open_sqlite
from tests.rights import nobody_in_particular

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=1)
REPOSITORY = Path(__file__).resolve().parents[2]

LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.readline()
"""
WRITE_FOREVER = """
import asyncio, itertools, sys
from datetime import UTC, datetime
from plugin.stores.sqlite import open_sqlite

async def main():
    store = await open_sqlite(sys.argv[1])
    for number in itertools.count():
        await store.put("kind", f"key-{number}", {"text": "x" * 2000}, expires_at=datetime(2100, 1, 1, tzinfo=UTC))
        print(number, flush=True)

asyncio.run(main())
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "store.db"


@pytest_asyncio.fixture
async def store(file: Path) -> AsyncIterator[SqliteStore]:
    opened = await open_sqlite(f"sqlite:///{file}")
    yield opened
    await opened.close()


@contextmanager
def locked_by_another_process(file: Path) -> Iterator[None]:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", LOCK, str(file)], stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        yield
        process.communicate("\n", timeout=60)


@contextmanager
def no_file_may_grow_beyond(octets: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Take the right to write away from everybody, root included."""
    everything = [folder, *folder.iterdir()]
    modes = {path: path.stat().st_mode for path in everything}
    for path in everything:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        with nobody_in_particular():
            yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


def overwrite(file: Path, *, by: bytes = b"no database, and never one" * 1000) -> bytes:
    """Write over a file, or make it, and return what was in it."""
    file.parent.mkdir(exist_ok=True)
    overwritten = file.read_bytes() if file.exists() else b""
    file.write_bytes(by)
    return overwritten


def move_all(folder: Path, to: Path) -> None:
    """Move the files of a store."""
    for path in folder.glob("store.db*"):
        path.rename(to / path.name)


def remove_all(folder: Path) -> list[str]:
    """Remove the files of a folder and return their names."""
    removed = list(folder.iterdir())
    for path in removed:
        path.unlink()
    return [path.name for path in removed]


def write_until_killed(file: Path) -> list[int]:
    """Return the numbers of the entries that a process heard to be safe before it was killed."""
    command = [sys.executable, "-c", WRITE_FOREVER, f"sqlite:///{file}"]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(50)]
        process.kill()
    return told


async def unavailable(store: SqliteStore) -> str:
    with pytest.raises(Unavailable) as raised:
        await store.put("kind", "secret-key", {"secret": "value"}, expires_at=LATER)
    assert (raised.value.source, raised.value.reason) == ("store", Reason.STORE_UNAVAILABLE)
    return raised.value.detail


async def works(store: SqliteStore) -> bool:
    await store.put("kind", "works", {"yes": True}, expires_at=LATER)
    return await store.take("kind", "works", now=NOON) == {"yes": True}


async def test_a_store_that_another_process_locks_is_unavailable_and_recovers(store: SqliteStore, file: Path) -> None:
    with locked_by_another_process(file):
        detail = await unavailable(store)

    assert detail == "SQLITE_BUSY"
    assert await works(store)


async def test_what_is_stored_can_be_read_while_another_process_locks(store: SqliteStore, file: Path) -> None:
    await store.put("kind", "key", {"n": 1}, expires_at=LATER)

    with locked_by_another_process(file):
        await unavailable(store)  # which drops the connection
        value = await store.get("kind", "key", now=NOON)

    assert value == {"n": 1}


async def test_a_question_that_gives_up_does_not_wait_for_the_lock(store: SqliteStore, file: Path) -> None:
    with locked_by_another_process(file), pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await store.claim("kind", "key", expires_at=LATER, now=NOON)

    assert await works(store)


async def test_a_disk_that_takes_no_more_makes_the_store_unavailable_and_it_recovers(store: SqliteStore) -> None:
    with no_file_may_grow_beyond(256 * 1024), pytest.raises(Unavailable) as raised:
        await store.put("kind", "key", {"text": "x" * 1024 * 1024}, expires_at=LATER)

    assert raised.value.detail.startswith(("SQLITE_FULL", "SQLITE_IOERR"))
    assert await works(store)


async def test_where_what_changes_together_cannot_be_written_nobody_is_told_that_it_was(store: SqliteStore) -> None:
    await store.put("kind", "there", {"n": 1}, expires_at=LATER)

    with no_file_may_grow_beyond(256 * 1024):
        claimed, put, read = await asyncio.gather(
            store.claim("kind", "claimed", expires_at=LATER, now=NOON),
            store.put("kind", "key", {"text": "x" * 1024 * 1024}, expires_at=LATER),
            store.get("kind", "there", now=NOON),
            return_exceptions=True,
        )

    assert isinstance(claimed, Unavailable)
    assert isinstance(put, Unavailable)
    assert read == {"n": 1}
    assert await store.claim("kind", "claimed", expires_at=LATER, now=NOON)


async def test_of_entries_that_belong_together_none_is_there_where_one_cannot_be_written(store: SqliteStore) -> None:
    with no_file_may_grow_beyond(256 * 1024), pytest.raises(Unavailable):
        await store.put_all(
            {("mark", "key"): {}, ("record", "key"): {"text": "x" * 1024 * 1024}, ("mark", "other"): {}},
            expires_at=LATER,
        )

    assert await store.get("mark", "key", now=NOON) is None
    assert await store.get("record", "key", now=NOON) is None

    await store.put_all({("mark", "key"): {"n": 1}, ("record", "key"): {"n": 2}}, expires_at=LATER)

    assert await store.get("mark", "key", now=NOON) == {"n": 1}
    assert await store.get("record", "key", now=NOON) == {"n": 2}


async def test_a_read_only_file_is_unavailable_and_recovers() -> None:
    with tempfile.TemporaryDirectory() as name:  # a folder that others may enter, unlike pytest's own
        folder = Path(name)
        await (await open_sqlite(f"sqlite:///{name}/store.db")).close()

        with read_only(folder), pytest.raises(Unavailable) as raised:
            await open_sqlite(f"sqlite:///{name}/store.db")
        store = await open_sqlite(f"sqlite:///{name}/store.db")

        assert raised.value.detail.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN"))
        assert await works(store)
        await store.close()


async def test_a_corrupted_file_is_unavailable(file: Path) -> None:
    overwrite(file)

    with pytest.raises(Unavailable) as raised:
        await open_sqlite(f"sqlite:///{file}")

    assert raised.value.detail == "SQLITE_NOTADB"


async def test_a_file_that_is_corrupted_while_it_is_used_is_unavailable_and_then_recovers(
    store: SqliteStore, file: Path
) -> None:
    with sqlite3.connect(file) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    good = overwrite(file)

    detail = await unavailable(store)
    overwrite(file, by=good)

    assert detail in ("SQLITE_NOTADB", "SQLITE_CORRUPT")
    assert await works(store)


async def test_a_file_that_is_gone_is_not_made_anew_by_a_running_store(store: SqliteStore, file: Path) -> None:
    with locked_by_another_process(file):
        await unavailable(store)  # which drops the connection
    remove_all(file.parent)

    detail = await unavailable(store)

    assert (detail, remove_all(file.parent)) == ("SQLITE_CANTOPEN", [])


async def test_a_process_that_is_killed_while_writing_loses_nothing_that_it_was_told_is_safe(file: Path) -> None:
    told = write_until_killed(file)

    store = await open_sqlite(f"sqlite:///{file}")
    kept = [await store.get("kind", f"key-{number}", now=NOON) for number in told]
    await store.close()

    assert None not in kept
    assert sqlite3.connect(file).execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_a_file_of_a_newer_release_is_refused_and_left_alone(file: Path) -> None:
    await (await open_sqlite(f"sqlite:///{file}")).close()
    with sqlite3.connect(file) as other:
        other.execute("PRAGMA user_version = 99")

    with pytest.raises(NewerSchema, match=f"schema version `99`, expected at most `{len(MIGRATIONS)}`"):
        await open_sqlite(f"sqlite:///{file}")

    assert sqlite3.connect(file).execute("PRAGMA user_version").fetchone() == (99,)


async def test_a_file_that_becomes_newer_while_it_is_used_is_unavailable(store: SqliteStore, file: Path) -> None:
    with locked_by_another_process(file):
        await unavailable(store)  # which drops the connection
    with sqlite3.connect(file) as other:
        other.execute("PRAGMA user_version = 99")

    assert "schema version `99`" in await unavailable(store)


async def test_what_was_stored_is_there_after_a_restart(file: Path) -> None:
    first = await open_sqlite(f"sqlite:///{file}")
    await first.claim("kind", "key", expires_at=LATER, now=NOON)
    await first.close()
    second = await open_sqlite(f"sqlite:///{file}")

    claimed = await second.claim("kind", "key", expires_at=LATER, now=NOON)
    await second.close()

    assert not claimed


async def test_nobody_else_may_read_the_store(store: SqliteStore, file: Path) -> None:
    await works(store)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (file.parent, *file.parent.iterdir())}

    assert modes == {"state": 0o700, "store.db": 0o600, "store.db-wal": 0o600, "store.db-shm": 0o600}


async def test_a_relative_url_is_relative_to_where_the_service_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    await (await open_sqlite("sqlite:///state/store #1?.db")).close()

    assert (tmp_path / "state" / "store #1?.db").exists()


@pytest.mark.parametrize("url", ["", "sqlite://", "sqlite:///", "sqlite:store.db", "redis:///0", "/store.db"])
async def test_another_url_is_an_error_at_start(url: str) -> None:
    with pytest.raises(ValueError, match="unexpected store"):
        await open_sqlite(url)


async def test_purging_leaves_nothing_expired_in_the_file(store: SqliteStore, file: Path) -> None:
    for number in range(5):
        await store.put("kind", f"old-{number}", {}, expires_at=NOON)
    await store.put("kind", "new", {}, expires_at=LATER)

    removed = await store.purge(now=NOON)

    assert removed == 5
    assert sqlite3.connect(file).execute("SELECT key FROM entry").fetchall() == [("new",)]


async def test_what_was_used_stays_used_where_another_file_lay_in_the_place_of_the_store_for_a_while(
    tmp_path: Path,
) -> None:
    file, away = tmp_path / "store.db", tmp_path / "away"
    store = await open_sqlite(f"sqlite:///{file}")
    assert await store.claim("replay", "token", expires_at=LATER, now=NOON)
    with locked_by_another_process(file), pytest.raises(Unavailable):
        await store.claim("replay", "another", expires_at=LATER, now=NOON)
    away.mkdir()
    move_all(tmp_path, away)
    await (await open_sqlite(f"sqlite:///{file}")).close()  # an empty store, in its place
    with pytest.raises(Unavailable, match="replaced"):
        await store.claim("replay", "a third", expires_at=LATER, now=NOON)
    move_all(away, tmp_path)

    assert not await store.claim("replay", "token", expires_at=LATER, now=NOON)
    await store.close()


async def test_a_copy_in_the_place_of_the_store_is_not_taken_for_it(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    store = await open_sqlite(f"sqlite:///{file}")
    copy = file.read_bytes()
    with locked_by_another_process(file), pytest.raises(Unavailable):  # its connection ends
        await store.put("kind", "key", {}, expires_at=LATER)
    remove_all(tmp_path)
    file.write_bytes(copy)  # many file systems give it the number that has just become free

    with pytest.raises(Unavailable, match="replaced"):
        await store.put("kind", "key", {}, expires_at=LATER)
    await store.close()
