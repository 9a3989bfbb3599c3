"""Reads the comments of `deploy/vestibule.toml`: the one place where each setting is explained.

The comment of a key stands beside it, and goes on in lines that begin with space. That of a table stands beside its
header, or in whole lines right above it. A key may be there as a comment itself, `# key = value  # like this`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_HEADER = re.compile(r"\[{1,2}([^\]]+)\]{1,2}\s*(?:#(.*))?")
_PAIR = re.compile(r'(?:# ?)?("[^"]*"|[\w-]+) = (.*)')
_VALUE = re.compile(r"""((?:"(?:\\.|[^"\\])*"|'[^']*'|[^#"'])*)(?:#(.*))?""")
TABLE = ""
"""The key under which the comment of a table itself is found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comments:
    """What is said of each key of each table, in the order of the file. Empty = the key is there, without a word."""

    of: Mapping[tuple[str, str], str]

    def sentence(self, table: str, key: str) -> str:
        """Return what is said of a key, or of the table of that name that it holds."""
        return self.of.get((table, key)) or self.of.get((f"{table}.{key}" if table else key, TABLE), "")

    def order(self, table: str, key: str) -> tuple[int, int]:
        """Return where a key stands, for sorting; what is not there comes last."""
        places = list(self.of)
        tables = [name for name, _ in places]
        here = places.index((table, key)) if (table, key) in self.of else len(places)
        return (tables.index(table) if table in tables else len(places)), here


def plain(place: str, *, zones: frozenset[str]) -> str:
    """Write the path of a table without the numbers in it, and without the names of zones, which are data."""
    parts = re.sub(r"\[\d+\]", "", place).split(".")
    return ".".join("ZONE" if part in zones else part for part in parts)


def read_comments(text: str, *, zones: frozenset[str]) -> Comments:
    """Read the comments of an example."""
    found: dict[tuple[str, str], str] = {}
    place, last = "", None
    above: list[str] = []
    for line in text.splitlines():
        header, pair = _HEADER.fullmatch(line), _PAIR.fullmatch(line)
        if header:
            place = plain(header[1], zones=zones)
            last = (place, TABLE)
            _add(found, last, header[2] or " ".join(above))
        elif pair:
            last = (place, pair[1].strip('"'))
            _add(found, last, _comment(pair[2]))
        elif last and re.match(r"\s+#", line):
            found[last] = f"{found[last]} {line.strip().lstrip('# ')}".strip()
        above = [*above, line.lstrip("# ")] if line.startswith("#") and not pair else []
    return Comments(of=found)


def _add(found: dict[tuple[str, str], str], place: tuple[str, str], comment: str) -> None:
    """Keep the first that is said of a key; a table may come more than once."""
    found[place] = found.get(place) or comment.strip()


def _comment(value: str) -> str:
    match = _VALUE.fullmatch(value)
    return match[2] or "" if match else ""
