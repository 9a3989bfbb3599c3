"""Questions to an OCSP responder (RFC 6960) and the strict reading of its answers.

Pure: no network, no clock. The library parses an answer and verifies nothing of it: not whose it is, not for which
certificate, not whether its signature holds, not how old it is. All of that is asked here.

It must never take an answer for good that could be another's, an old one, or signed by somebody whom the
certificate's issuer has not entrusted with it.
"""

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, SignatureAlgorithmOID

from plugin.revocation.crl import LEEWAY, STRONG, UNREADABLE

MAX_SIGNERS = 4
MIN_RSA_BITS = 2048

_RSA = frozenset(
    {
        SignatureAlgorithmOID.RSA_WITH_SHA256,
        SignatureAlgorithmOID.RSA_WITH_SHA384,
        SignatureAlgorithmOID.RSA_WITH_SHA512,
    }
)
_ECDSA = frozenset(
    {
        SignatureAlgorithmOID.ECDSA_WITH_SHA256,
        SignatureAlgorithmOID.ECDSA_WITH_SHA384,
        SignatureAlgorithmOID.ECDSA_WITH_SHA512,
    }
)
_KNOWN_OF_SIGNERS = (x509.BasicConstraints, x509.KeyUsage, x509.ExtendedKeyUsage, x509.SubjectAlternativeName)


class UnusableAnswer(Exception):
    """An answer that says nothing about the certificate. The text is for operators."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a responder says of one certificate, until when."""

    revoked: bool
    until: datetime


def make_request(certificate: x509.Certificate, *, issuer: x509.Certificate, nonce: bytes | None) -> ocsp.OCSPRequest:
    """Ask about one certificate."""
    # RFC 5019 2.1.1: SHA-1 names the issuer here, for every responder knows it; nothing is proven by it.
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA1())  # noqa: S303 - see above
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build()


def read_answer(octets: bytes, *, request: ocsp.OCSPRequest, issuer: x509.Certificate, now: datetime) -> Answer:
    """Read an answer in four steps: 1 parse, 2 signature, 3 subject, 4 time. Raises UnusableAnswer."""
    # 1 parse
    try:
        response = ocsp.load_der_ocsp_response(octets)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise UnusableAnswer(f"got status `{response.response_status.name}`")
        # The properties of the one answer raise ValueError where there are several.
        critical = [e for e in (*response.extensions, *response.single_extensions) if e.critical]
        signers = (issuer, *response.certificates)
    except UNREADABLE:
        raise UnusableAnswer("expected a response with one answer (RFC 6960 4.2.1)") from None
    if critical:
        raise UnusableAnswer(f"unknown critical extension `{critical[0].oid.dotted_string}`")

    # 2 signature
    if len(signers) > MAX_SIGNERS or not any(
        _is_entrusted(signer, issuer=issuer, now=now) and _has_signed(signer, response) for signer in signers
    ):
        raise UnusableAnswer("expected the signature of the issuer, or of one whom it entrusts (RFC 6960 4.2.2.2)")

    # 3 subject
    if _certificate_id(response) != _certificate_id(request) or _nonce(response) != _nonce(request):
        raise UnusableAnswer("it answers another question")

    # 4 time
    until = response.next_update_utc
    if until is None or not response.this_update_utc - LEEWAY <= now < until:
        raise UnusableAnswer("it is not of now, or does not say until when it holds")
    if response.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
        raise UnusableAnswer("the responder does not know the certificate")
    return Answer(revoked=response.certificate_status is not ocsp.OCSPCertStatus.GOOD, until=until)


def _certificate_id(of: ocsp.OCSPRequest | ocsp.OCSPResponse) -> tuple[str, bytes, bytes, int]:
    return (of.hash_algorithm.name, of.issuer_name_hash, of.issuer_key_hash, of.serial_number)


def _nonce(of: ocsp.OCSPRequest | ocsp.OCSPResponse) -> bytes | None:
    try:
        return of.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce
    except x509.ExtensionNotFound:
        return None


def _is_entrusted(signer: x509.Certificate, *, issuer: x509.Certificate, now: datetime) -> bool:
    """Say whether the issuer lets this certificate's key answer for it (RFC 6960 4.2.2.2)."""
    if signer == issuer:
        return True
    try:
        signer.verify_directly_issued_by(issuer)
        extensions = signer.extensions
        purposes = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        # 4.2.2.2.1: without it nobody could say whether the signer itself was revoked.
        extensions.get_extension_for_class(x509.OCSPNoCheck)
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
    except (*UNREADABLE, InvalidSignature, x509.ExtensionNotFound):
        return False
    return (
        ExtendedKeyUsageOID.OCSP_SIGNING in purposes
        and usage.digital_signature
        and signer.not_valid_before_utc <= now < signer.not_valid_after_utc
        and all(isinstance(e.value, _KNOWN_OF_SIGNERS) for e in extensions if e.critical)
    )


def _has_signed(signer: x509.Certificate, response: ocsp.OCSPResponse) -> bool:
    try:
        key, algorithm = signer.public_key(), response.signature_hash_algorithm
        message, signature, kind = response.tbs_response_bytes, response.signature, response.signature_algorithm_oid
        match key:
            case _ if not isinstance(algorithm, STRONG):
                return False
            case rsa.RSAPublicKey(key_size=bits) if kind in _RSA and bits >= MIN_RSA_BITS:
                key.verify(signature, message, padding.PKCS1v15(), algorithm)
            case ec.EllipticCurvePublicKey() if kind in _ECDSA:
                key.verify(signature, message, ec.ECDSA(algorithm))
            case _:
                return False
    except (*UNREADABLE, InvalidSignature):
        return False
    return True
