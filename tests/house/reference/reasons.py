"""The reasons that a decision can have, with what an operator does about each (`sentences.py`)."""

from plugin.core.reasons import Reason
from tests.house.reference.listing import Listing, code
from tests.house.reference.sentences import ADVICE


def reasons() -> Listing:
    """List every reason in the order of its declaration."""
    return Listing(
        name="reasons",
        columns=("Reason", "The person reads", "The operator"),
        rows=tuple((code(reason.code), reason.sentence, ADVICE.get(reason.code, "")) for reason in Reason),
        sentence_from="ADVICE in tests/house/reference/sentences.py",
    )
