"""Android keys: genuine devices of 2019 (unlocked), good ones made here, and what liars would like to have accepted."""

import json
from base64 import b64encode
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from plugin.attestation._key_description import OID, read_key_description
from plugin.attestation.android_key import evidence as android_key
from plugin.core import base64url
from plugin.core.reasons import Reason
from plugin.device_ports import EnrolmentFormat
from tests.attestation.formats import build_enrolling, enrol, enrolled, prove, refused_to_enrol, refused_to_prove
from tests.attestation.pki import NOON, SHA256, TRANSCRIPT, Issued, authority, name, p256

VECTORS = "vectors/device/android-key-attestation"
PACKAGE, SIGNER = "com.example.meet", bytes(range(32))
STATUS = json.dumps({"entries": {"6681152659205225093": {"status": "REVOKED"}}}).encode()
ROOT = authority("Android root")
ISSUING = authority("TEE", by=ROOT)


def der(tag: int | bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    count = (len(body).bit_length() + 7) // 8
    size = bytes([len(body)]) if len(body) < 128 else bytes([0x80 | count]) + len(body).to_bytes(count, "big")
    return (tag if isinstance(tag, bytes) else bytes([tag])) + size + body


def tagged(number: int, content: bytes) -> bytes:
    return der(bytes([0xA0 | number]) if number < 31 else bytes([0xBF, 0x80 | number >> 7, number & 0x7F]), content)


def number(value: int, tag: int = 2) -> bytes:
    return der(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def description(
    *,
    challenge: bytes = TRANSCRIPT,
    level: int = 1,
    locked: bool = True,
    state: int = 0,
    patch: int = 202601,
    origin: int = 0,
    purposes: Iterable[int] = (2,),
    packages: Iterable[str] = (PACKAGE,),
    signer: bytes = SIGNER,
    software: bytes = b"",
) -> bytes:
    infos = [der(0x30, der(4, package.encode()), number(1)) for package in packages]
    application = der(0x30, der(0x31, *infos), der(0x31, der(4, signer)))
    trust = der(0x30, der(4, bytes(32)), der(1, b"\xff" if locked else b"\0"), number(state, 10), der(4, bytes(32)))
    hardware = (
        tagged(1, der(0x31, *map(number, purposes))),
        tagged(702, number(origin)),
        tagged(704, trust),
        tagged(706, number(patch)),
    )
    lists = (der(0x30, software, tagged(709, der(4, application))), der(0x30, *hardware))
    head = (number(4), number(level, 10), number(41), number(level, 10), der(4, challenge), der(4))
    return der(0x30, *head, *lists)


def attested(by: Issued = ISSUING, *, extension: bytes | None = None, ca: bool = False) -> Issued:
    key = p256()
    builder = x509.CertificateBuilder().subject_name(name("Android Keystore Key")).issuer_name(by.certificate.subject)
    builder = builder.public_key(key.public_key()).serial_number(1)
    builder = builder.not_valid_before(NOON - timedelta(days=1)).not_valid_after(NOON + timedelta(days=1))
    if ca:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    if extension is not None:
        builder = builder.add_extension(x509.UnrecognizedExtension(OID, extension), critical=False)
    return Issued(certificate=builder.sign(by.key, SHA256), key=key)


def signature(key: object, *, over: bytes = TRANSCRIPT) -> str:
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return base64url.encode(key.sign(over, ec.ECDSA(SHA256)))


def enrolment(*chain: Issued, signed: str | None = None) -> dict[str, object]:
    texts = [b64encode(one.der).decode() for one in chain]
    return {"chain": texts, "signature": signed or signature(chain[0].key)}


def verifier(*roots: bytes, **options: object) -> EnrolmentFormat:
    defaults = {"packages": (PACKAGE,), "signers": (SIGNER.hex(),), "patch_level": 202512, "status_file": STATUS}
    return build_enrolling(android_key, *(roots or (ROOT.pem,)), **defaults | options)


def refusal(*chain: Issued, **options: object) -> Reason:
    return refused_to_enrol(verifier(**options), enrolment(*chain), transcript=TRANSCRIPT, now=NOON)


def of(**said: object) -> Issued:
    return attested(extension=description(**said))  # type: ignore[arg-type] # a table of tests


def test_a_locked_phone_of_ours_is_enrolled_and_joins() -> None:
    phone = of()
    result = enrol(verifier(), enrolment(phone, ISSUING, ROOT), transcript=TRANSCRIPT, now=NOON)
    device = enrolled(result, now=NOON, kind="android-key")
    key_id = base64url.encode(bytes.fromhex(result.device_id.removeprefix("android-key:")))

    join = {"key_id": key_id, "signature": signature(phone.key, over=b"join" * 8)}

    assert prove(verifier(), join, transcript=b"join" * 8, device=device, now=NOON).tier is result.tier
    refused = refused_to_prove(verifier(), join, transcript=bytes(32), device=device, now=NOON)
    assert refused is Reason.EVIDENCE_SIGNATURE


@pytest.mark.parametrize(
    "missing", [{"packages": ()}, {"signers": ()}, {"signers": ("zz",)}, {"patch_level": 0}, {"status_file": b"[]"}]
)
def test_android_keys_without_all_that_is_needed_are_not_built(missing: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="expected"):
        verifier(**missing)


def test_android_keys_without_roots_are_not_built() -> None:
    with pytest.raises(ValueError, match="no roots"):
        build_enrolling(
            android_key, packages=(PACKAGE,), signers=(SIGNER.hex(),), patch_level=202512, status_file=STATUS
        )


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"challenge": bytes(32)}, Reason.EVIDENCE_CHALLENGE),
        ({"level": 0}, Reason.EVIDENCE_STATE),
        ({"locked": False}, Reason.EVIDENCE_STATE),
        ({"state": 1}, Reason.EVIDENCE_STATE),
        ({"state": 2}, Reason.EVIDENCE_STATE),
        ({"patch": 202511}, Reason.EVIDENCE_STATE),
        ({"origin": 2}, Reason.EVIDENCE_KEY),
        ({"purposes": (2, 3)}, Reason.EVIDENCE_KEY),
        ({"packages": ("com.example.other",)}, Reason.EVIDENCE_AUDIENCE),
        ({"packages": (PACKAGE, "com.example.other")}, Reason.EVIDENCE_AUDIENCE),
        ({"signer": bytes(32)}, Reason.EVIDENCE_AUDIENCE),
        ({"software": tagged(600, der(5))}, Reason.EVIDENCE_AUDIENCE),
    ],
)
def test_a_phone_in_another_state_or_of_another_app_is_refused(said: dict[str, object], reason: Reason) -> None:
    assert refusal(of(**said), ISSUING, ROOT) is reason


