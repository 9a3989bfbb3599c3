"""Fields of a payload, of a device on record and of an authenticator's data, read strictly. Raises Refused."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256

from plugin.attestation import _cbor
from plugin.core import base64url
from plugin.core.errors import Refused
from plugin.core.reasons import Reason

MAX_OBJECT = 24 * 1024
HEADER = 37
MIN_CREDENTIAL = 16
MAX_CREDENTIAL = 1023
_UP, _UV, _BE, _BS, _AT, _ED = 1, 4, 8, 16, 64, 128


def malformed(detail: str) -> Refused:
    """Make the refusal of something that cannot be read."""
    return Refused(Reason.EVIDENCE_MALFORMED, detail)


def exactly(payload: Mapping[str, object], names: Collection[str]) -> None:
    """Expect these members and no others."""
    if payload.keys() != set(names):
        raise malformed(f"expected exactly {', '.join(f'`{name}`' for name in sorted(names))}")


def octets(payload: Mapping[str, object], name: str, *, limit: int) -> bytes:
    """Read a member in base64url without padding."""
    text = payload.get(name)
    if not isinstance(text, str) or len(text) > 4 * math.ceil(limit / 3):
        raise malformed(f"expected `{name}` in base64url, of at most {limit} octets")
    try:
        return base64url.decode(text)
    except ValueError:
        raise malformed(f"expected `{name}` in canonical base64url without padding") from None


def cbor_map(raw: bytes) -> dict[object, object]:
    """Read bytes that are one CBOR map."""
    try:
        value = _cbor.read(raw)
    except ValueError:
        raise malformed("expected CBOR in the form of CTAP2") from None
    if not isinstance(value, dict):
        raise malformed("expected a CBOR map")
    return value


def octets_of(members: Mapping[object, object], name: str) -> bytes:
    """Read a byte string of a CBOR map."""
    value = members.get(name)
    if not isinstance(value, bytes):
        raise malformed(f"expected `{name}` to be bytes")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticatorData:
    """What an authenticator signs (WebAuthn 6.1). `cose_key` empty = no attested credential data."""

    rp_id_hash: bytes
    flags: int
    counter: int
    aaguid: bytes = b""
    credential_id: bytes = b""
    cose_key: bytes = b""

    @property
    def is_present(self) -> bool:
        """UP."""
        return bool(self.flags & _UP)

    @property
    def is_verified(self) -> bool:
        """UV."""
        return bool(self.flags & _UV)

    @property
    def may_be_synced(self) -> bool:
        """BE, or BS, which without BE is a contradiction and no better."""
        return bool(self.flags & (_BE | _BS))

    def is_for(self, rp_id: str) -> bool:
        """Whether it was made for this relying party, or app."""
        return self.rp_id_hash == sha256(rp_id.encode()).digest()


def read_authenticator_data(raw: bytes) -> AuthenticatorData:
    """Read authenticator data to its last octet."""
    if len(raw) < HEADER:
        raise malformed("authenticator data is cut off")
    flags = raw[32]
    aaguid = credential_id = cose_key = b""
    at = HEADER
    try:
        if flags & _AT:
            aaguid, length = raw[at : at + 16], int.from_bytes(raw[at + 16 : at + 18], "big")
            credential_id = raw[at + 18 : at + 18 + length]
            if len(credential_id) != length or not MIN_CREDENTIAL <= length <= MAX_CREDENTIAL:
                raise malformed("the credential's id is cut off or of no accepted length")
            at += 18 + length
            _, end = _cbor.read_first(raw, start=at)
            cose_key, at = raw[at:end], end
        if flags & _ED:
            _, at = _cbor.read_first(raw, start=at)
    except ValueError:
        raise malformed("authenticator data is not CBOR in the form of CTAP2") from None
    if at != len(raw):
        raise malformed("something follows the authenticator data")
    return AuthenticatorData(
        rp_id_hash=raw[:32],
        flags=flags,
        counter=int.from_bytes(raw[33:HEADER], "big"),
        aaguid=aaguid,
        credential_id=credential_id,
        cose_key=cose_key,
    )
