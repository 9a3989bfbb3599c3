"""Paths of attestation certificates to the roots that an `[[evidence]]` table trusts, and to no others.

Vendors' certificates do not keep to the web's profile of RFC 5280, so the path is built here: every signature, the
right to sign, and every validity but the root's, which is trusted for its key (RFC 5280 6.1.1).
`_x509` builds paths too, on purpose otherwise: an organisation's own CAs are held to that profile by a library.
What this must never do: take a root from the evidence, or from a library that brings some along.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID

from plugin.attestation._x509 import (
    MAX_CERTIFICATE,
    MAX_CERTIFICATES,
    MIN_RSA_BITS,
    UNREADABLE,
    read_certificate,
    spki,
)
from plugin.core.errors import Refused
from plugin.core.reasons import Reason

_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
_UNDERSTOOD = {ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE, ExtensionOID.EXTENDED_KEY_USAGE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Roots:
    """The certificates that paths may end in."""

    certificates: tuple[x509.Certificate, ...]

    def path(self, x5c: object, *, now: datetime) -> tuple[x509.Certificate, ...]:
        """Verify `x5c` (DER, leaf first) and return it up to the root, which is ours. Raises Refused."""
        chain = [read_certificate(der) for der in _x5c(x5c)]
        if chain[0] in self.certificates:  # pinned by itself, as FIDO's metadata does with some
            _check_validity(chain[:1], now=now)
            return (chain[0],)
        trusted = {spki(root.public_key()) for root in self.certificates}
        tops = [index for index, one in enumerate(chain) if index and spki(one.public_key()) in trusted]
        # What stands above a root of ours has no part in the path, and what is said there is nobody's word.
        if tops and tops[0] != len(chain) - 1:
            raise _refused("expected nothing above the root")
        below = chain[: tops[0]] if tops else chain
        _check_validity(below, now=now)
        root = next((root for root in self.certificates if _is_issued(below[-1], by=root)), None)
        path = (*below, root) if root else ()
        if not path or not all(_is_issued(one, by=issuer) for one, issuer in pairwise(path)):
            raise _refused("expected each certificate to be issued by the next, the last by a root of this table")
        for depth, issuer in enumerate(path[1:]):
            _check_issuer(issuer, depth=depth)
        return path


def read_roots(pems: Sequence[bytes], *, name: str) -> Roots:
    """Read the roots of one `[[evidence]]` table. Raises ValueError, also where there is none."""
    try:
        found = tuple(root for pem in pems for root in x509.load_pem_x509_certificates(pem))
        for root in found:
            _ = root.subject, root.extensions, root.public_key()
    except UNREADABLE as error:
        raise ValueError(f"evidence `{name}`: expected roots as certificates in PEM") from error
    if not found:
        raise ValueError(f"evidence `{name}`: no roots, expected at least one in `roots_files`")
    return Roots(certificates=found)


def ders(path: Sequence[x509.Certificate]) -> tuple[bytes, ...]:
    """Encode a path, as Attested holds it."""
    return tuple(one.public_bytes(Encoding.DER) for one in path)


def _x5c(x5c: object) -> list[bytes]:
    if not isinstance(x5c, list) or not 1 <= len(x5c) <= MAX_CERTIFICATES:
        raise Refused(Reason.EVIDENCE_MALFORMED, f"expected 1 to {MAX_CERTIFICATES} certificates")
    found = [der for der in x5c if isinstance(der, bytes) and len(der) <= MAX_CERTIFICATE]
    if len(found) != len(x5c):
        raise Refused(Reason.EVIDENCE_MALFORMED, f"expected certificates of at most {MAX_CERTIFICATE} octets")
    return found


def _check_validity(chain: Sequence[x509.Certificate], *, now: datetime) -> None:
    if not all(one.not_valid_before_utc <= now < one.not_valid_after_utc for one in chain):
        raise Refused(Reason.EVIDENCE_EXPIRED, "an attestation certificate is not valid now")


def _check_issuer(issuer: x509.Certificate, *, depth: int) -> None:
    """Hold an issuer to its extensions. `depth` counts the CAs below it."""
    held = {extension.oid: extension for extension in issuer.extensions}
    constraints = held.get(ExtensionOID.BASIC_CONSTRAINTS)
    usage = held.get(ExtensionOID.KEY_USAGE)
    if constraints is None or not constraints.value.ca:
        raise _refused("an issuer is no CA")
    if constraints.value.path_length is not None and depth > constraints.value.path_length:
        raise _refused("the path is longer than an issuer allows")
    if usage is not None and not usage.value.key_cert_sign:
        raise _refused("an issuer may not sign certificates")
    if any(extension.critical and oid not in _UNDERSTOOD for oid, extension in held.items()):
        raise _refused("an issuer has a critical extension that is not understood")


def _is_issued(certificate: x509.Certificate, *, by: x509.Certificate) -> bool:
    match by.public_key():
        case rsa.RSAPublicKey(key_size=bits) if bits >= MIN_RSA_BITS:
            pass
        case ec.EllipticCurvePublicKey(curve=ec.SECP256R1() | ec.SECP384R1() | ec.SECP521R1()):
            pass
        case _:
            return False
    try:
        if not isinstance(certificate.signature_hash_algorithm, _HASHES):
            return False
        certificate.verify_directly_issued_by(by)
    except (*UNREADABLE, InvalidSignature):
        return False
    return True


def _refused(detail: str) -> Refused:
    return Refused(Reason.EVIDENCE_CHAIN, detail)
