"""A chain of certificates, and a signature by the leaf's key over the transcript: what `x509` and `spiffe` present.

It must never verify a signature with an algorithm that its key is not for.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from plugin.attestation._members import chain, expect, octets, text
from plugin.attestation._x509 import MIN_RSA_BITS
from plugin.core.errors import Refused
from plugin.core.reasons import Reason

MAX_SIGNATURE = 1024
MAX_ALG = 16

_ECDSA: Mapping[str, tuple[type[ec.EllipticCurve], hashes.HashAlgorithm]] = {
    "ES256": (ec.SECP256R1, hashes.SHA256()),
    "ES384": (ec.SECP384R1, hashes.SHA384()),
}
_RSA: Mapping[str, padding.AsymmetricPadding] = {
    "PS256": padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=hashes.SHA256.digest_size),
    "RS256": padding.PKCS1v15(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """The payload, taken apart. Nothing of it is verified."""

    chain: tuple[x509.Certificate, ...]
    alg: str
    signature: bytes


def read_signed_chain(payload: Mapping[str, object]) -> Presented:
    """Read exactly `chain`, `alg` and `signature`. Raises Refused."""
    expect(payload, "chain", "alg", "signature")
    return Presented(
        chain=chain(payload, "chain"),
        alg=text(payload, "alg", most=MAX_ALG),
        signature=octets(payload, "signature", most=MAX_SIGNATURE),
    )


def verify_possession(key: CertificatePublicKeyTypes, *, presented: Presented, message: bytes) -> None:
    """Verify that this key has signed the message. Raises Refused."""
    alg, signature = presented.alg, presented.signature
    try:
        match key:
            case ec.EllipticCurvePublicKey() if alg in _ECDSA and isinstance(key.curve, _ECDSA[alg][0]):
                key.verify(_dss(signature, width=key.key_size // 8), message, ec.ECDSA(_ECDSA[alg][1]))
            case rsa.RSAPublicKey() if alg in _RSA and key.key_size >= MIN_RSA_BITS:
                key.verify(signature, message, _RSA[alg], hashes.SHA256())
            case ed25519.Ed25519PublicKey() if alg == "EdDSA":
                key.verify(signature, message)
            case _:
                raise Refused(Reason.EVIDENCE_KEY, "the certificate's key is too weak or does not go with `alg`")
    except InvalidSignature:
        raise Refused(Reason.EVIDENCE_SIGNATURE, "the signature does not cover this transcript") from None


def _dss(signature: bytes, *, width: int) -> bytes:
    if len(signature) != 2 * width:
        raise Refused(Reason.EVIDENCE_SIGNATURE, f"expected r and s side by side, {2 * width} octets")
    return encode_dss_signature(int.from_bytes(signature[:width], "big"), int.from_bytes(signature[width:], "big"))
