"""Certificates of any kind, good and bad, and evidence made with them."""

from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier

from plugin.core import base64url
from plugin.core.device import Evidence
from plugin.ports import DeviceCa

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
TRANSCRIPT = bytes(range(32))
SHA256 = hashes.SHA256()
PSS = padding.PSS(mgf=padding.MGF1(SHA256), salt_length=32)
ISSUER = "https://sso.example.com"

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


def p256() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def name(*values: str, oid: ObjectIdentifier = NameOID.COMMON_NAME) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value) for value in values])


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    certificate: x509.Certificate
    key: Key = field(repr=False)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


def authority(
    common_name: str = "Example Device CA",
    *,
    by: Issued | None = None,
    key: Key | None = None,
    path_length: int | None = None,
    until: datetime = datetime(2100, 1, 1, tzinfo=UTC),
    key_usage: bool = True,
) -> Issued:
    """A CA: a root, or below another."""
    key = key or p256()
    builder = _builder(name(common_name), key=key, by=by).not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
    builder = builder.not_valid_after(until)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    if key_usage:
        builder = builder.add_extension(_key_usage(ca=True), critical=True)
    return _sign(builder, key=key, by=by)


def device(
    subject: x509.Name | str = "alice",
    *,
    by: Issued,
    key: Key | None = None,
    since: datetime = NOON - timedelta(days=1),
    until: datetime = NOON + timedelta(days=1),
    san: tuple[x509.GeneralName, ...] = (),
    eku: tuple[ObjectIdentifier, ...] = (),
) -> Issued:
    """A device's certificate, signed by a CA or by whoever else calls itself one."""
    key = key or p256()
    builder = _builder(name(subject) if isinstance(subject, str) else subject, key=key, by=by)
    builder = builder.not_valid_before(since).not_valid_after(until)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_key_usage(ca=False), critical=True)
    if san:
        builder = builder.add_extension(x509.SubjectAlternativeName(san), critical=False)
    if eku:
        builder = builder.add_extension(x509.ExtendedKeyUsage(eku), critical=False)
    return _sign(builder, key=key, by=by)


def trust(*anchors: Issued, ca: str = "devices", **mapping: object) -> DeviceCa:
    """A `[[device_ca]]` table."""
    settings = {"name_from": "subject_cn", "owner_pattern": f"{ISSUER}#{{name}}"} | mapping
    return DeviceCa(name=ca, certificates=b"".join(anchor.pem for anchor in anchors), **settings)  # type: ignore[arg-type] # a table of tests


def sign(key: Key, *, alg: str, transcript: bytes = TRANSCRIPT) -> bytes:
    match key:
        case ec.EllipticCurvePrivateKey():
            digest = {256: hashes.SHA256(), 384: hashes.SHA384()}.get(key.key_size, hashes.SHA512())
            r, s = decode_dss_signature(key.sign(transcript, ec.ECDSA(digest)))
            width = (key.key_size + 7) // 8
            return r.to_bytes(width, "big") + s.to_bytes(width, "big")
        case rsa.RSAPrivateKey():
            return key.sign(transcript, PSS if alg == "PS256" else padding.PKCS1v15(), SHA256)
        case ed25519.Ed25519PrivateKey():
            return key.sign(transcript)


def evidence(*chain: Issued, alg: str = "ES256", signature: bytes | None = None) -> Evidence:
    """Evidence as the first of the chain would make it."""
    if signature is None:
        signature = sign(chain[0].key, alg=alg)
    return raw_evidence(
        {
            "chain": [b64encode(issued.der).decode() for issued in chain],
            "alg": alg,
            "signature": base64url.encode(signature),
        }
    )


def raw_evidence(payload: dict[str, object]) -> Evidence:
    return Evidence(format="x509", payload=payload, challenge_id="any")


def _builder(subject: x509.Name, *, key: Key, by: Issued | None) -> x509.CertificateBuilder:
    issuer_key = (by.key if by else key).public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    )


def _sign(builder: x509.CertificateBuilder, *, key: Key, by: Issued | None) -> Issued:
    signer = by.key if by else key
    algorithm = None if isinstance(signer, ed25519.Ed25519PrivateKey) else SHA256
    return Issued(certificate=builder.sign(signer, algorithm), key=key)


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
