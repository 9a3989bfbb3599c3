"""What a TPM 2.0 writes (TCG, TPM 2.0 Library Part 2), read strictly: no octet is left over, nothing is guessed.

Only what is accepted can be read: RSA from 2048 bits and NIST curves, SHA-256 and longer. SHA-1 does not exist here.
This must never call a signature good that names other algorithms than its key does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import new as new_hash

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from plugin.attestation._members import malformed
from plugin.core.errors import Refused
from plugin.core.reasons import Reason

MAGIC = 0xFF544347  # 6.2: what a restricted key signs begins with it only where the TPM itself made it
QUOTE = 0x8018
RSA, ECC, NULL = 0x0001, 0x0023, 0x0010
RSASSA, RSAPSS, ECDSA = 0x0014, 0x0016, 0x0018
HASHES: Mapping[int, tuple[str, hashes.HashAlgorithm]] = {
    0x000B: ("sha256", hashes.SHA256()),
    0x000C: ("sha384", hashes.SHA384()),
    0x000D: ("sha512", hashes.SHA512()),
}
CURVES: Mapping[int, type[ec.EllipticCurve]] = {3: ec.SECP256R1, 4: ec.SECP384R1, 5: ec.SECP521R1}

# 8.3: TPMA_OBJECT
FIXED_TPM, FIXED_PARENT, SENSITIVE_DATA_ORIGIN = 1 << 1, 1 << 4, 1 << 5
RESTRICTED, DECRYPT, SIGN = 1 << 16, 1 << 17, 1 << 18
ATTESTS = FIXED_TPM | FIXED_PARENT | SENSITIVE_DATA_ORIGIN | RESTRICTED | SIGN

MAX_BANKS = 4
MAX_SELECT = 4

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestationKey:
    """A key that signs nothing but what its TPM says of itself. `name` is the hash of all that it is (Part 1, 16)."""

    public: PublicKey
    scheme: int
    hash: int
    name: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """TPMS_ATTEST of type QUOTE. `selection` holds the PCRs by bank, in the order in which they were hashed."""

    extra: bytes
    resets: int
    restarts: int
    firmware: int
    selection: tuple[tuple[str, tuple[int, ...]], ...]
    digest: bytes


class _Reader:
    def __init__(self, octets: bytes) -> None:
        self._octets, self._at = octets, 0

    def take(self, size: int) -> bytes:
        taken = self._octets[self._at : self._at + size]
        if len(taken) != size:
            raise malformed("a structure of the TPM ends too early")
        self._at += size
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size))

    def sized(self) -> bytes:
        """Read a TPM2B."""
        return self.take(self.number(2))

    def end(self) -> None:
        if self._at != len(self._octets):
            raise malformed("a structure of the TPM has octets left over")


def read_attestation_key(tpm2b_public: bytes) -> AttestationKey:
    """Read a TPM2B_PUBLIC (12.2.5) as `tpm2_createak` writes it. Raises Refused where it is no attestation key."""
    outer = _Reader(tpm2b_public)
    area = outer.sized()
    outer.end()
    reader = _Reader(area)
    kind, name_hash, attributes = reader.number(2), reader.number(2), reader.number(4)
    reader.sized()  # its policy is not ours to judge; the name covers it
    if name_hash not in HASHES:
        raise _unfit("expected a name by SHA-256 or longer")
    # Without `restricted` the key would sign a quote that somebody wrote by hand.
    if attributes & ATTESTS != ATTESTS or attributes & DECRYPT:
        raise _unfit("expected a restricted signing key that was made in its TPM and cannot leave it")
    if reader.number(2) != NULL:
        raise _unfit("expected a key without symmetric algorithm")
    scheme, digest = reader.number(2), reader.number(2)
    if digest not in HASHES:
        raise _unfit("expected a scheme with SHA-256 or longer")
    public = _read_key(reader, kind=kind, scheme=scheme)
    reader.end()
    name = name_hash.to_bytes(2) + new_hash(HASHES[name_hash][0], area).digest()
    return AttestationKey(public=public, scheme=scheme, hash=digest, name=name)


def read_quote(attest: bytes) -> Quote:
    """Read a TPMS_ATTEST (10.12.8). Raises Refused where it is no quote."""
    reader = _Reader(attest)
    if (reader.number(4), reader.number(2)) != (MAGIC, QUOTE):
        raise malformed("expected a quote")
    reader.sized()  # the qualified name of the signer: the signature says more
    extra = reader.sized()
    reader.take(8)  # the clock
    resets, restarts = reader.number(4), reader.number(4)
    if reader.number(1) > 1:
        raise malformed("expected `safe` to be 0 or 1")
    firmware = reader.number(8)
    banks = reader.number(4)
    if banks > MAX_BANKS:
        raise malformed(f"expected at most {MAX_BANKS} banks")
    selection = tuple(_read_selection(reader) for _ in range(banks))
    if len(dict(selection)) != len(selection):
        raise malformed("a bank is there twice")
    digest = reader.sized()
    reader.end()
    return Quote(extra=extra, resets=resets, restarts=restarts, firmware=firmware, selection=selection, digest=digest)


def verify_signature(signature: bytes, *, key: AttestationKey, message: bytes) -> None:
    """Verify a TPMT_SIGNATURE (11.3.4). Raises Refused."""
    reader = _Reader(signature)
    if (reader.number(2), reader.number(2)) != (key.scheme, key.hash):
        raise Refused(Reason.EVIDENCE_SIGNATURE, "the signature is of another scheme than its key")
    digest = HASHES[key.hash][1]
    try:
        match key.public:
            case ec.EllipticCurvePublicKey():
                r, s = reader.sized(), reader.sized()
                reader.end()
                if max(len(r), len(s)) > (key.public.key_size + 7) // 8:
                    raise malformed("r or s is too long")
                key.public.verify(encode_dss_signature(int.from_bytes(r), int.from_bytes(s)), message, ec.ECDSA(digest))
            case rsa.RSAPublicKey():
                octets = reader.sized()
                reader.end()
                pss = padding.PSS(padding.MGF1(digest), padding.PSS.AUTO)
                key.public.verify(octets, message, pss if key.scheme == RSAPSS else padding.PKCS1v15(), digest)
    except InvalidSignature:
        raise Refused(Reason.EVIDENCE_SIGNATURE, "the signature is not the attestation key's") from None


def _read_key(reader: _Reader, *, kind: int, scheme: int) -> PublicKey:
    try:
        if kind == RSA and scheme in (RSASSA, RSAPSS):
            bits, exponent, modulus = reader.number(2), reader.number(4) or 65537, reader.sized()
            number = int.from_bytes(modulus)
            if bits not in (2048, 3072, 4096) or number.bit_length() != bits or len(modulus) * 8 != bits:
                raise _unfit("expected RSA of 2048 to 4096 bits")
            return rsa.RSAPublicNumbers(exponent, number).public_key()
        if kind == ECC and scheme == ECDSA:
            curve, derivation = reader.number(2), reader.number(2)
            x, y = int.from_bytes(reader.sized()), int.from_bytes(reader.sized())
            if curve not in CURVES or derivation != NULL:
                raise _unfit("expected a NIST curve")
            return ec.EllipticCurvePublicNumbers(x, y, CURVES[curve]()).public_key()
    except ValueError:
        raise _unfit("expected a key that is one") from None
    raise _unfit("expected RSA or ECDSA")


def _read_selection(reader: _Reader) -> tuple[str, tuple[int, ...]]:
    bank, size = reader.number(2), reader.number(1)
    if bank not in HASHES or size > MAX_SELECT:
        raise malformed("expected banks of SHA-256 or longer")
    bits = int.from_bytes(reader.take(size), "little")
    return HASHES[bank][0], tuple(index for index in range(8 * size) if bits >> index & 1)


def _unfit(detail: str) -> Refused:
    return Refused(Reason.EVIDENCE_KEY, detail)
