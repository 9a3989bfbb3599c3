"""What the demo says in the terminal: plain text, and no secrets."""

from plugin.shell.demo.clock import BEGINS
from plugin.shell.demo.joins import Join

BANNER = """
  +-------------------------------------------------------------------+
  |  D E M O     throw-away keys, loopback only, never for real use   |
  +-------------------------------------------------------------------+
"""
WIDTHS = (7, 13, 9, 8, 7, 9)


def welcome() -> str:
    """Return the banner, and what is true of everything below it."""
    return f"{BANNER}\n  The demo's clock runs from {BEGINS}.\n"


def fates(joins: tuple[Join, ...]) -> str:
    """Return a table of what became of everybody."""
    head = ("Who", "Conference", "Outcome", "Zone", "Role", "Expected", "Because")
    return "\n".join(_line(row) for row in (head, *map(_row, joins))) + "\n"


def _row(join: Join) -> tuple[str, ...]:
    record, end, person = join.decisive, join.end, join.person
    reasons = " ".join(mark.message for mark in record.reasons) if record else "no decision was made"
    return (
        person.name if person else "-",
        person.conference if person else "-",
        record.outcome if record else "-",
        (record.zone if record else None) or "-",
        {"chair": "Host", "guest": "Guest"}.get((end.role if end else None) or "", "-"),
        "yes" if join.is_as_expected else "NO",
        reasons,
    )


def _line(row: tuple[str, ...]) -> str:
    *fields, last = row
    padded = [text.ljust(width) for text, width in zip(fields, WIDTHS, strict=True)]
    return f"  {' '.join(padded)} {last}"
