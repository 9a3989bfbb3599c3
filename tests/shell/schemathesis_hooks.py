"""What schemathesis cannot read in the document: how aliases look, and a limit that no schema can say."""

from collections.abc import Iterator

import schemathesis
from hypothesis import strategies as st

schemathesis.openapi.format("conference-alias", st.sampled_from(["board", "sip:Summit;x=1", "nobody@example.com"]))


@schemathesis.hook
def filter_body(_context: object, body: object) -> bool:
    """Leave out integers with more characters than the document's text allows: a schema knows values, not spellings."""
    return all(len(str(number)) <= 19 for number in integers(body))


def integers(node: object) -> Iterator[int]:
    match node:
        case int():
            yield node
        case dict():
            for part in node.values():
                yield from integers(part)
        case list():
            for part in node:
                yield from integers(part)
