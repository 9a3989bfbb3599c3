import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, OKPKey

from plugin.core import base64url
from plugin.jose.keys import parse_jwks
from tests.jose.issuer import EC, ED, RSA

RSA_JWK: dict[str, Any] = dict(RSA.as_dict(private=False))
EC_JWK: dict[str, Any] = dict(EC.as_dict(private=False))
ED_JWK: dict[str, Any] = dict(ED.as_dict(private=False))


def jwks(*members: object) -> bytes:
    return json.dumps({"keys": members}).encode()


def with_(jwk: Mapping[str, Any], **members: object) -> dict[str, object]:
    return {**jwk, **members}


def number(value: int) -> str:
    return base64url.encode(value.to_bytes((value.bit_length() + 7) // 8))


def off_curve() -> dict[str, object]:
    y = bytearray(base64url.decode(EC_JWK["y"]))
    y[-1] ^= 1
    return with_(EC_JWK, y=base64url.encode(bytes(y)))


KINDS = {
    "RSA": (RSA_JWK, {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    "RSA for one algorithm": (with_(RSA_JWK, alg="PS384"), {"PS384"}),
    "P-256": (EC_JWK, {"ES256"}),
    "P-384": (ECKey.generate_key("P-384").as_dict(private=False), {"ES384"}),
    "Ed25519": (ED_JWK, {"EdDSA", "Ed25519"}),
    "Ed25519 by its own name alone": (with_(ED_JWK, alg="Ed25519"), {"Ed25519"}),
    "use sig": (with_(EC_JWK, use="sig"), {"ES256"}),
    "key_ops verify": (with_(EC_JWK, key_ops=["verify"]), {"ES256"}),
}

NOT_FOR_US = {
    "use enc": with_(RSA_JWK, use="enc"),
    "use of no string": with_(RSA_JWK, use=["sig"]),
    "key_ops encrypt": with_(RSA_JWK, key_ops=["encrypt"]),
    "key_ops of no list": with_(RSA_JWK, key_ops="verify"),
    "algorithm for encryption": with_(RSA_JWK, alg="RSA-OAEP"),
    "algorithm of another type": with_(RSA_JWK, alg="ES256"),
    "algorithm none": with_(RSA_JWK, alg="none"),
    "algorithm HS256": with_(RSA_JWK, alg="HS256"),
    "algorithm of no string": with_(RSA_JWK, alg=["RS256"]),
    "kid of no string": with_(RSA_JWK, kid=5),
    "issuer of no string": with_(RSA_JWK, issuer=["https://sso.example.com"]),
    "RSA of 1024 bits": with_(RSA_JWK, n=number(2**1023 + 1)),
    "RSA of 2047 bits": with_(RSA_JWK, n=number(2**2046 + 1)),
    "RSA of 8193 bits": with_(RSA_JWK, n=number(2**8192 + 1)),
    "RSA with exponent 1": with_(RSA_JWK, e=number(1)),
    "RSA with exponent 3": with_(RSA_JWK, e=number(3)),
    "RSA with an even exponent": with_(RSA_JWK, e=number(2**16)),
    "RSA with a huge exponent": with_(RSA_JWK, e=number(2**64 + 1)),
    "RSA with a padded modulus": with_(RSA_JWK, n=RSA_JWK["n"] + "=="),
    "RSA without a modulus": with_(RSA_JWK, n=None),
    "EC point off the curve": off_curve(),
    "EC point at infinity": with_(EC_JWK, x=base64url.encode(bytes(32)), y=base64url.encode(bytes(32))),
    "EC with a short coordinate": with_(EC_JWK, x=EC_JWK["x"][:-3]),
    "EC on another curve than it says": with_(EC_JWK, crv="P-384"),
    "P-521": ECKey.generate_key("P-521").as_dict(private=False),
    "secp256k1": ECKey.generate_key("secp256k1").as_dict(private=False),
    "X25519": OKPKey.generate_key("X25519").as_dict(private=False),
    "Ed25519 of 31 bytes": with_(ED_JWK, x=base64url.encode(bytes(31))),
    "unknown type": {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"},
    "no type": {"kid": "a"},
    "type of no string": with_(RSA_JWK, kty=["RSA"]),
    "empty": {},
}

REFUSED_WHOLE = {
    "private RSA key": (jwks(EC_JWK, RSA.as_dict(private=True)), "private or symmetric"),
    "private EC key": (jwks(EC_JWK, EC.as_dict(private=True)), "private or symmetric"),
    "private key for encryption": (jwks(EC_JWK, with_(RSA.as_dict(private=True), use="enc")), "private or symmetric"),
    "shared secret": (jwks(EC_JWK, OctKey.generate_key(256).as_dict(private=True)), "private or symmetric"),
    "private member of an unknown type": (jwks(EC_JWK, {"kty": "AKP", "priv": "AAAA"}), "private or symmetric"),
    "33 keys": (jwks(*[EC_JWK] * 33), "got 33 keys"),
    "over 64 KiB": (jwks(EC_JWK) + b" " * 64 * 1024, "expected at most 65536"),
    "duplicate member": (jwks(EC_JWK)[:-1] + b',"keys":[]}', "there twice"),
    "duplicate member of a key": (b'{"keys":[{"kty":"EC","kty":"RSA"}]}', "there twice"),
    "no keys": (jwks(), "none of 0 keys"),
    "no member keys": (b"{}", "no list of keys"),
    "keys of no list": (b'{"keys":{}}', "no list of keys"),
    "key of no object": (b'{"keys":["RSA"]}', "no list of keys"),
    "a list": (b"[]", "not a JSON object"),
    "HTML": (b"<html>", "not JSON"),
}


@pytest.mark.parametrize(("jwk", "algorithms"), KINDS.values(), ids=KINDS.keys())
def test_key_may_verify_what_its_type_allows(jwk: Mapping[str, object], algorithms: set[str]) -> None:
    (key,) = parse_jwks(jwks(jwk)).keys

    assert key.algorithms == algorithms


@pytest.mark.parametrize("jwk", NOT_FOR_US.values(), ids=NOT_FOR_US.keys())
def test_key_that_is_not_for_us_is_ignored_beside_one_that_is(jwk: Mapping[str, object]) -> None:
    keys = parse_jwks(jwks(jwk, with_(EC_JWK, kid="good"))).keys

    assert [key.key_id for key in keys] == ["good"]


@pytest.mark.parametrize("jwk", NOT_FOR_US.values(), ids=NOT_FOR_US.keys())
def test_key_set_without_a_key_for_us_is_refused(jwk: Mapping[str, object]) -> None:
    with pytest.raises(ValueError, match="none of 1 keys"):
        parse_jwks(jwks(jwk))


@pytest.mark.parametrize(("body", "fault"), REFUSED_WHOLE.values(), ids=REFUSED_WHOLE.keys())
def test_key_set_that_cannot_be_trusted_is_refused_whole(body: bytes, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parse_jwks(body)


ENTRA = "https://login.microsoftonline.com"
TENANT, CONSUMERS = "0f3c4b1e-7a57-4b4e-9d4e-5b7c2d1e8a90", "9188040d-6c67-4c5b-b112-36a304b66dad"


@pytest.mark.parametrize(
    ("of_key", "signs"),
    [
        (f"{ENTRA}/{TENANT}/v2.0", True),
        (f"{ENTRA}/{{tenantid}}/v2.0", True),
        (f"{ENTRA}/{{tenantId}}/v2.0", True),
        (None, True),
        (f"{ENTRA}/{CONSUMERS}/v2.0", False),
        (f"{ENTRA}/{TENANT}/v2.0/", False),
        (f"{ENTRA}/{{tenantid}}", False),
        (f"{ENTRA}/{{tenant}}/v2.0", False),
        ("https://login.microsoftonlineXcom/{tenantid}/v2.0", False),
        ("https://login.microsoftonline.us/{tenantid}/v2.0", False),
        ("{tenantid}/v2.0", False),
        (".*", False),
        ("", False),
    ],
)
def test_key_signs_for_its_own_issuer_alone(of_key: str | None, signs: bool) -> None:
    (key,) = parse_jwks(jwks(with_(RSA_JWK, issuer=of_key))).keys

    assert key.signs_for(f"{ENTRA}/{TENANT}/v2.0") == signs


def test_key_set_of_other_issuers_alone_is_refused_whole() -> None:
    keys = parse_jwks(jwks(with_(RSA_JWK, issuer=f"{ENTRA}/{CONSUMERS}/v2.0")))

    with pytest.raises(ValueError, match="another issuer's"):
        keys.of(f"{ENTRA}/{TENANT}/v2.0")


def test_key_with_the_same_id_for_encryption_does_not_stand_in_the_way() -> None:
    keys = parse_jwks(jwks(with_(RSA_JWK, use="enc"), RSA_JWK))

    assert keys.find(key_id="rsa", algorithm="RS256") is not None


def test_keys_of_two_types_may_share_an_id() -> None:
    keys = parse_jwks(jwks(with_(RSA_JWK, kid="same"), with_(EC_JWK, kid="same")))

    found = keys.find(key_id="same", algorithm="ES256")

    assert found is not None
    assert found.algorithms == {"ES256"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
MEMBERS = st.fixed_dictionaries(
    {"kty": st.sampled_from(["RSA", "EC", "OKP", "AKP"]) | JSON},
    optional=dict.fromkeys(("crv", "n", "e", "x", "y", "pub", "alg", "use", "key_ops", "kid", "issuer"), JSON),
)


@settings(deadline=None)
@given(st.lists(MEMBERS, max_size=3))
def test_any_key_set_is_read_or_a_value_error(members: list[dict[str, object]]) -> None:
    try:
        keys = parse_jwks(jwks(*members)).keys
    except ValueError:
        return
    assert keys
