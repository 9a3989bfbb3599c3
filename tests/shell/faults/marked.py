"""Texts that nobody may find again, and a search for them as bytes, in the forms in which they could have got out."""

import secrets
from base64 import b64encode
from collections.abc import Iterator

WINDOW = 8
"""No mark is shorter than this, in whatever form."""


class Marks:
    """Secrets and words about people, by what they are. Each is unmistakable: it occurs nowhere by chance."""

    def __init__(self) -> None:
        self._forms: dict[bytes, str] = {}

    def note(self, what: str, text: str) -> str:
        """Note a text that was not made here, and return it."""
        self._forms |= dict.fromkeys(_forms(text.encode()), what)
        return text

    def make(self, what: str) -> str:
        """Make a text and note it: one word, so that no notation writes it in another way."""
        return self.note(what, f"zq{secrets.token_hex(8)}")

    def found_in(self, place: bytes) -> set[str]:
        """Say what can be found in some bytes."""
        lowered = place.lower()
        # Thousands of searches through megabytes would take minutes.
        windows = {lowered[at : at + WINDOW] for at in range(len(lowered))}
        return {what for form, what in self._forms.items() if form[:WINDOW] in windows and form in lowered}


def _forms(octets: bytes) -> Iterator[bytes]:
    """Write a text in lower case: as it is, in hexadecimal, and in both base64 wherever it may begin."""
    yield octets.lower()
    yield octets.hex().encode()
    for before in range(3):
        # The first and the last group depend on what stands beside it.
        inner = b64encode(bytes(before) + octets)[4:-4].lower()
        yield inner
        yield inner.replace(b"+", b"-").replace(b"/", b"_")
