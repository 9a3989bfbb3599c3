"""The decision record: every field of its class and of what lies in it, with a sentence for each (`sentences.py`)."""

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import get_args, get_type_hints

import msgspec

from plugin.core.record import SCHEMA, DecisionRecord
from tests.house.reference.listing import Listing, code
from tests.house.reference.sentences import RECORD

SCHEMA_FILE = Path("deploy") / "decision-record.schema.json"


def record() -> Listing:
    """List every field by its path."""
    rows = tuple((code(path), RECORD.get(path, "")) for path in paths(DecisionRecord))
    return Listing(
        name="record",
        columns=("Field", "What it says"),
        rows=rows,
        sentence_from="RECORD in tests/house/reference/sentences.py",
    )


def paths(kind: type, *, within: str = "") -> Iterator[str]:
    """Name each field of a class, and below it those of the classes that it holds."""
    hints = get_type_hints(kind)
    for one in fields(kind):  # type: ignore[arg-type]  # mypy knows no type of dataclasses
        yield f"{within}{one.name}"
        for part in (hints[one.name], *get_args(hints[one.name])):
            if isinstance(part, type) and is_dataclass(part):
                yield from paths(part, within=f"{within}{one.name}.")


def json_schema() -> str:
    """Return the JSON Schema of a line of the decision log."""
    schema = msgspec.json.schema(DecisionRecord)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A decision of Vestibule, schema {SCHEMA}",
    }
    return json.dumps(head | schema, indent=2) + "\n"
