"""Whatever the payload holds, only Refused comes out."""

from base64 import b64decode, b64encode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.attestation._x509 import MAX_CERTIFICATE, MAX_CERTIFICATES
from plugin.core import base64url
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from tests.attestation.appraisal import ALICE, ALICE_BELOW, ISSUING, ROOT, appraise, refusal
from tests.attestation.pki import SHA256, device, evidence, raw_evidence, sign, trust

CERTIFICATE = b64encode(ALICE.der).decode()
SIGNATURE = base64url.encode(sign(ALICE.key, alg="ES256"))
EVERYTHING = evidence(ALICE_BELOW, ISSUING, ROOT)
NAMED = device(
    by=ROOT,
    san=(
        x509.DNSName("laptop.example.com"),
        x509.RFC822Name("alice@example.com"),
        x509.UniformResourceIdentifier("spiffe://example.com/laptop"),
    ),
)
PAYLOAD: dict[str, object] = {"chain": [CERTIFICATE], "alg": "ES256", "signature": SIGNATURE}


@pytest.mark.parametrize(
    "change",
    [
        {"more": 1},
        {"chain": None},
        {"chain": []},
        {"chain": {}},
        {"chain": CERTIFICATE},
        {"chain": [CERTIFICATE] * (MAX_CERTIFICATES + 1)},
        {"chain": [CERTIFICATE + "\n"]},
        {"chain": [CERTIFICATE.rstrip("=") + "===="]},
        {"chain": [b64encode(ALICE.der + b"\0").decode()]},
        {"chain": [b64encode(bytes(MAX_CERTIFICATE + 3)).decode()]},
        {"chain": [ALICE.pem.decode()]},
        {"chain": ["é"]},
        {"chain": [1]},
        {"alg": ["ES256"]},
        {"alg": None},
        {"signature": SIGNATURE + "=="},
        {"signature": "+" + SIGNATURE[1:]},
        {"signature": 1},
        {"signature": "A" * 1500},
    ],
)
def test_a_payload_of_another_shape_is_refused(change: dict[str, object]) -> None:
    assert refusal(raw_evidence(PAYLOAD | change)) is Reason.EVIDENCE_MALFORMED


@pytest.mark.parametrize("missing", ["chain", "alg", "signature"])
def test_a_payload_with_something_missing_is_refused(missing: str) -> None:
    payload = {key: value for key, value in PAYLOAD.items() if key != missing}

    assert refusal(raw_evidence(payload)) is Reason.EVIDENCE_MALFORMED


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(CERTIFICATE) | st.just(SIGNATURE),
    lambda values: st.lists(values) | st.dictionaries(st.text(), values),
    max_leaves=10,
)
SHAPED = st.fixed_dictionaries({"chain": JSON | st.lists(JSON), "alg": JSON | st.just("ES256"), "signature": JSON})


@settings(max_examples=200, deadline=None)
@given(payload=st.dictionaries(st.text(), JSON) | SHAPED.filter(lambda payload: payload != PAYLOAD))
def test_any_json_is_refused_and_nothing_else_happens(payload: dict[str, object]) -> None:
    assert refusal(raw_evidence(payload)) in set(Reason)


@settings(max_examples=200, deadline=None)
@given(index=st.integers(0, 2), data=st.data())
def test_every_flipped_bit_of_a_certificate_is_refused(index: int, data: st.DataObject) -> None:
    der = bytearray([ALICE_BELOW, ISSUING, ROOT][index].der)
    position = data.draw(st.integers(0, len(der) - 1))
    der[position] ^= 1 << data.draw(st.integers(0, 7))
    chain = [b64encode(issued.der).decode() for issued in (ALICE_BELOW, ISSUING, ROOT)]
    chain[index] = b64encode(der).decode()

    assert refusal(raw_evidence({**EVERYTHING.payload, "chain": chain})) in set(Reason)


@settings(max_examples=100, deadline=None)
@given(position=st.integers(0, len(SIGNATURE) - 1), character=st.characters())
def test_every_other_character_in_a_signature_is_refused(position: int, character: str) -> None:
    changed = SIGNATURE[:position] + character + SIGNATURE[position + 1 :]
    if changed == SIGNATURE:
        return

    assert refusal(raw_evidence({**PAYLOAD, "signature": changed})) in set(Reason)


def chain_of(der: bytes) -> dict[str, object]:
    return {**PAYLOAD, "chain": [b64encode(der).decode()]}


def test_a_certificate_in_another_spelling_of_base64_is_refused() -> None:
    laptop = next(one for one in iter(lambda: device(by=ROOT), None) if len(one.der) % 3 == 1)
    payload = evidence(laptop).payload
    text = b64encode(laptop.der).decode()
    respelt = f"{text[:-3]}{chr(ord(text[-3]) + 1)}=="

    assert b64decode(respelt) == laptop.der
    assert refusal(raw_evidence({**payload, "chain": [respelt]})) is Reason.EVIDENCE_MALFORMED


def test_a_certificate_in_another_spelling_of_der_is_refused() -> None:
    laptop = next(one for one in iter(lambda: device(by=ROOT), None) if one.certificate.signature[-1] % 2 == 0)
    respelt = bytearray(laptop.der)
    respelt[-len(laptop.certificate.signature) - 1] = 1  # of the signature's last octet, one bit is said to be unused

    payload = {**evidence(laptop).payload, "chain": [b64encode(respelt).decode()]}

    assert refusal(raw_evidence(payload)) is Reason.EVIDENCE_MALFORMED


def signed_by_the_ca(content: bytes) -> bytes:
    """Make a certificate of whatever the CA was brought to sign (RFC 5280 4.1)."""
    assert isinstance(ROOT.key, ec.EllipticCurvePrivateKey)
    signature = ROOT.key.sign(content, ec.ECDSA(SHA256))
    body = content + ECDSA_WITH_SHA256 + bytes([3, len(signature) + 1, 0]) + signature
    return bytes([0x30, 0x82]) + len(body).to_bytes(2) + body


ECDSA_WITH_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")


@pytest.mark.parametrize(
    ("good", "bad"),
    [(b"\x0c\x05alice", b"\x03\x05\x00lice"), (b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x03")],
    ids=["a name that is no text", "a version that is none"],
)
def test_what_the_parser_has_an_exception_of_its_own_for_is_refused(good: bytes, bad: bytes) -> None:
    content = ALICE.certificate.tbs_certificate_bytes
    assert good in content

    der = signed_by_the_ca(content.replace(good, bad))

    assert refusal(raw_evidence(chain_of(der))) is Reason.EVIDENCE_MALFORMED


@settings(max_examples=300, deadline=None)
@given(data=st.data(), name_from=st.sampled_from(["subject_cn", "subject_uid", "san_dns", "san_email", "san_uri"]))
def test_a_malformed_certificate_that_the_ca_itself_signed_raises_nothing_but_refused(
    data: st.DataObject, name_from: str
) -> None:
    content = bytearray(NAMED.certificate.tbs_certificate_bytes)
    for position in data.draw(st.lists(st.integers(4, len(content) - 1), min_size=1, max_size=3)):
        content[position] = data.draw(st.integers(0, 255))

    try:
        appraise(raw_evidence(chain_of(signed_by_the_ca(bytes(content)))), trust(ROOT, name_from=name_from))
    except Refused as refused:
        assert refused.reason in set(Reason)  # noqa: PT017 - both outcomes are right, other exceptions are not
