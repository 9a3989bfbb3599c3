"""Whatever a payload holds, nothing but Refused comes out of a format; and CBOR is read as cbor2 reads it, or not."""

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.attestation import _cbor
from plugin.attestation.app_attest import evidence as app_attest
from plugin.attestation.webauthn import evidence as webauthn
from plugin.core import base64url
from plugin.core.reasons import Reason
from tests.attestation import test_android_key as android
from tests.attestation.formats import build_enrolling, refused_to_enrol
from tests.attestation.pki import NOON, TRANSCRIPT, authority

ROOT = authority("Example attestation root").pem
VERIFIERS = {
    "webauthn": build_enrolling(webauthn, ROOT, unattested=True),
    "app-attest": build_enrolling(app_attest, ROOT, apps=("TEAMID.com.example.meet",)),
    "android-key": android.verifier(ROOT),
}
CBOR = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=40) | st.binary(max_size=300),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(st.text(max_size=8) | st.integers(-9, 9), values),
    max_leaves=12,
)
ENCODED = (st.binary(max_size=400) | CBOR.map(cbor2.dumps)).map(base64url.encode)
NAMES = ("attestationObject", "authenticatorData", "clientDataJSON", "signature")
RESPONSE = st.dictionaries(st.sampled_from(NAMES), ENCODED)
VALUE = st.none() | st.integers() | st.text() | ENCODED | st.lists(st.text() | ENCODED) | RESPONSE
MEMBERS = ("id", "rawId", "type", "response", "key_id", "attestation", "assertion", "chain", "signature")
PAYLOAD = st.dictionaries(st.sampled_from(MEMBERS), VALUE) | st.fixed_dictionaries(
    {"id": st.just("AAAA"), "rawId": st.just("AAAA"), "type": st.just("public-key"), "response": RESPONSE}
)


@pytest.mark.parametrize("name", VERIFIERS)
@settings(max_examples=150, deadline=None)
@given(payload=PAYLOAD)
def test_any_payload_is_refused_and_nothing_else_happens(name: str, payload: dict[str, object]) -> None:
    reason = refused_to_enrol(VERIFIERS[name], payload, transcript=TRANSCRIPT, now=NOON)

    assert reason in set(Reason)


@settings(max_examples=400, deadline=None)
@given(raw=st.binary(max_size=60) | CBOR.map(cbor2.dumps))
def test_what_is_read_of_cbor_is_what_another_reader_reads(raw: bytes) -> None:
    try:
        value = _cbor.read(raw)
    except ValueError:
        return

    assert value == cbor2.loads(raw, allow_duplicate_keys=False)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "a1",
        "5f40ff",
        "9fff",
        "a2010101f5",
        "a1f501",
        "c000",
        "f90000",
        "1817",
        "590001",
        "f8ff",
        "0000",
        "81" * 9 + "00",
    ],
)
def test_cbor_that_no_authenticator_writes_is_not_read(raw: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        _cbor.read(bytes.fromhex(raw))
