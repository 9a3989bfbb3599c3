"""Whatever arrives, a token is verified or Refused: nothing else is raised, and only the issuer's word is verified."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.core import base64url
from plugin.core.reasons import Reason
from plugin.jose.keys import ALGORITHMS, KeySet
from tests.jose import post_quantum
from tests.jose.issuer import KEYS, claims, header, reason_of, sign
from tests.jose.post_quantum import SETS

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
CLAIM_NAMES = ("iss", "sub", "aud", "azp", "iat", "exp", "nbf")
PARAMETER_NAMES = ("alg", "kid", "typ", "x5t", "crit", "jwk", "b64")
GOOD = sign()
POST_QUANTUM = {name: post_quantum.sign(name) for name in SETS}
EVERY_KEY = KeySet(keys=(*KEYS.keys, *post_quantum.key_set(*map(post_quantum.public, SETS)).keys))
KEY_IDS = ("rsa", "ec", "ed", *SETS)
SETTINGS = settings(deadline=None, max_examples=100)  # how long an example takes says nothing about the code


@SETTINGS
@given(st.text())
def test_text_is_refused(text: str) -> None:
    assert reason_of(text) is not None


@SETTINGS
@given(st.lists(st.binary(), min_size=3, max_size=3))
def test_three_parts_of_anything_are_refused(parts: list[bytes]) -> None:
    assert reason_of(".".join(map(base64url.encode, parts))) is not None


@SETTINGS
@given(st.dictionaries(st.text(), JSON), st.binary(max_size=300))
def test_payload_under_a_made_up_signature_is_refused(payload: dict[str, object], signature: bytes) -> None:
    parts = (json.dumps(header()).encode(), json.dumps(claims(**payload)).encode(), signature)

    assert reason_of(".".join(map(base64url.encode, parts))) is not None


@SETTINGS
@given(st.integers(0, len(GOOD)), st.integers(0, len(GOOD)), st.text(max_size=4))
def test_spliced_token_is_refused(start: int, end: int, patch: str) -> None:
    spliced = GOOD[:start] + patch + GOOD[end:]

    assert (reason_of(spliced) is None) == (spliced == GOOD)


@SETTINGS
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(CLAIM_NAMES, JSON)))
def test_any_signed_claims_are_accepted_or_refused(changes: dict[str, object]) -> None:
    verdict = reason_of(sign(claims(**changes)))

    assert verdict is None or isinstance(verdict, Reason)


@SETTINGS
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(PARAMETER_NAMES, JSON)))
def test_any_signed_header_is_accepted_or_refused(changes: dict[str, object]) -> None:
    verdict = reason_of(sign(head=header(**changes)))

    assert verdict is None or isinstance(verdict, Reason)


@SETTINGS
@given(st.sampled_from(sorted(ALGORITHMS)), st.sampled_from(KEY_IDS), st.binary(max_size=5000))
def test_a_made_up_signature_is_refused_under_every_algorithm(algorithm: str, key_id: str, signature: bytes) -> None:
    parts = (json.dumps(header(alg=algorithm, kid=key_id)).encode(), json.dumps(claims()).encode(), signature)
    token = ".".join(map(base64url.encode, parts))

    assert reason_of(token, keys=EVERY_KEY, algorithms=ALGORITHMS) is not None


@SETTINGS
@given(st.sampled_from(SETS), st.integers(0), st.integers(0, 7))
def test_a_flipped_bit_of_a_post_quantum_token_is_refused(name: str, place: int, bit: int) -> None:
    signed, _, signature = POST_QUANTUM[name].rpartition(".")
    raw = bytearray(base64url.decode(signature))
    raw[place % len(raw)] ^= 1 << bit

    token = f"{signed}.{base64url.encode(bytes(raw))}"

    assert reason_of(token, keys=EVERY_KEY, algorithms=ALGORITHMS) is Reason.TOKEN_SIGNATURE


@SETTINGS
@given(st.binary())
def test_any_signed_bytes_are_refused(payload: bytes) -> None:
    assert reason_of(sign(payload)) is not None
