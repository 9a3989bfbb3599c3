"""WebAuthn: what Chromium and genuine TPMs and iPhones signed, and what liars would like to have accepted."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from plugin.attestation.webauthn import evidence as webauthn
from plugin.core import base64url
from plugin.core.device import Element, EnrolledDevice, Tier
from plugin.core.reasons import Reason
from plugin.device_ports import Attested, EnrolmentFormat
from tests.attestation.formats import build_enrolling, enrol, enrolled, prove, refused_to_enrol, refused_to_prove
from tests.attestation.pki import authority
from tests.vectors import shared_folder

VECTORS = shared_folder() / "vectors" / "device" / "webauthn"
NOW = datetime(2026, 11, 25, tzinfo=UTC)
OTHER_ROOT = authority("Somebody else's CA").pem
LIBRARY = json.loads((VECTORS / "vectors.json").read_text())
CHROMIUM = json.loads((VECTORS / "chromium_ctap2_internal_direct.json").read_text())
ENROLMENT, JOIN = CHROMIUM["registration"], CHROMIUM["assertion"]
CHALLENGE, JOIN_CHALLENGE = (base64url.decode(CHROMIUM[name]) for name in ("challenge", "assert_challenge"))
AAGUID = "01020304-0506-0708-0102-030405060708"


def attested_object(credential: dict) -> dict:
    return cbor2.loads(base64url.decode(credential["response"]["attestationObject"]))


def top_of(credential: dict) -> bytes:
    """The last certificate of a chain, pinned: what stands above it is not in the recording."""
    der = attested_object(credential)["attStmt"]["x5c"][-1]
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)


ROOT = top_of(ENROLMENT)


def chromium(
    *roots: bytes, origin: str = CHROMIUM["origin"], rp_id: str = "localhost", **options: object
) -> EnrolmentFormat:
    return build_enrolling(webauthn, *(roots or (ROOT,)), origin=origin, rp_id=rp_id, **options)


def refusal(verifier: EnrolmentFormat, payload: dict = ENROLMENT, *, challenge: bytes = CHALLENGE) -> Reason:
    return refused_to_enrol(verifier, payload, transcript=challenge, now=NOW)


def device(*, counter: int = 1) -> EnrolledDevice:
    attested = enrol(chromium(), ENROLMENT, transcript=CHALLENGE, now=NOW)
    return replace(enrolled(attested, now=NOW, kind="webauthn"), counter=counter)


def join_refusal(
    verifier: EnrolmentFormat, payload: dict = JOIN, *, challenge: bytes = JOIN_CHALLENGE, counter: int = 1
) -> Reason:
    return refused_to_prove(verifier, payload, transcript=challenge, device=device(counter=counter), now=NOW)


def with_object(payload: dict, **members: object) -> dict:
    raw = cbor2.dumps(attested_object(payload) | members)
    return {**payload, "response": {**payload["response"], "attestationObject": base64url.encode(raw)}}


def with_client(payload: dict, **members: object) -> dict:
    said = json.loads(base64url.decode(payload["response"]["clientDataJSON"])) | members
    raw = base64url.encode(json.dumps(said).encode())
    return {**payload, "response": {**payload["response"], "clientDataJSON": raw}}


def test_a_key_of_a_trusted_vendor_is_enrolled_and_joins() -> None:
    attested = enrol(chromium(), ENROLMENT, transcript=CHALLENGE, now=NOW)
    proof = prove(chromium(), JOIN, transcript=JOIN_CHALLENGE, device=device(), now=NOW)

    assert (attested.tier, attested.synced, attested.vector[Element.HARDWARE]) == (
        Tier.AFFIRMING,
        False,
        Tier.AFFIRMING,
    )
    assert proof.counter == 2


def test_webauthn_without_roots_is_not_built() -> None:
    with pytest.raises(ValueError, match="no roots"):
        build_enrolling(webauthn)


def test_a_key_of_another_vendor_is_refused() -> None:
    assert refusal(chromium(OTHER_ROOT)) is Reason.EVIDENCE_CHAIN


def test_a_key_for_another_challenge_is_refused() -> None:
    assert refusal(chromium(), challenge=bytes(32)) is Reason.EVIDENCE_CHALLENGE


def test_a_key_of_another_origin_or_relying_party_is_refused() -> None:
    assert refusal(chromium(origin="http://localhost")) is Reason.EVIDENCE_AUDIENCE
    assert refusal(chromium(rp_id="example.com")) is Reason.EVIDENCE_AUDIENCE


def test_a_key_of_a_model_that_is_not_admitted_is_refused() -> None:
    assert enrol(chromium(aaguids=(AAGUID,)), ENROLMENT, transcript=CHALLENGE, now=NOW).claims["aaguid"]
    assert refusal(chromium(aaguids=(AAGUID.replace("1", "2"),))) is Reason.EVIDENCE_KEY


def test_a_key_with_its_attestation_taken_away_is_refused_or_a_warning_at_best() -> None:
    bare = with_object(ENROLMENT, fmt="none", attStmt={})

    assert refusal(chromium(), bare) is Reason.EVIDENCE_CHAIN
    attested = enrol(chromium(unattested=True), bare, transcript=CHALLENGE, now=NOW)
    assert attested.tier is Tier.WARNING
    assert Element.HARDWARE not in attested.vector


def test_none_with_a_chain_sneaked_in_is_refused() -> None:
    sneaked = with_object(ENROLMENT, fmt="none", attStmt={"x5c": attested_object(ENROLMENT)["attStmt"]["x5c"]})

    assert refusal(chromium(unattested=True), sneaked) is Reason.EVIDENCE_MALFORMED


def test_a_chain_of_ours_before_a_signature_of_another_key_is_refused() -> None:
    statement = attested_object(ENROLMENT)["attStmt"]
    forged = with_object(ENROLMENT, attStmt=statement | {"sig": statement["sig"][:-1] + b"\0"})

    assert refusal(chromium(), forged) is Reason.EVIDENCE_SIGNATURE


@pytest.mark.parametrize("flags", [0x4D, 0x5D, 0x55])
def test_a_synced_passkey_is_refused_or_a_warning_at_best(flags: int) -> None:
    data = bytearray(attested_object(ENROLMENT)["authData"])
    data[32] = flags
    synced = with_object(ENROLMENT, fmt="none", attStmt={}, authData=bytes(data))

    assert refusal(chromium(unattested=True), synced) is Reason.EVIDENCE_KEY
    if flags != 0x55:  # backed up, and not eligible for it: a contradiction
        attested = enrol(chromium(unattested=True, synced=True), synced, transcript=CHALLENGE, now=NOW)
        assert (attested.synced, attested.tier) == (True, Tier.WARNING)


def test_a_key_that_has_not_verified_its_user_is_refused() -> None:
    u2f = json.loads((VECTORS / "chromium_u2f_usb_direct.json").read_text())
    verifier = chromium(top_of(u2f["registration"]))

    reason = refusal(verifier, u2f["registration"], challenge=base64url.decode(u2f["challenge"]))

    assert reason is Reason.EVIDENCE_STATE


def test_a_signature_of_one_ceremony_is_worth_nothing_for_the_other() -> None:
    assert refusal(chromium(), with_client(ENROLMENT, type="webauthn.get")) is Reason.EVIDENCE_MALFORMED
    assert join_refusal(chromium(), with_client(JOIN, type="webauthn.create")) is Reason.EVIDENCE_MALFORMED


@pytest.mark.parametrize("said", [{"crossOrigin": True}, {"topOrigin": "https://evil.example"}, {"crossOrigin": 0}])
def test_a_key_used_in_a_foreign_frame_is_refused(said: dict[str, object]) -> None:
    assert refusal(chromium(), with_client(ENROLMENT, **said)) is Reason.EVIDENCE_AUDIENCE
    assert join_refusal(chromium(), with_client(JOIN, **said)) is Reason.EVIDENCE_AUDIENCE


def test_a_join_for_another_meeting_origin_or_relying_party_is_refused() -> None:
    assert join_refusal(chromium(), challenge=bytes(32)) is Reason.EVIDENCE_CHALLENGE
    assert join_refusal(chromium(origin="http://evil.example")) is Reason.EVIDENCE_AUDIENCE
    assert join_refusal(chromium(rp_id="example.com")) is Reason.EVIDENCE_AUDIENCE


def test_a_join_with_client_data_of_a_liar_is_refused() -> None:
    claimed = with_client(JOIN, challenge=base64url.encode(bytes(32)))

    assert join_refusal(chromium(), claimed, challenge=bytes(32)) is Reason.EVIDENCE_SIGNATURE


@pytest.mark.parametrize("counter", [2, 3])
def test_a_copied_key_whose_counter_has_not_grown_is_refused(counter: int) -> None:
    assert join_refusal(chromium(), counter=counter) is Reason.EVIDENCE_COUNTER


def changed(raw: bytes) -> list[bytes]:
    """Every octet flipped, and every length cut."""
    return [raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :] for at in range(len(raw))] + [
        raw[:at] for at in range(len(raw))
    ]


@pytest.mark.parametrize("member", ["attestationObject", "clientDataJSON"])
def test_no_changed_octet_of_a_registration_is_accepted(member: str) -> None:
    verifier = chromium()

    for raw in changed(base64url.decode(ENROLMENT["response"][member])):
        response = ENROLMENT["response"] | {member: base64url.encode(raw)}
        refusal(verifier, ENROLMENT | {"response": response})


@pytest.mark.parametrize("member", ["authenticatorData", "clientDataJSON", "signature"])
def test_no_changed_octet_of_an_assertion_is_accepted(member: str) -> None:
    verifier, known = chromium(), device()

    for raw in changed(base64url.decode(JOIN["response"][member])):
        payload = JOIN | {"response": JOIN["response"] | {member: base64url.encode(raw)}}
        refused_to_prove(verifier, payload, transcript=JOIN_CHALLENGE, device=known, now=NOW)


def respelt(text: str) -> str:
    return text.rstrip("=").replace("+", "-").replace("/", "_")


def recorded(name: str) -> Attested:
    """Enrol a recording of py_webauthn's, on the day when its chain began, with the top of its chain pinned."""
    (vector,) = (one for one in LIBRARY if one["test"] == name)
    # Some of the recordings are in plain base64.
    response = {name: respelt(text) for name, text in vector["credential"]["response"].items() if isinstance(text, str)}
    credential = vector["credential"] | {"response": response}
    said = json.loads(base64url.decode(response["clientDataJSON"]))
    chain = map(x509.load_der_x509_certificate, attested_object(credential)["attStmt"]["x5c"])
    rp_id = str(urlsplit(said["origin"]).hostname)
    verifier = build_enrolling(webauthn, top_of(credential), origin=said["origin"], rp_id=rp_id)
    now = max(one.not_valid_before_utc for one in chain)
    return enrol(verifier, credential, transcript=base64url.decode(said["challenge"]), now=now)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("test_verify_attestation_apple_passkey", "apple"),
        ("test_verify_attestation_dell_xps_13", "tpm"),
        ("test_verify_attestation_surface_pro_4", "tpm"),
    ],
)
def test_genuine_keys_of_the_library_are_enrolled(name: str, kind: str) -> None:
    assert recorded(name).claims["attestation"] == kind
