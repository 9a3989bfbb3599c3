"""The certificate of an authenticator names its model, and is no CA."""

from datetime import timedelta
from hashlib import sha256

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from plugin.attestation._webauthn_statement import AAGUID
from plugin.core import base64url
from plugin.core.device import Tier
from plugin.core.reasons import Reason
from tests.attestation.formats import enrol
from tests.attestation.pki import SHA256, authority, name, p256
from tests.attestation.test_webauthn import CHALLENGE, ENROLMENT, NOW, attested_object, chromium, refusal, with_object

VENDOR = authority("Example vendor")
MODEL = attested_object(ENROLMENT)["authData"][37:53]


def packed(*, model: bytes, ca: bool = False) -> dict:
    """Chromium's registration, attested by an authenticator of a vendor of ours."""
    key, authority_key = p256(), VENDOR.key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    builder = x509.CertificateBuilder().subject_name(name("batch")).issuer_name(VENDOR.certificate.subject)
    builder = builder.public_key(key.public_key()).serial_number(7)
    builder = builder.not_valid_before(NOW - timedelta(days=1)).not_valid_after(NOW + timedelta(days=1))
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    builder = builder.add_extension(x509.UnrecognizedExtension(AAGUID, b"\x04\x10" + model), critical=False)
    leaf = builder.sign(authority_key, SHA256)
    client = base64url.decode(ENROLMENT["response"]["clientDataJSON"])
    signed = attested_object(ENROLMENT)["authData"] + sha256(client).digest()
    statement = {"alg": -7, "sig": key.sign(signed, ec.ECDSA(SHA256)), "x5c": [leaf.public_bytes(Encoding.DER)]}
    return with_object(ENROLMENT, attStmt=statement)


def test_an_authenticator_of_the_model_that_its_certificate_names_is_enrolled() -> None:
    attested = enrol(chromium(VENDOR.pem), packed(model=MODEL), transcript=CHALLENGE, now=NOW)

    assert attested.tier is Tier.AFFIRMING


@pytest.mark.parametrize("model", [bytes(16), b""])
def test_an_authenticator_of_another_model_than_its_certificate_names_is_refused(model: bytes) -> None:
    assert refusal(chromium(VENDOR.pem), packed(model=model)) is Reason.EVIDENCE_KEY


def test_a_ca_that_attests_by_itself_is_refused() -> None:
    assert refusal(chromium(VENDOR.pem), packed(model=MODEL, ca=True)) is Reason.EVIDENCE_CHAIN
