"""The demo's devices: a throw-away corporate CA, and laptops whose keys it has certified."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from plugin.core import base64url

# More than the fortnight before its end in which the service mentions a certificate.
LIFETIME = timedelta(days=30)
P256_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A laptop that holds a key. `name` is the one in its certificate."""

    name: str
    key: ec.EllipticCurvePrivateKey = field(repr=False)
    certificate: x509.Certificate

    def sign(self, transcript: bytes) -> Mapping[str, object]:
        """Return the payload of `x509` evidence: the signature is r and s, 32 bytes each (RFC 7518 3.4)."""
        r, s = decode_dss_signature(self.key.sign(transcript, ec.ECDSA(hashes.SHA256())))
        raw = r.to_bytes(P256_BYTES, "big") + s.to_bytes(P256_BYTES, "big")
        chain = [b64encode(self.certificate.public_bytes(Encoding.DER)).decode()]
        return {"chain": chain, "alg": "ES256", "signature": base64url.encode(raw)}


class CorporateCa:
    """Certifies the devices that an organisation manages (RFC 5280), for a month from `now`."""

    def __init__(self, name: str, *, now: datetime) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._now = now
        self._name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, name)])
        self._certificate = (
            self._builder(self._name, public_key=self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(key_cert_sign=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def pem(self) -> bytes:
        """The trust anchor."""
        return self._certificate.public_bytes(Encoding.PEM)

    def issue(self, dns_name: str) -> Device:
        """Make a device with a key, and certify it."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, dns_name)])
        certificate = (
            self._builder(subject, public_key=key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(dns_name)]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return Device(name=dns_name, key=key, certificate=certificate)

    def _builder(self, subject: x509.Name, *, public_key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - timedelta(minutes=1))
            .not_valid_after(self._now + LIFETIME)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(authority, critical=False)
        )


def _key_usage(*, digital_signature: bool = False, key_cert_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=key_cert_sign,
        encipher_only=False,
        decipher_only=False,
    )
