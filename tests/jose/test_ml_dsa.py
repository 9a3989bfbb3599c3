"""Signatures that a quantum computer does not forge: ML-DSA (FIPS 204, RFC 9964), signed by jwcrypto."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from jwcrypto.jwk import JWK

from plugin.core import base64url
from plugin.core.reasons import Reason
from plugin.jose.keys import ALGORITHMS, parse_jwks
from plugin.jose.ml_dsa import MlDsa
from tests.jose.issuer import KEYS, RSA, check, claims, header, reason_of
from tests.jose.issuer import sign as sign_classically
from tests.jose.post_quantum import SETS, SIGNERS, key_set, public, sign
from tests.vectors import shared_folder


def jwks(*members: object) -> bytes:
    return json.dumps({"keys": members}).encode()


@pytest.mark.parametrize("name", SETS)
def test_a_token_of_each_parameter_set_is_verified(name: str) -> None:
    signed = check(sign(name), keys=key_set(public(name)), algorithms=frozenset({name}))

    assert signed.payload == claims()


@pytest.mark.parametrize("name", SETS)
def test_each_is_one_algorithm_that_has_to_be_configured(name: str) -> None:
    verdict = reason_of(sign(name), keys=key_set(public(name)), algorithms=ALGORITHMS - {name})

    assert verdict is Reason.TOKEN_ALGORITHM


@pytest.mark.parametrize("claimed", SETS)
@pytest.mark.parametrize("name", SETS)
def test_a_signature_of_one_set_does_not_pass_for_another(name: str, claimed: str) -> None:
    token = sign(name)
    renamed = json.dumps({"alg": claimed, "kid": "any"}).encode()
    liar = ".".join([base64url.encode(renamed), *token.split(".")[1:]])
    keys = key_set(*(public(one, kid="any") for one in SETS))

    assert reason_of(liar, keys=keys, algorithms=frozenset(SETS)) is Reason.TOKEN_SIGNATURE


def test_a_signature_of_another_issuers_key_is_refused() -> None:
    stranger = json.loads(JWK.generate(kty="AKP", alg="ML-DSA-44", kid="ML-DSA-44").export_public())

    verdict = reason_of(sign("ML-DSA-44"), keys=key_set(stranger), algorithms=frozenset(SETS))

    assert verdict is Reason.TOKEN_SIGNATURE


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        pytest.param(sign_classically(head=header(alg="ML-DSA-44")), Reason.TOKEN_KEY, id="RS256 as ML-DSA"),
        pytest.param(sign("ML-DSA-44", kid="rsa"), Reason.TOKEN_KEY, id="with the id of another key"),
    ],
)
def test_a_classical_key_verifies_no_such_token(token: str, expected: Reason) -> None:
    assert reason_of(token, keys=KEYS, algorithms=ALGORITHMS) is expected


def test_such_a_key_verifies_no_classical_token() -> None:
    keys = key_set(public("ML-DSA-44", kid="rsa"))

    assert reason_of(sign_classically(), keys=keys, algorithms=ALGORITHMS) is Reason.TOKEN_KEY


NOT_FOR_US = {
    "alg absent": public("ML-DSA-44", alg=...),
    "alg of another set": public("ML-DSA-44", alg="ML-DSA-65"),
    "alg of another type": public("ML-DSA-44", alg="ES256"),
    "alg unknown": public("ML-DSA-44", alg="ML-DSA-43"),
    "pub absent": public("ML-DSA-44", pub=...),
    "pub a byte short": public("ML-DSA-44", pub=base64url.encode(bytes(1311))),
    "pub padded": public("ML-DSA-65", pub=public("ML-DSA-65")["pub"] + "="),  # type: ignore[operator] # a text
    "use enc": public("ML-DSA-44", use="enc"),
    "key_ops sign": public("ML-DSA-44", key_ops=["sign"]),
    "as another type": public("ML-DSA-44", kty="OKP"),
}


@pytest.mark.parametrize("jwk", NOT_FOR_US.values(), ids=NOT_FOR_US.keys())
def test_a_key_that_does_not_agree_with_itself_is_ignored(jwk: dict[str, object]) -> None:
    keys = parse_jwks(jwks(jwk, RSA.as_dict(private=False))).keys

    assert [key.key_id for key in keys] == ["rsa"]


def test_a_published_seed_makes_a_key_set_worthless() -> None:
    private = json.loads(SIGNERS["ML-DSA-44"].export())

    with pytest.raises(ValueError, match="private or symmetric"):
        parse_jwks(jwks(private))


def vectors() -> list[Any]:
    """Return Wycheproof's cases; a signature with a context is none here, where the context is empty."""
    file = shared_folder() / "vectors" / "jose" / "wycheproof" / "mldsa_44_verify_test.json"
    return [
        pytest.param(
            group["publicKey"],
            test,
            test["result"] == "valid" and not test.get("ctx"),
            id=f"{test['tcId']} {test['comment']}",
        )
        for group in json.loads(file.read_text())["testGroups"]
        for test in group["tests"]
    ]


@pytest.mark.parametrize(("public_key", "test", "expected"), vectors())
def test_wycheproof_ml_dsa(public_key: str, test: dict[str, str], expected: bool) -> None:
    algorithm = MlDsa(MLDSA44PublicKey)
    try:
        key = MLDSA44PublicKey.from_public_bytes(bytes.fromhex(public_key))
    except ValueError:
        assert not expected
        return

    assert algorithm.verify(bytes.fromhex(test["msg"]), key, bytes.fromhex(test["sig"])) == expected
