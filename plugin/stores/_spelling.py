"""How a store spells what it keeps: equal values are equal texts, which is what a swap compares."""

import json
import sqlite3

from plugin.ports import Json


def text_of(value: Json) -> str:
    """Write a value in its one spelling."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def value_of(text: str) -> Json:
    """Read what was written."""
    value: Json = json.loads(text)
    return value


def value_if(text: str | None) -> Json | None:
    """Read what was written, if there is anything."""
    return None if text is None else value_of(text)


def version_of(connection: sqlite3.Connection) -> int:
    """Read by which version of the tables a file is spelt."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
