"""Certificate revocation lists (RFC 5280 5), read strictly: a list that is not wholly understood is not used.

Pure: no files, no clock. The library parses a list and can verify its signature with a given key; whose key that has
to be, whether the list is current, and what it covers is asked here.

It must never take a list's silence for an answer before its signature, its scope and its dates have been checked.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

STRONG = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
# How far the clock of whoever signed may run ahead of ours.
LEEWAY = timedelta(seconds=60)
UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)

_PEM = re.compile(rb"-----BEGIN X509 CRL-----.*?-----END X509 CRL-----", re.DOTALL)
# What a critical extension may be. Of the rest, the delta CRL indicator makes a list that is not whole.
_KNOWN = (x509.AuthorityKeyIdentifier, x509.CRLNumber, x509.IssuingDistributionPoint)
_KNOWN_OF_ENTRIES = (x509.CRLReason, x509.InvalidityDate)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crl:
    """One list. `serials` are those that it names for whatever reason, a hold included.

    `point` tells which part of the issuer's certificates it is about; None = all of them.
    """

    document: x509.CertificateRevocationList = field(repr=False)
    serials: frozenset[int] = field(repr=False)
    since: datetime
    until: datetime
    point: x509.IssuingDistributionPoint | None
    key_id: bytes | None

    @property
    def issuer(self) -> x509.Name:
        """Who it says that it comes from."""
        return self.document.issuer

    def is_current(self, now: datetime) -> bool:
        return self.since - LEEWAY <= now < self.until

    def is_signed_by(self, issuer: x509.Certificate) -> bool:
        """Say whether the certificate's key has signed this list, and may sign lists (RFC 5280 6.3.3 f and g)."""
        key = issuer.public_key()
        if self.issuer != issuer.subject or not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
            return False
        return _may_sign_lists(issuer) and self.document.is_signature_valid(key)

    def covers(self, certificate: x509.Certificate) -> bool:
        """Say whether its silence about the certificate means something (RFC 5280 6.3.3 b 2)."""
        point = self.point
        if point is None:
            return True
        if point.only_contains_user_certs and _is_ca(certificate):
            return False
        if point.only_contains_ca_certs and not _is_ca(certificate):
            return False
        names = frozenset(point.full_name or ())
        return not names or bool(names & _distribution_points(certificate))


def read_crls(octets: bytes) -> tuple[Crl, ...]:
    """Read a file: one list in DER, or any number in PEM and nothing else. Raises ValueError."""
    if b"-----BEGIN" not in octets:
        return (_read(octets, load=x509.load_der_x509_crl),)
    blocks, rest = _PEM.findall(octets), _PEM.sub(b"", octets)
    if not blocks or rest.strip():  # a file that is half written ends in the middle of a block
        raise ValueError("expected whole blocks of PEM with `X509 CRL` in them and nothing else")
    return tuple(_read(block, load=x509.load_pem_x509_crl) for block in blocks)


def newest(held: Iterable[Crl], read: Iterable[Crl], *, now: datetime) -> tuple[Crl, ...]:
    """Put what was read in the place of what was held, list by list, but never an older one for a newer one.

    What was held and is missing now stays until its end.
    """
    found = {_scope(crl): crl for crl in held if now < crl.until}
    for crl in read:
        before = found.get(_scope(crl))
        if before is None or crl.since >= before.since:
            found[_scope(crl)] = crl
    return tuple(found.values())


def _read(octets: bytes, *, load: Callable[[bytes], x509.CertificateRevocationList]) -> Crl:
    try:
        return _understand(load(octets))
    except UNREADABLE as error:
        raise ValueError(f"expected a certificate revocation list (RFC 5280 5): {error}") from None


def _understand(document: x509.CertificateRevocationList) -> Crl:
    """Raises ValueError for a list that cannot be used for any certificate at all."""
    if not isinstance(document.signature_hash_algorithm, STRONG):
        raise ValueError("the signature is too weak, expected SHA-256 or better")  # noqa: TRY004 - a fault of the text
    if document.next_update_utc is None:
        raise ValueError("it has no nextUpdate")
    extensions = {type(extension.value): extension for extension in document.extensions}
    if x509.DeltaCRLIndicator in extensions:
        raise ValueError("it is a delta list, expected a whole one")
    for extension in extensions.values():
        if extension.critical and not isinstance(extension.value, _KNOWN):
            raise ValueError(f"unknown critical extension `{extension.oid.dotted_string}`")
    point = extensions.get(x509.IssuingDistributionPoint)
    key = extensions.get(x509.AuthorityKeyIdentifier)
    return Crl(
        document=document,
        serials=frozenset(map(_serial, document)),
        since=document.last_update_utc,
        until=document.next_update_utc,
        point=_point(point.value) if point else None,
        key_id=key.value.key_identifier if key else None,
    )


def _serial(entry: x509.RevokedCertificate) -> int:
    for extension in entry.extensions:
        # RFC 5280 5.3: a list with one such entry says nothing about any certificate. One of them is the certificate
        # issuer of an indirect list, which changes whose certificate the entry is about.
        if extension.critical and not isinstance(extension.value, _KNOWN_OF_ENTRIES):
            raise ValueError(f"unknown critical extension of an entry `{extension.oid.dotted_string}`")
    return entry.serial_number


def _point(value: object) -> x509.IssuingDistributionPoint:
    if not isinstance(value, x509.IssuingDistributionPoint):
        raise TypeError("not an issuing distribution point")
    if value.indirect_crl or value.only_contains_attribute_certs or value.only_some_reasons or value.relative_name:
        raise ValueError("it is an indirect list, or one of some reasons, attributes or a relative name only")
    return value


def _scope(crl: Crl) -> tuple[x509.Name, bytes | None, x509.IssuingDistributionPoint | None]:
    return (crl.issuer, crl.key_id, crl.point)


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _may_sign_lists(issuer: x509.Certificate) -> bool:
    try:
        return issuer.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return True


def _distribution_points(certificate: x509.Certificate) -> frozenset[x509.GeneralName]:
    """Name the points that the issuer's own lists about this certificate lie at, for all reasons."""
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset[x509.GeneralName]().union(
        *(point.full_name or () for point in points if not point.reasons and not point.crl_issuer)
    )
