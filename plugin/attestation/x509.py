"""Evidence format `x509`: a device certificate of the organisation's own CA, with proof of possession of its key.

Payload: `{"chain": [...], "alg": "ES256", "signature": "..."}`, nothing else.

- `chain`: certificates as in `x5c` (RFC 7515 4.1.6): base64 of DER, leaf first, each issued by the next, up to the
  configured anchor, which may be left out. A certificate that has no part in that path is refused, not ignored.
- `alg`: `ES256`, `ES384`, `PS256`, `RS256` (RFC 7518), or `EdDSA` with Ed25519 (RFC 8037).
- `signature`: base64url without padding, over the 32 bytes of the transcript as the message, in the form of JWS:
  for ECDSA that is r and s side by side at full width (RFC 7518 3.4). A DER signature is refused.

What this does not do: ask whether a certificate was revoked (the path goes out beside the result, for those who do),
or whether its key lives in hardware.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from plugin.attestation._x509 import (
    MAX_CERTIFICATE,
    MAX_CERTIFICATES,
    MIN_RSA_BITS,
    Authority,
    authorities,
    base64,
    find_path,
    read_certificate,
    vouch,
)
from plugin.core import base64url
from plugin.core.device import Evidence
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.ports import Appraisal, DeviceCa

MAX_SIGNATURE = 1024

_ECDSA: Mapping[str, tuple[type[ec.EllipticCurve], hashes.HashAlgorithm]] = {
    "ES256": (ec.SECP256R1, hashes.SHA256()),
    "ES384": (ec.SECP384R1, hashes.SHA384()),
}
_RSA: Mapping[str, padding.AsymmetricPadding] = {
    "PS256": padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=hashes.SHA256.digest_size),
    "RS256": padding.PKCS1v15(),
}


def verifier(anchors: tuple[DeviceCa, ...]) -> "X509Verifier":
    """Build the verifier. Raises ValueError where a CA could never verify anything, an expired one included."""
    return X509Verifier(authorities(anchors, now=datetime.now(UTC)))


class X509Verifier:
    """Appraises device certificates against the configured CAs."""

    format = "x509"

    def __init__(self, among: tuple[Authority, ...]) -> None:
        self._authorities = among

    def appraise(self, evidence: Evidence, *, transcript: bytes, now: datetime) -> Appraisal:
        """Appraise in four steps: 1 read, 2 path, 3 signature, 4 owner. Raises Refused."""
        # 1 read
        presented = _read(evidence.payload)

        # 2 path
        path = find_path(self._authorities, presented.chain, now=now)

        # 3 signature
        _verify(path.leaf.public_key(), presented=presented, message=transcript)

        # 4 owner
        return vouch(path, evidence_format=self.format, bound=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Presented:
    chain: tuple[x509.Certificate, ...]
    alg: str
    signature: bytes


def _read(payload: Mapping[str, object]) -> _Presented:
    if payload.keys() != {"chain", "alg", "signature"}:
        raise _malformed("expected exactly `chain`, `alg` and `signature`")
    chain, alg = payload["chain"], payload["alg"]
    if not isinstance(alg, str):
        raise _malformed("expected `alg` to be text")
    if not isinstance(chain, list) or not 1 <= len(chain) <= MAX_CERTIFICATES:
        raise _malformed(f"expected `chain` to be a list of 1 to {MAX_CERTIFICATES} certificates")
    return _Presented(
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


def _verify(key: CertificatePublicKeyTypes, *, presented: _Presented, message: bytes) -> None:
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
