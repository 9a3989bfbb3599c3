"""What an authenticator signs (WebAuthn 6.1), read to its last octet. Raises Refused."""

from dataclasses import dataclass
from hashlib import sha256

from plugin.attestation import _cbor
from plugin.attestation._members import malformed

HEADER = 37
MIN_CREDENTIAL = 16
MAX_CREDENTIAL = 1023
_UP, _UV, _BE, _BS, _AT, _ED = 1, 4, 8, 16, 64, 128


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
