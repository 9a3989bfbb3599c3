"""One table of the documentation, and the pages that hold such tables between two markers."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_PLACE = re.compile(r"(?P<start><!-- generated: (?P<name>[a-z-]+)[^>]*-->\n).*?(?P<end><!-- end -->)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The last cell of each row is its sentence; `sentence_from` says where such a sentence is written."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    sentence_from: str

    def lacking(self) -> tuple[str, ...]:
        """Name each row that nobody has explained."""
        return tuple(
            f"{self.name}: {' '.join(filter(None, row[:-1]))} lacks its sentence: {self.sentence_from}"
            for row in self.rows
            if not row[-1].strip()
        )

    def markdown(self) -> str:
        """Write it as a table."""
        lines = [self.columns, ("---",) * len(self.columns), *self.rows]
        return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    """Write a word as code."""
    return f"`{text}`"


def first_sentence(docstring: str | None) -> str:
    """Return the first line of a docstring: a sentence, by house rule."""
    return (docstring or "").strip().partition("\n")[0]


def lacking(listings: Iterable[Listing]) -> tuple[str, ...]:
    """Name each row of any table that nobody has explained."""
    return tuple(fault for listing in listings for fault in listing.lacking())


def fill(page: str, listings: Iterable[Listing]) -> str:
    """Return the page with each of its tables made anew. Raises KeyError for a table that nobody makes."""
    tables: Mapping[str, Listing] = {listing.name: listing for listing in listings}
    return _PLACE.sub(lambda place: place["start"] + tables[place["name"]].markdown() + place["end"], page)


def held(page: str) -> frozenset[str]:
    """Return the names of the tables that a page holds."""
    return frozenset(place["name"] for place in _PLACE.finditer(page))
