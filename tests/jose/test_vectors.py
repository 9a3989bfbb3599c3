"""Foreign vectors through our own verification of signatures: Wycheproof, and the worked examples of the RFCs."""

import json
from typing import Any

import pytest

from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.jose.keys import ALGORITHMS, PRIVATE_MEMBERS, parse_jwks
from plugin.jose.verify import verify_signature
from tests.vectors import shared_folder

VECTORS = shared_folder() / "vectors" / "jose"
WYCHEPROOF = json.loads((VECTORS / "wycheproof" / "json_web_signature_test.json").read_text())
KEY_SETS = json.loads((VECTORS / "wycheproof" / "json_web_key_test.json").read_text())

# Valid signatures that this house refuses all the same, each group with its reason.
REFUSED_ALL_THE_SAME = {
    **dict.fromkeys([1, 348, 352, 357, 358, 359, 376, 377], "HMAC: a key set with a shared secret is refused whole"),
    **dict.fromkeys([372, 373], "HMAC, and `?` inside base64url, which the vectors call valid by mistake"),
    **dict.fromkeys([346, 350], "the key is for PS256, the token is signed with PS384"),
    **dict.fromkeys([347, 351], "the key is for `ES521`, which is no algorithm, and P-521 is not in use here"),
}

CASES = [
    pytest.param(
        group.get("public") or group["private"],
        test["jws"],
        test["result"] == "valid" and test["tcId"] not in REFUSED_ALL_THE_SAME,
        id=f"{test['tcId']} {test['comment']}",
    )
    for group in WYCHEPROOF["testGroups"]
    for test in group["tests"]
]


KEY_SET_CASES = [
    # Of what is valid there, HMAC is what this house refuses all the same.
    pytest.param(
        group.get("public") or group["private"],
        test["jws"],
        test["result"] == "valid" and "public" in group,
        id=f"{test['tcId']} {group['comment']} {test['comment']}",
    )
    for group in KEY_SETS["testGroups"]
    for test in group["tests"]
]


def is_accepted(token: str, *, jwks: dict[str, object]) -> bool:
    try:
        keys = parse_jwks(json.dumps(jwks).encode())
        verify_signature(token, keys=keys, algorithms=ALGORITHMS)
    except (ValueError, Refused):
        return False
    return True


@pytest.mark.parametrize(("jwk", "token", "expected"), CASES)
def test_wycheproof_signature(jwk: dict[str, object], token: str, expected: bool) -> None:
    assert is_accepted(token, jwks={"keys": [jwk]}) == expected


@pytest.mark.parametrize(("jwks", "token", "expected"), KEY_SET_CASES)
def test_wycheproof_key_set(jwks: dict[str, object], token: str, expected: bool) -> None:
    assert is_accepted(token, jwks=jwks) == expected


def example(path: str) -> tuple[dict[str, Any], str, str]:
    """Return public key, token and payload of a worked example."""
    worked = json.loads((VECTORS / "cookbook" / path).read_text())
    public = {name: value for name, value in worked["input"]["key"].items() if name not in PRIVATE_MEMBERS}
    return public, worked["output"]["compact"], worked["input"]["payload"]


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("jws/4_1.rsa_v15_signature.json", id="RFC 7520 4.1 RS256"),
        pytest.param("jws/4_2.rsa-pss_signature.json", id="RFC 7520 4.2 PS384"),
        pytest.param("curve25519/jws.json", id="RFC 8037 A.4 EdDSA"),
    ],
)
def test_worked_example_is_verified(path: str) -> None:
    jwk, token, payload = example(path)
    keys = parse_jwks(json.dumps({"keys": [jwk]}).encode())

    signed = verify_signature(token, keys=keys, algorithms=ALGORITHMS)

    assert signed.payload == payload.encode()


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        pytest.param("jws/4_3.ecdsa_signature.json", Reason.TOKEN_ALGORITHM, id="RFC 7520 4.3 ES512"),
        pytest.param("jws/4_4.hmac-sha2_integrity_protection.json", Reason.TOKEN_ALGORITHM, id="RFC 7520 4.4 HS256"),
        pytest.param("jws/4_5.signature_with_detached_content.json", Reason.TOKEN_ALGORITHM, id="RFC 7520 4.5"),
        pytest.param("rfc7797/hmac-sha2_b64_false.json", Reason.TOKEN_MALFORMED, id="RFC 7797 4.2 b64 false"),
    ],
)
def test_worked_example_of_what_is_not_in_use_is_refused(path: str, reason: Reason) -> None:
    token = json.loads((VECTORS / "cookbook" / path).read_text())["output"]["compact"]
    rsa, _, _ = example("jws/4_1.rsa_v15_signature.json")
    keys = parse_jwks(json.dumps({"keys": [rsa]}).encode())

    with pytest.raises(Refused) as refusal:
        verify_signature(token, keys=keys, algorithms=ALGORITHMS)

    assert refusal.value.reason is reason


def test_no_vector_is_left_out() -> None:
    assert len(CASES) == WYCHEPROOF["numberOfTests"]
    assert len(KEY_SET_CASES) == KEY_SETS["numberOfTests"]


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        pytest.param("3_1.ec_public_key.json", "none of 1 keys", id="RFC 7520 3.1 P-521"),
        pytest.param("3_2.ec_private_key.json", "private or symmetric", id="RFC 7520 3.2 EC private"),
        pytest.param("3_3.rsa_public_key.json", None, id="RFC 7520 3.3 RSA public"),
        pytest.param("3_4.rsa_private_key.json", "private or symmetric", id="RFC 7520 3.4 RSA private"),
        pytest.param("3_5.symmetric_key_mac_computation.json", "private or symmetric", id="RFC 7520 3.5 symmetric"),
        pytest.param("3_6.symmetric_key_encryption.json", "private or symmetric", id="RFC 7520 3.6 symmetric"),
    ],
)
def test_worked_example_of_a_key_is_read_or_refused(path: str, fault: str | None) -> None:
    jwk = (VECTORS / "cookbook" / "jwk" / path).read_bytes()
    told = None

    try:
        parse_jwks(b'{"keys":[' + jwk + b"]}")
    except ValueError as error:
        told = str(error)

    assert (told is None) if fault is None else (fault in str(told))
