"""The embedded store: one SQLite file, shared safely by the processes of one machine.

One thread owns the one connection, so the event loop never waits for a disk, and a question that gives up waiting
leaves nothing half done: what it asked for ends later, whole, or is never begun. What has come by the time the thread
is free is one transaction.

Every change is one statement that holds only if what it relies on still does; there is no other locking. In WAL with
`synchronous = FULL` an entry that is put is on the disk before anybody is told of it. A claim or a swap is written
down with the next entry, in the same log: every answer of this house follows the record of its decision, so a power
failure that undoes a claim undoes what would have been answered for it. That is one fsync for each decision, and one
for all decisions that are under way at once.

After an error the connection is dropped and the next call makes a new one, to the same file: a lock, a full disk or a
read-only file system costs refusals while it lasts, and no restart. Only the start makes a file, or takes another one,
for an empty store has forgotten what was used. Errors name SQLite's code, never a key or a value.
"""

import asyncio
import errno
import os
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TypeVar, cast

from plugin.core.errors import Unavailable
from plugin.core.reasons import Reason
from plugin.ports import Json
from plugin.stores._spelling import text_of, value_if, value_of, version_of
from plugin.stores._turns import Outcome, Turns

T = TypeVar("T")
Row = dict[str, str | float]

SCHEME = "sqlite:///"
BUSY_SECONDS = 0.5
PURGE_AT_MOST = 256
REPLACED = "replaced or removed while in use"

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE entry (kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, expires_at REAL NOT NULL,"
        " PRIMARY KEY (kind, key)) WITHOUT ROWID",
        "CREATE INDEX entry_by_expiry ON entry (expires_at)",
    ),
)
"""Step N leads from `user_version` N to N + 1. Steps are added, never changed."""

_COLUMNS = ("kind", "key", "value", "expires_at")
_PUT = (
    "INSERT INTO entry (kind, key, value, expires_at) VALUES (:kind, :key, :value, :expires_at)"
    " ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at"
)
_CLAIM = f"{_PUT} WHERE entry.expires_at <= :now"
_GET = "SELECT value FROM entry WHERE kind = :kind AND key = :key AND expires_at > :now"
_PAGE = "SELECT key, value FROM entry WHERE kind = :kind AND key > :last AND expires_at > :now ORDER BY key LIMIT :most"
_TAKE = "DELETE FROM entry WHERE kind = :kind AND key = :key AND value = :value AND expires_at > :now"
_SWAP = (
    "UPDATE entry SET value = :new, expires_at = :expires_at"
    " WHERE kind = :kind AND key = :key AND value = :old AND expires_at > :now"
)
_PURGE = (
    "DELETE FROM entry WHERE (kind, key) IN"
    " (SELECT kind, key FROM entry WHERE expires_at <= :now ORDER BY expires_at LIMIT :at_most)"
)


class NewerSchema(ValueError):
    """The file was written by a newer release, which may rely on what this one does not know."""


async def open_sqlite(url: str) -> "SqliteStore":
    """Open `sqlite:///relative/path` or `sqlite:////absolute/path`; what is missing is made, for this user alone.

    Raises ValueError for another URL, NewerSchema, and Unavailable where the file cannot be used now.
    """
    path = _path(url)
    thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
    try:
        connection = await asyncio.get_running_loop().run_in_executor(thread, _create, path)
    except (sqlite3.Error, OSError) as error:
        raise _unavailable(error) from error
    return SqliteStore(path, connection=connection, thread=thread)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """One statement, or a few. `changes` = it may change something; `synced` = it has to be on the disk when told."""

    do: Callable[[sqlite3.Connection], object]
    changes: bool
    synced: bool


