"""The configured CAs: what is an error at start, and a chain that another program made."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from plugin.attestation.x509 import verifier
from plugin.ports import DeviceCa
from tests.attestation.appraisal import ALICE, ISSUING, ROOT, appraise
from tests.attestation.pki import ISSUER, TRANSCRIPT, Issued, authority, evidence, trust

RSA_1024 = rsa.generate_private_key(65537, 1024)  # noqa: S505 - weak on purpose


EXPIRED = authority("Old CA", until=datetime(2021, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("anchor", "problem"),
    [
        (trust(), "expected certificates in PEM"),
        (trust(ROOT, name_from="email"), "unknown `name_from` `email`"),
        (trust(ROOT, owner_pattern=f"{ISSUER}#alice"), "expected `owner_pattern` like"),
        (trust(ROOT, owner_pattern="https://{name}.example.com#{name}"), "expected `owner_pattern` like"),
        (trust(ROOT, owner_pattern="{name}"), "expected `owner_pattern` like"),
        (trust(EXPIRED), "every anchor has expired"),
        (trust(ROOT, ALICE), "is no CA certificate"),
        (trust(authority(key_usage=False)), "is no CA certificate"),
        (trust(authority(key=RSA_1024)), "has a key that is not accepted"),
        (trust(authority(key=ed25519.Ed25519PrivateKey.generate())), "has a key that is not accepted"),
        (DeviceCa(name="devices", certificates=b"no PEM", name_from="subject_cn"), "expected certificates in PEM"),
    ],
)
def test_a_ca_that_could_never_verify_anything_is_an_error_at_start(anchor: DeviceCa, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        verifier((anchor,))


def test_no_ca_at_all_is_an_error_at_start() -> None:
    with pytest.raises(ValueError, match="no device CA"):
        verifier(())


def test_one_anchor_key_in_two_cas_is_an_error_at_start() -> None:
    with pytest.raises(ValueError, match="`one` and `two` have an anchor key in common"):
        verifier((trust(ROOT, ca="one"), trust(ISSUING, ROOT, ca="two")))


def test_an_expired_anchor_beside_a_living_one_is_no_error_at_start() -> None:
    assert appraise(evidence(ALICE), trust(EXPIRED, ROOT)).bound


OPENSSL_EXTENSIONS = """
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[device]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = email:alice@example.com
"""


def openssl(*arguments: str, folder: Path) -> bytes:
    return subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True).stdout


@pytest.fixture
def made_by_openssl(tmp_path: Path) -> Path:
    (tmp_path / "extensions").write_text(OPENSSL_EXTENSIONS)
    for who, algorithm in (("ca", "RSA"), ("device", "EC")):
        option = "rsa_keygen_bits:2048" if algorithm == "RSA" else "ec_paramgen_curve:P-256"
        openssl("genpkey", "-algorithm", algorithm, "-pkeyopt", option, "-out", f"{who}.key", folder=tmp_path)
        openssl(
            "req", "-new", "-key", f"{who}.key", "-subj", f"/CN=foreign {who}", "-out", f"{who}.csr", folder=tmp_path
        )
    ca = ("-req", "-in", "ca.csr", "-signkey", "ca.key", "-extensions", "ca", "-days", "9")
    signer = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial")
    leaf = ("-req", "-in", "device.csr", *signer, "-extensions", "device", "-days", "2")
    for who, arguments in (("ca", ca), ("device", leaf)):
        openssl("x509", *arguments, "-extfile", "extensions", "-sha256", "-out", f"{who}.pem", folder=tmp_path)
    (tmp_path / "transcript").write_bytes(TRANSCRIPT)
    openssl("dgst", "-sha256", "-sign", "device.key", "-out", "signature", "transcript", folder=tmp_path)
    return tmp_path


@pytest.mark.component("openssl")
def test_a_chain_and_a_signature_that_openssl_made_are_accepted(made_by_openssl: Path) -> None:
    certificate = x509.load_pem_x509_certificate((made_by_openssl / "device.pem").read_bytes())
    anchor = DeviceCa(
        name="foreign",
        certificates=(made_by_openssl / "ca.pem").read_bytes(),
        name_from="san_email",
        owner_pattern=f"{ISSUER}#{{name}}",
    )
    r, s = decode_dss_signature((made_by_openssl / "signature").read_bytes())
    key = load_pem_private_key((made_by_openssl / "device.key").read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    presented = evidence(
        Issued(certificate=certificate, key=key), signature=r.to_bytes(32, "big") + s.to_bytes(32, "big")
    )

    result = appraise(presented, anchor, now=certificate.not_valid_before_utc + timedelta(hours=1))

    assert (result.owner, result.expires_at) == (f"{ISSUER}#alice@example.com", certificate.not_valid_after_utc)
