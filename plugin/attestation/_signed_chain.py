"""A chain of certificates, and a signature by the leaf's key over the transcript: what `x509` and `spiffe` present.

It must never verify a signature with an algorithm that its key is not for.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from plugin.attestation._x509 import MAX_CERTIFICATE, MAX_CERTIFICATES, MIN_RSA_BITS, base64, read_certificate
from plugin.core import base64url
from plugin.core.errors import Refused
from plugin.core.reasons import Reason

MAX_SIGNATURE = 1024

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
    if payload.keys() != {"chain", "alg", "signature"}:
        raise _malformed("expected exactly `chain`, `alg` and `signature`")
    chain, alg = payload["chain"], payload["alg"]
    if not isinstance(alg, str):
        raise _malformed("expected `alg` to be text")
    if not isinstance(chain, list) or not 1 <= len(chain) <= MAX_CERTIFICATES:
        raise _malformed(f"expected `chain` to be a list of 1 to {MAX_CERTIFICATES} certificates")
    return Presented(
        chain=tuple(_certificate(item) for item in chain),
        alg=alg,
        signature=_octets(payload["signature"], decode=base64url.decode, limit=MAX_SIGNATURE),
    )


def _octets(unverified: object, *, decode: Callable[[str], bytes], limit: int) -> bytes:
    if not isinstance(unverified, str) or len(unverified) > 4 * math.ceil(limit / 3):
        raise _malformed(f"expected base64 of at most {limit} octets")
    try:
        return decode(unverified)
    except ValueError:
        raise _malformed("expected base64 in its canonical form") from None


def _certificate(unverified: object) -> x509.Certificate:
    return read_certificate(_octets(unverified, decode=base64, limit=MAX_CERTIFICATE))


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


def _malformed(detail: str) -> Refused:
    return Refused(Reason.EVIDENCE_MALFORMED, detail)
