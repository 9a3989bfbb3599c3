"""What CAs say of their certificates, true or not: lists and answers of any kind."""

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.attestation.pki import NOON, SHA256, Issued, Key, authority, device, name, p256

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
UNKNOWN_EXTENSION = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")

ROOT = authority()
ISSUING = authority("Example Issuing CA", by=ROOT)
IMPOSTOR = authority()  # the root's name, another key
ALICE = device("alice", by=ROOT)
BOB = device("bob", by=ROOT)
ALICE_BELOW = device("alice", by=ISSUING)


def crl(
    *revoked: Issued,
    by: Issued,
    since: datetime = NOON - HOUR,
    until: datetime = NOON + DAY,
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (),
    entry: tuple[x509.ExtensionType, bool] | None = None,
) -> bytes:
    """A list in PEM. `extensions` and `entry` are with their criticality."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(by.certificate.subject).last_update(since)
    builder = builder.next_update(until)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key()), critical=False
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    for one in revoked:
        revocation = x509.RevokedCertificateBuilder().serial_number(one.certificate.serial_number)
        revocation = revocation.revocation_date(since)
        if entry:
            revocation = revocation.add_extension(entry[0], critical=entry[1])
        builder = builder.add_revoked_certificate(revocation.build())
    return builder.sign(by.key, SHA256).public_bytes(Encoding.PEM)


def der(pem: bytes) -> bytes:
    return x509.load_pem_x509_crl(pem).public_bytes(Encoding.DER)


def timeless_crl(*, by: Issued) -> bytes:
    """A list without nextUpdate, in DER and truly signed: no library makes one."""
    document = x509.load_pem_x509_crl(crl(by=by))
    next_update = b"\x17\x0d" + (NOON + DAY).strftime("%y%m%d%H%M%SZ").encode()
    content = document.tbs_certlist_bytes
    content = content[3:] if content[1] == LONG_FORM else content[2:]
    assert next_update in content
    signed = _der(0x30, content.replace(next_update, b""))
    algorithm = _der(0x30, ECDSA_WITH_SHA256)
    return _der(0x30, signed + algorithm + _der(0x03, b"\0" + by.key.sign(signed, ec.ECDSA(SHA256))))  # type: ignore[call-arg, arg-type] # a P-256 key


def _der(tag: int, content: bytes) -> bytes:
    assert len(content) < 1 << 16
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    octets = length.to_bytes(2, "big") if length > 0xFF else bytes([length])
    return bytes([tag, 0x80 | len(octets)]) + octets + content


LONG_FORM = 0x81
ECDSA_WITH_SHA256 = bytes.fromhex("06082a8648ce3d040302")


def point(**settings: object) -> x509.IssuingDistributionPoint:
    standard = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return x509.IssuingDistributionPoint(**{**standard, **settings})  # type: ignore[arg-type] # a table of tests


def uri(text: str) -> x509.UniformResourceIdentifier:
    return x509.UniformResourceIdentifier(text)


def signer(
    *,
    by: Issued = ROOT,
    purposes: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.OCSP_SIGNING,),
    no_check: bool = True,
    since: datetime = NOON - DAY,
    until: datetime = NOON + DAY,
    extra: x509.ExtensionType | None = None,
    key: Key | None = None,
) -> Issued:
    """A certificate to answer with in an issuer's place."""
    key = key or p256()
    builder = (
        x509.CertificateBuilder()
        .subject_name(name("Example Responder"))
        .issuer_name(by.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(_DIGITAL_SIGNATURE, critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    )
    if no_check:
        builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)
    if extra:
        builder = builder.add_extension(extra, critical=True)
    return Issued(certificate=builder.sign(by.key, SHA256), key=key)


def answer(
    about: Issued = ALICE,
    *,
    issuer: Issued = ROOT,
    by: Issued | None = None,
    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD,
    since: datetime = NOON - HOUR,
    until: datetime | None = NOON + DAY,
    nonce: bytes | None = None,
    extension: tuple[x509.ExtensionType, bool] | None = None,
    digest: hashes.HashAlgorithm = SHA256,
) -> bytes:
    """An answer in DER, signed by the issuer or `by` somebody else."""
    by = by or issuer
    revoked = status is ocsp.OCSPCertStatus.REVOKED
    builder = ocsp.OCSPResponseBuilder().add_response(
        about.certificate,
        issuer.certificate,
        hashes.SHA1(),  # noqa: S303 - the name of an issuer, as responders know it
        status,
        since,
        until,
        since if revoked else None,
        None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, by.certificate).certificates([by.certificate])
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    if extension:
        builder = builder.add_extension(extension[0], critical=extension[1])
    return builder.sign(by.key, digest).public_bytes(Encoding.DER)


_DIGITAL_SIGNATURE = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)
