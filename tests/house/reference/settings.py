"""The settings: every key that the reader of the configuration asks for while it reads the example.

The reader itself is run, on tables that note what they are asked; so a new setting is found without being listed. A
key that is asked for by name in the source and never while the example is read is an error, and so is a key that the
example does not explain.
"""

import ast
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plugin.shell.config import read_tables
from plugin.shell.toml_reader import Problems, Table
from tests.house.reference.example import TABLE, Comments, plain, read_comments
from tests.house.reference.listing import Listing, code

EXAMPLE = Path("deploy") / "vestibule.toml"
KINDS = {
    "flag": "true or false",
    "optional_flag": "true or false",
    "text": "text",
    "texts": "list of texts",
    "text_or_texts": "text or list of texts",
    "choice": "text",
    "choices": "list of texts",
    "number": "whole number",
    "url": "URL",
    "subject": "`issuer#subject`",
    "networks": "list of networks",
    "path": "path",
    "paths": "path or list of paths",
    "content": "path of a file",
    "secret": "secret",
    "mapping": "table",
    "table": "table",
    "tables": "tables",
    "has": "",
    "rest": "any",
}
"""What each method of `Table` reads. One that is missing here is an error."""
OTHERS = frozenset({"key", "problem", "finish", "check_subject"})
"""The methods of `Table` that read no key."""
OPTIONAL = frozenset({"networks", "mapping", "table", "tables", "optional_flag", "choices", "has", "rest"})
ANY_KEY = "..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One key that was asked for. `place` is its table's path, such as `idp[0]`."""

    place: str
    key: str
    method: str
    default: object = None
    required: bool = False


@dataclass(slots=True, kw_only=True)
class Log(Problems):
    """The problems of a file, which nobody reads here, and what was asked of its tables. `deep` = within a method."""

    readings: list[Reading] = field(default_factory=list)
    deep: bool = False


class NotingTable(Table):
    """A table that notes what it is asked for."""


def _noting(method: str) -> Callable[..., Any]:
    def read(table: NotingTable, name: str = ANY_KEY, **how: Any) -> Any:
        asked = () if method == "rest" else (name,)
        log = table.problems
        if not isinstance(log, Log) or log.deep:
            return getattr(Table, method)(table, *asked, **how)
        default = how.get("default")
        required = bool(how.get("required", method not in OPTIONAL and default is None))
        log.readings.append(Reading(place=table.place, key=name, method=method, default=default, required=required))
        log.deep = True  # what a method asks on its own account is one question with it
        try:
            return getattr(Table, method)(table, *asked, **how)
        finally:
            log.deep = False

    return read


for _method in KINDS:
    setattr(NotingTable, _method, _noting(_method))


def settings(repository: Path) -> Listing:
    """List every setting, in the order of the example."""
    text = (repository / EXAMPLE).read_text(encoding="utf-8")
    readings = read_all(text)
    zones = zones_in(text)
    rows = [*rows_of(readings, comments=read_comments(text, zones=zones), zones=zones)]
    sources = (file.read_text(encoding="utf-8") for file in sorted(repository.glob("plugin/**/*.py")))
    readers = [source for source in sources if "toml_reader import" in source]
    rows += [("", code(key), "", "", "") for key in unreached(readers, readings=readings)]
    return Listing(
        name="settings",
        columns=("Table", "Key", "Kind", "Default", "Meaning"),
        rows=tuple(rows),
        sentence_from=f"the comment beside the key in {EXAMPLE}, which has to give it a value",
    )


def unknown_methods(reader: type[Table] = Table) -> frozenset[str]:
    """Name the methods of a table of which it is not known whether they read a key."""
    methods = {name for name, part in vars(reader).items() if callable(part) and not name.startswith("_")}
    return frozenset(methods - KINDS.keys() - OTHERS)


def read_all(text: str) -> tuple[Reading, ...]:
    """Read an example by the reader of the configuration, and return what it asked for. Its problems do not matter.

    Keys that are there as a comment are read as well: some readers ask no further where there is none.
    """
    log = Log(file="example", folder=Path())
    whole = re.sub(r"^# (?=[\w-]+ = )", "", text, flags=re.MULTILINE)
    read_tables(NotingTable(tomllib.loads(whole), path="", problems=log), file=Path("example"))
    return tuple(log.readings)


def zones_in(text: str) -> frozenset[str]:
    """Return the names of the example's zones, which are keys elsewhere."""
    return frozenset(zone["name"] for zone in tomllib.loads(text).get("zone", []))


def rows_of(
    readings: Iterable[Reading], *, comments: Comments, zones: frozenset[str]
) -> Iterator[tuple[str, str, str, str, str]]:
    """Make one row of all that was asked about one key; a table whose keys have rows has none of its own."""
    merged: dict[tuple[str, str], list[Reading]] = {}
    for one in readings:
        merged.setdefault((plain(one.place, zones=zones), plain(one.key, zones=zones)), []).append(one)
    tables = {table for table, _ in merged}
    for table, key in sorted(merged, key=lambda place: comments.order(*place)):
        some = merged[table, key]
        kinds = [one.method for one in some if one.method != "has"] or ["has"]
        if kinds[0] in {"table", "tables", "has"} and f"{table}.{key}".lstrip(".") in tables:
            continue
        yield _row(table, key, kind=kinds[0], some=some, comments=comments)


def _row(table: str, key: str, *, kind: str, some: list[Reading], comments: Comments) -> tuple[str, str, str, str, str]:
    names = (f"{key}_file", f"{key}_env") if kind == "secret" else (key,)
    places = (TABLE,) if key == ANY_KEY else names
    sentence = next(filter(None, (comments.sentence(table, place) for place in places)), "")
    header = f"[[{table}]]" if some[0].place.endswith("]") else f"[{table}]"
    defaults = {one.default for one in some if one.default not in (None, "")}
    shown = "required" if not defaults and all(one.required for one in some) else ""
    if len(defaults) == 1:  # where it depends, the sentence says on what
        shown = code(_toml(*defaults))
    return code(header) if table else "", " or ".join(map(code, names)), KINDS[kind], shown, sentence


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else str(value)


def unreached(sources: Iterable[str], *, readings: Iterable[Reading]) -> tuple[str, ...]:
    """Name each key that a source asks a table for by a literal, and that no reading of the example has come to."""
    reached = {reading.key for reading in readings}
    asked = {
        node.args[0].value
        for source in sources
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in KINDS
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }
    return tuple(sorted(asked - reached))
