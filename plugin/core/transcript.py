"""What a device signs to join: one person, one device, one conference, one moment (ARCHITECTURE.md, Binding)."""

from dataclasses import dataclass
from enum import Enum
from hashlib import sha256

VERSION = "vestibule/v1"


class Purpose(Enum):
    """A signature made for one purpose is worth nothing for another."""

    JOIN = "join"
    ENROL = "enrol"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """The parts of T. `origin` is that of `[server] public_url`; `conference` is a canonical alias, empty to enrol."""

    purpose: Purpose
    tenant: str
    origin: str
    conference: str
    nonce: bytes
    unverified_token: str | None

    def digest(self) -> bytes:
        """T: the 32 bytes that a signature covers, as a message."""
        token_hash = sha256(self.unverified_token.encode()).digest() if self.unverified_token else b""
        parts = (
            VERSION.encode(),
            self.purpose.value.encode(),
            self.tenant.encode(),
            self.origin.encode(),
            self.conference.encode(),
            self.nonce,
            token_hash,
        )
        # The length before each part keeps one part's tail from becoming the next part's head.
        return sha256(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).digest()
