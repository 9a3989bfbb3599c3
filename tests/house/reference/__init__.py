"""The tables of the documentation, made from the code: `make docs` writes them, `tests/house` compares them.

A row never stands here. It comes from where the thing itself is declared; the sentence beside it comes from as near as
there is a place for one, and a thing without a sentence is an error that names it.
"""

from pathlib import Path

from tests.house.reference import adapters, commands, metrics, reasons, record, settings, spans
from tests.house.reference.listing import Listing

REPOSITORY = Path(__file__).resolve().parents[3]
PAGES = ("README.md", "REFERENCE.md")


def listings() -> tuple[Listing, ...]:
    """Make every table that a page may hold."""
    return (
        adapters.identity_adapters(),
        adapters.evidence_formats(),
        adapters.platforms(REPOSITORY),
        adapters.stores(REPOSITORY),
        commands.commands(),
        settings.settings(REPOSITORY),
        reasons.reasons(),
        record.record(),
        spans.spans(REPOSITORY),
        metrics.metrics(),
    )
