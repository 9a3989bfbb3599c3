"""Reads decision records: one out of the store while the service runs, or line by line out of a decision log.

It must never write: the store is opened read-only, and a log is read from its beginning in bounded memory.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import msgspec

from plugin.core.record import SCHEMA, DecisionRecord
from plugin.flow.ledger import KIND
from plugin.shell.check import CheckFailed
from plugin.stores.sqlite import BUSY_SECONDS, SCHEME

MAX_LINE = 1024 * 1024
_FIND = "SELECT value FROM entry WHERE kind = ? AND key = ?"
_DECODER = msgspec.json.Decoder(DecisionRecord)


@dataclass(frozen=True, slots=True, kw_only=True)
class BadLine:
    """A line that holds no record, and why; nothing of what it holds."""

    number: int
    problem: str


def find_in_store(url: str, *, decision_id: str) -> DecisionRecord | None:
    """Find a record in the store. Raises CheckFailed where that cannot be read."""
    path = Path(url.removeprefix(SCHEME))
    try:
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)
        with closing(connection):
            row = connection.execute(_FIND, (KIND, decision_id)).fetchone()
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        raise CheckFailed((f"{path}: the store cannot be read: {name}",)) from None
    if row is None:
        return None
    record = _read(row[0].encode())
    if isinstance(record, str):
        raise CheckFailed((f"{decision_id}: {record}",))
    return record


def find_in_log(file: Path, *, decision_id: str) -> DecisionRecord | None:
    """Find a record in a log: the last of its id, since a later line takes an earlier one's place."""
    found = None
    for line in read_log(file):
        if isinstance(line, DecisionRecord) and line.decision_id == decision_id:
            found = line
    return found


def read_log(file: Path) -> Iterator[DecisionRecord | BadLine]:
    """Read every line. Raises CheckFailed where the file cannot be read."""
    try:
        with file.open("rb") as lines:
            number = 0
            while line := lines.readline(MAX_LINE):
                number += 1
                record = _read(line) if line.endswith(b"\n") else _cut_off(line)
                yield BadLine(number=number, problem=record) if isinstance(record, str) else record
                while not line.endswith(b"\n") and line:
                    line = lines.readline(MAX_LINE)
    except OSError as error:
        raise CheckFailed((f"{file}: cannot be read: {(error.strerror or 'unknown error').lower()}",)) from None


def _cut_off(line: bytes) -> str:
    return f"longer than {MAX_LINE} bytes" if len(line) >= MAX_LINE else "cut off"


def _read(text: bytes) -> DecisionRecord | str:
    try:
        record = _DECODER.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return "not a decision record"
    if record.schema != SCHEMA:
        return f"a record of schema {record.schema}, expected {SCHEMA}"
    return record