class SqliteStore:
    """A `Store` in one file; `thread` is the only one that touches the connection."""

    def __init__(self, path: Path, *, connection: sqlite3.Connection, thread: ThreadPoolExecutor) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = connection
        self._thread = thread
        self._file = _file(path)
        # Held for life, so that no other file gets its number. Unlike others, this kind of descriptor holds no locks.
        self._pin = os.open(path, os.O_PATH)
        self._turns: Turns[_Work] = Turns(thread=thread, do=self._attempt, monotonic=time.monotonic)
        self._closed = False

    async def put(self, kind: str, key: str, value: Json, *, expires_at: datetime, synced: bool = True) -> None:
        await self.put_all({(kind, key): value}, expires_at=expires_at, synced=synced)

    async def put_all(
        self, entries: Mapping[tuple[str, str], Json], *, expires_at: datetime, synced: bool = True
    ) -> None:
        rows = [(kind, key, text_of(value), expires_at.timestamp()) for (kind, key), value in entries.items()]
        await self._run(lambda connection: _write(connection, rows), synced=synced)

    async def get(self, kind: str, key: str, *, now: datetime) -> Json | None:
        row: Row = {"kind": kind, "key": key, "now": now.timestamp()}
        return value_if(await self._run(lambda connection: _read(connection, row), changes=False))

    async def take(self, kind: str, key: str, *, now: datetime) -> Json | None:
        row: Row = {"kind": kind, "key": key, "now": now.timestamp()}
        return value_if(await self._run(lambda connection: _take(connection, row)))

    async def claim(self, kind: str, key: str, *, expires_at: datetime, now: datetime) -> bool:
        times = {"expires_at": expires_at.timestamp(), "now": now.timestamp()}
        row: Row = {"kind": kind, "key": key, "value": "{}", **times}
        return await self._run(lambda connection: connection.execute(_CLAIM, row).rowcount == 1)

    async def swap(self, kind: str, key: str, *, old: Json, new: Json, expires_at: datetime, now: datetime) -> bool:
        row: Row = {"kind": kind, "key": key, "old": text_of(old), "new": text_of(new)}
        row |= {"expires_at": expires_at.timestamp(), "now": now.timestamp()}
        return await self._run(lambda connection: connection.execute(_SWAP, row).rowcount == 1)

    async def page(self, kind: str, *, after: str, limit: int, now: datetime) -> tuple[tuple[str, Json], ...]:
        row: Row = {"kind": kind, "last": after, "most": limit, "now": now.timestamp()}
        found = await self._run(lambda connection: connection.execute(_PAGE, row).fetchall(), changes=False)
        return tuple((str(key), value_of(text)) for key, text in found)

    async def purge(self, *, now: datetime) -> int:
        row: Row = {"now": now.timestamp(), "at_most": PURGE_AT_MOST}
        return await self._run(lambda connection: connection.execute(_PURGE, row).rowcount)

    def waiting(self, *, calls: int) -> float:
        return self._turns.waiting(calls=calls)

    async def close(self) -> None:
        """End what has begun, then close. A call that comes later finds the store unavailable."""
        if self._closed:
            return
        self._closed = True
        await self._turns.end()
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        finally:
            self._thread.shutdown(wait=False)
            os.close(self._pin)

    async def _run(self, do: Callable[[sqlite3.Connection], T], *, changes: bool = True, synced: bool = False) -> T:
        if self._closed:
            raise Unavailable("store", Reason.STORE_UNAVAILABLE, "closed")
        return cast("T", await self._turns.take(_Work(do=do, changes=changes, synced=synced)))

    def _attempt(self, works: Sequence[_Work]) -> Sequence[Outcome]:
        """Do what reads, then what changes: what has been read stays true where a change fails."""
        done: dict[int, object] = {}
        try:
            if self._connection is None:
                self._connection = _connect(self._path)
            done |= _do(self._connection, works, changes=False)
            done |= _change(self._connection, works)
        except (sqlite3.Error, NewerSchema) as error:
            self._disconnect()
            return [done[number] if number in done else _unavailable(error) for number in range(len(works))]
        # Afterwards: what was asked of a file that nobody will find again is neither written down nor known.
        if _file(self._path) != self._file:
            self._disconnect()  # what it is connected to may be another file, though the right one comes back
            return [Unavailable("store", Reason.STORE_UNAVAILABLE, REPLACED) for _ in works]
        return [done[number] for number in range(len(works))]

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()


def _change(connection: sqlite3.Connection, works: Sequence[_Work]) -> dict[int, object]:
    """Make all changes in one transaction. Nobody's result leaves here before it is committed."""
    changes = [work for work in works if work.changes]
    if not changes:
        return {}
    synced = any(work.synced for work in changes)
    connection.execute(f"PRAGMA synchronous = {'FULL' if synced else 'NORMAL'}")
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        return _do(connection, works, changes=True)


def _do(connection: sqlite3.Connection, works: Sequence[_Work], *, changes: bool) -> dict[int, object]:
    return {number: work.do(connection) for number, work in enumerate(works) if work.changes is changes}


def _path(url: str) -> Path:
    name = url.removeprefix(SCHEME)
    if name in (url, ""):
        raise ValueError(f"unexpected store `{url}`, expected `{SCHEME}path/of/file.db`")
    return Path(name).absolute()


def _file(path: Path) -> tuple[int, int] | None:
    """Say which file it is; None = there is none. While it is pinned, no other file gets the same numbers."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _create(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Only if it is not there: to open and close an existing file drops the locks that this process has on it.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    return _connect(path)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        _use_wal(connection)
        connection.execute("PRAGMA synchronous = FULL")
        _migrate(connection)
    except (sqlite3.Error, NewerSchema):
        connection.close()
        raise
    return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        # SQLite does not wait for this lock. Who holds it is making the same switch, and once is enough for the file.
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise


def _migrate(connection: sqlite3.Connection) -> None:
    if version_of(connection) == len(MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")  # where another process migrates, this waits, and asks again
    with connection:
        if problem := schema_problem(connection):
            raise NewerSchema(problem)
        for statement in chain.from_iterable(MIGRATIONS[version_of(connection) :]):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def schema_problem(connection: sqlite3.Connection) -> str:
    """Say why this release cannot use the file; empty where it can."""
    version = version_of(connection)
    return f"store has schema version `{version}`, expected at most `{len(MIGRATIONS)}`" * (version > len(MIGRATIONS))


def _read(connection: sqlite3.Connection, row: Row) -> str | None:
    found = connection.execute(_GET, row).fetchone()
    return None if found is None else str(found[0])


def _write(connection: sqlite3.Connection, rows: list[tuple[str, str, str, float]]) -> None:
    for row in rows:  # and no cursor leaves this thread: another that drops it resets a statement that is in use here
        connection.execute(_PUT, dict(zip(_COLUMNS, row, strict=True)))


def _take(connection: sqlite3.Connection, row: Row) -> str | None:
    while (text := _read(connection, row)) is not None:
        if connection.execute(_TAKE, row | {"value": text}).rowcount == 1:
            return text
    return None


def _unavailable(error: sqlite3.Error | OSError | NewerSchema) -> Unavailable:
    match error:
        case sqlite3.Error():
            detail = getattr(error, "sqlite_errorname", type(error).__name__)
        case OSError():
            detail = errno.errorcode.get(error.errno or 0, type(error).__name__)
        case NewerSchema():
            detail = str(error)
    return Unavailable("store", Reason.STORE_UNAVAILABLE, detail)