def test_a_phone_of_another_root_is_refused() -> None:
    assert refusal(attested(authority("TEE"), extension=description()), ISSUING, ROOT) is Reason.EVIDENCE_CHAIN


def test_a_certificate_that_an_attested_key_signed_is_refused() -> None:
    phone = attested(extension=description(challenge=b"other", locked=False))
    forged = attested(phone, extension=description())

    assert refusal(forged, phone, ISSUING, ROOT) is Reason.EVIDENCE_CHAIN


@pytest.mark.parametrize("leaf", [None, description()])
def test_a_key_description_above_the_leaf_is_refused(leaf: bytes | None) -> None:
    above = attested(extension=description(), ca=True)

    assert refusal(attested(above, extension=leaf), above, ISSUING, ROOT) is Reason.EVIDENCE_CHAIN


@pytest.mark.parametrize("spelling", ["x", "d"])
def test_a_phone_whose_attestation_key_was_revoked_is_refused(spelling: str) -> None:
    serial = format(ISSUING.certificate.serial_number, spelling)
    status = json.dumps({"entries": {serial: {"status": "SUSPENDED"}}}).encode()

    assert refusal(of(), ISSUING, ROOT, status_file=status) is Reason.EVIDENCE_REVOKED


def test_a_chain_without_its_key_is_refused() -> None:
    stolen = enrolment(of(), ISSUING, ROOT, signed=signature(p256()))

    assert refused_to_enrol(verifier(), stolen, transcript=TRANSCRIPT, now=NOON) is Reason.EVIDENCE_SIGNATURE


@pytest.mark.parametrize("kind", ["algorithm_EC_SecurityLevel_TEE", "algorithm_RSA_SecurityLevel_StrongBox"])
def test_a_genuine_phone_with_an_unlocked_bootloader_is_refused_for_that(kind: str, shared: Path) -> None:
    folder = shared / VECTORS / kind
    chain = [x509.load_pem_x509_certificate((folder / f"cert{index}.pem").read_bytes()) for index in range(4)]
    texts = [b64encode(one.public_bytes(Encoding.DER)).decode() for one in chain]
    now = datetime(2019, 6, 1, tzinfo=UTC)
    root = chain[-1].public_bytes(Encoding.PEM)

    payload = {"chain": texts, "signature": "AA"}

    genuine = verifier(root, status_file=(folder.parent / "status.json").read_bytes())
    assert refused_to_enrol(genuine, payload, transcript=b"abc", now=now) is Reason.EVIDENCE_STATE
    assert refused_to_enrol(genuine, payload, transcript=b"abd", now=now) is Reason.EVIDENCE_CHALLENGE
    assert refused_to_enrol(verifier(), payload, transcript=b"abc", now=now) is Reason.EVIDENCE_CHAIN


def test_nothing_but_a_value_error_comes_out_of_a_changed_key_description() -> None:
    raw = description()
    assert read_key_description(raw).locked

    for at in range(len(raw)):
        with pytest.raises(ValueError, match=r"."):
            read_key_description(raw[:at])
        for bit in (1, 0x80):
            try:
                read_key_description(raw[:at] + bytes([raw[at] ^ bit]) + raw[at + 1 :])
            except ValueError:
                continue
