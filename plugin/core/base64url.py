"""base64url without padding, as RFC 7515 section 2 writes it, in its one canonical spelling."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

_ALPHABET = re.compile(r"[A-Za-z0-9_-]*")


def encode(raw: bytes) -> str:
    """Encode without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Decode strictly. Raises ValueError for padding, foreign characters, or bits that another spelling would drop."""
    if not _ALPHABET.fullmatch(text) or len(text) % 4 == 1:
        raise ValueError("not base64url without padding")
    raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    # Several spellings can lead to the same bytes; accepting one only keeps a text's hash and its meaning together.
    if encode(raw) != text:
        raise ValueError("not canonical base64url")
    return raw
