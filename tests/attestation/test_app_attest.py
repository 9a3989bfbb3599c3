"""App Attest: genuine iPhones at their own time, and what liars would like to have accepted."""

from base64 import b64decode
from datetime import datetime, timedelta
from pathlib import Path

import cbor2
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from plugin.attestation.app_attest import evidence as app_attest
from plugin.core import base64url
from plugin.core.device import EnrolledDevice
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.device_ports import EnrolmentFormat
from tests.attestation.formats import build_enrolling, enrol, enrolled, prove, refused_to_enrol, refused_to_prove
from tests.attestation.pki import authority
from tests.vectors import shared_folder

VECTORS = shared_folder() / "vectors" / "device" / "app-attest"
OTHER_ROOT = authority("Somebody else's CA").pem


class Iphone:
    """What one genuine iPhone has sent. The issuing CA of its time stands for its root, which is not there."""

    def __init__(self, file: Path) -> None:
        attested, asserted, *_ = (one for one in yaml.safe_load_all(file.read_text()) if one)
        raw = b64decode(attested["attestationBase64"])
        self.attestation = cbor2.loads(raw)
        self.app = f"{attested['teamIdentifier']}.{attested['bundleIdentifier']}"
        self.challenge, self.other_challenge = b64decode(attested["clientDataBase64"]), b"another"
        self.now = datetime.fromisoformat(attested["timestamp"])
        self.root = x509.load_der_x509_certificate(self.attestation["attStmt"]["x5c"][1]).public_bytes(Encoding.PEM)
        key_id = base64url.encode(b64decode(attested["keyIdBase64"]))
        self.enrolment = {"key_id": key_id, "attestation": base64url.encode(raw)}
        self.join = {"key_id": key_id, "assertion": base64url.encode(b64decode(asserted["assertionBase64"]))}
        self.join_challenge = b64decode(asserted["clientDataBase64"])

    def verifier(self, *roots: bytes, **options: object) -> EnrolmentFormat:
        return build_enrolling(
            app_attest, *(roots or (self.root,)), **{"apps": (self.app,), "development": True} | options
        )

    def device(self, *, counter: int = 0) -> EnrolledDevice:
        attested = enrol(self.verifier(), self.enrolment, transcript=self.challenge, now=self.now)
        record = enrolled(attested, now=self.now, kind="app-attest")
        return EnrolledDevice(**{name: getattr(record, name) for name in record.__slots__} | {"counter": counter})


IPHONE = Iphone(VECTORS / "ios-14.4-beta-1.yaml")


def refusal(*roots: bytes, payload: dict[str, object] = IPHONE.enrolment, **options: object) -> Reason:
    verifier = IPHONE.verifier(*roots, **options)
    return refused_to_enrol(verifier, payload, transcript=IPHONE.challenge, now=IPHONE.now)


@pytest.mark.parametrize("file", sorted(VECTORS.glob("*.yaml")), ids=lambda file: file.stem)
def test_a_genuine_iphone_is_enrolled_and_joins(file: Path) -> None:
    iphone = Iphone(file)

    proof = prove(
        iphone.verifier(), iphone.join, transcript=iphone.join_challenge, device=iphone.device(), now=iphone.now
    )

    assert proof.counter == 1


@pytest.mark.parametrize("roots", [(), (b"",)])
def test_app_attest_without_roots_is_not_built(roots: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError, match=r"no roots|in PEM"):
        build_enrolling(app_attest, *roots, apps=(IPHONE.app,))


@pytest.mark.parametrize("apps", [(), ("noteam",)])
def test_app_attest_without_apps_is_not_built(apps: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="expected `apps`"):
        IPHONE.verifier(apps=apps)


def test_an_attestation_of_another_root_is_refused() -> None:
    assert refusal(OTHER_ROOT) is Reason.EVIDENCE_CHAIN


def test_an_attestation_of_another_app_is_refused() -> None:
    assert refusal(apps=("6MURL8TA57.com.example.other",)) is Reason.EVIDENCE_AUDIENCE


def test_an_attestation_of_the_development_environment_is_refused_unless_it_is_admitted() -> None:
    assert refusal(development=False) is Reason.EVIDENCE_STATE


def test_an_attestation_for_another_challenge_is_refused() -> None:
    verifier = IPHONE.verifier()

    reason = refused_to_enrol(verifier, IPHONE.enrolment, transcript=IPHONE.other_challenge, now=IPHONE.now)

    assert reason is Reason.EVIDENCE_CHALLENGE


def test_an_old_attestation_is_refused_by_the_clock_of_today() -> None:
    later = IPHONE.now + timedelta(days=4)

    reason = refused_to_enrol(IPHONE.verifier(), IPHONE.enrolment, transcript=IPHONE.challenge, now=later)

    assert reason is Reason.EVIDENCE_EXPIRED


def test_an_attestation_under_another_key_id_is_refused() -> None:
    assert refusal(payload={**IPHONE.enrolment, "key_id": base64url.encode(bytes(32))}) is Reason.EVIDENCE_KEY


def joining(*, transcript: bytes = IPHONE.join_challenge, counter: int = 0, **options: object) -> Reason:
    verifier, device = IPHONE.verifier(**options), IPHONE.device(counter=counter)
    return refused_to_prove(verifier, IPHONE.join, transcript=transcript, device=device, now=IPHONE.now)


def test_an_assertion_for_another_meeting_is_refused() -> None:
    assert joining(transcript=bytes(32)) is Reason.EVIDENCE_SIGNATURE


def test_an_assertion_whose_counter_has_not_grown_is_refused() -> None:
    assert joining(counter=1) is Reason.EVIDENCE_COUNTER


def test_an_assertion_of_an_app_that_is_not_configured_any_more_is_refused() -> None:
    assert joining(apps=("6MURL8TA57.com.example.other",)) is Reason.EVIDENCE_AUDIENCE


def changed(raw: bytes, *, step: int = 1) -> list[bytes]:
    """Every octet flipped, and every length cut."""
    flipped = [raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :] for at in range(0, len(raw), step)]
    return flipped + [raw[:at] for at in range(0, len(raw), step)]


def test_no_changed_octet_of_an_assertion_is_accepted() -> None:
    verifier, device = IPHONE.verifier(), IPHONE.device()

    for raw in changed(base64url.decode(IPHONE.join["assertion"])):
        payload = {**IPHONE.join, "assertion": base64url.encode(raw)}
        refused_to_prove(verifier, payload, transcript=IPHONE.join_challenge, device=device, now=IPHONE.now)


def test_no_changed_octet_of_an_attestation_is_accepted() -> None:
    raw = base64url.decode(IPHONE.enrolment["attestation"])
    receipt = raw.index(IPHONE.attestation["attStmt"]["receipt"])
    after = receipt + len(IPHONE.attestation["attStmt"]["receipt"])
    verifier = IPHONE.verifier()
    # The receipt is Apple's word to Apple's servers: it is not read here, and vouches for nothing.
    others = [one for one in changed(raw) if len(one) < len(raw) or one[receipt:after] == raw[receipt:after]]
    root_der = IPHONE.attestation["attStmt"]["x5c"][1]

    for one in others:
        payload = {**IPHONE.enrolment, "attestation": base64url.encode(one)}
        try:
            enrol(verifier, payload, transcript=IPHONE.challenge, now=IPHONE.now)
        except Refused:
            continue
        # The certificate of our own root is taken from our table, whatever the device says of it.
        assert root_der not in one
