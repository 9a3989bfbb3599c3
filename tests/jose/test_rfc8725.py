"""The attacks and the practices of RFC 8725 (JSON Web Token Best Current Practices), one by one, by their sections."""

import json
from collections.abc import Mapping

import pytest
from joserfc import jwe
from joserfc.jwk import ECKey, OctKey

from idp_adapters.oidc import adapter
from plugin.core import base64url
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.jose.keys import ALGORITHMS, parse_jwks
from plugin.jose.verify import read_unverified
from plugin.ports import IdpSettings
from tests.jose.issuer import (
    CLAIMS,
    EC,
    ED,
    EVIL,
    ISSUER,
    RSA,
    check,
    claims,
    header,
    key_set,
    reason_of,
    sign,
    sign_with_secret,
)

GOOD = sign()
SIGNED_PART = GOOD.rpartition(".")[0]


def jwks(*members: Mapping[str, object]) -> bytes:
    return json.dumps({"keys": members}).encode()


def utf(encoding: str) -> str:
    return sign(json.dumps(CLAIMS).encode(encoding))


def claim_refused(**changes: object) -> Reason | None:
    """Say why the table of checks of the generic adapter refuses a token that is otherwise good."""
    settings = IdpSettings(
        issuer=ISSUER, audience=frozenset({"vestibule"}), algorithms=frozenset({"RS256"}), org="acme"
    )
    verified = check(sign(claims(**changes)))
    try:
        for name, test in adapter(settings).checks.items():
            test(name, verified.payload)
    except Refused as refused:
        return refused.reason
    return None


def encrypted(algorithm: str, *, key: OctKey | ECKey, **more: object) -> str:
    return jwe.encrypt_compact({"alg": algorithm, "enc": "A128GCM", **more}, json.dumps(CLAIMS), key)


# Section 2: the attacks.


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE"])
@pytest.mark.parametrize("signature", ["", "AAAA", GOOD.rpartition(".")[2]])
def test_2_1_a_token_that_calls_itself_unsigned_is_refused(name: str, signature: str) -> None:
    head = base64url.encode(json.dumps(header(alg=name)).encode())
    token = f"{head}.{SIGNED_PART.partition('.')[2]}.{signature}"

    assert reason_of(token, algorithms=ALGORITHMS | {"none", name}) is Reason.TOKEN_ALGORITHM


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("form", ["PEM", "DER", "JWK"])
def test_2_1_a_public_key_is_no_shared_secret(algorithm: str, form: str) -> None:
    secret = {
        "PEM": RSA.as_pem(private=False),
        "DER": RSA.as_der(private=False),
        "JWK": json.dumps(RSA.as_dict(private=False)).encode(),
    }[form]

    token = sign_with_secret(secret, head=header(alg=algorithm))

    assert reason_of(token, algorithms=ALGORITHMS | {algorithm}) is Reason.TOKEN_ALGORITHM


def test_2_2_there_is_no_weak_secret_to_guess_as_there_is_no_secret() -> None:
    with pytest.raises(ValueError, match="private or symmetric"):
        parse_jwks(jwks(OctKey.generate_key(256).as_dict(private=True)))


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(encrypted("dir", key=OctKey.generate_key(128)), id="encrypted directly"),
        pytest.param(encrypted("A128KW", key=OctKey.generate_key(128)), id="with a wrapped key"),
        pytest.param(encrypted("ECDH-ES", key=ECKey.generate_key("P-256")), id="2.5 by an ephemeral key"),
    ],
)
def test_2_3_and_2_5_nothing_encrypted_is_ever_opened(token: str) -> None:
    assert reason_of(token) is Reason.TOKEN_MALFORMED


def test_2_3_a_token_within_a_token_is_not_unwrapped() -> None:
    nested = sign(GOOD.encode(), head=header(cty="JWT"))

    assert reason_of(nested) is Reason.TOKEN_HEADER


@pytest.mark.parametrize("parameters", [{"zip": "DEF"}, {"zip": "DEF", "enc": "A128GCM"}])
def test_2_4_and_3_6_nothing_is_decompressed(parameters: dict[str, str]) -> None:
    assert reason_of(sign(head=header(**parameters))) is Reason.TOKEN_HEADER


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "utf-7"])
def test_2_6_and_3_7_json_is_utf_8_and_nothing_else(encoding: str) -> None:
    expected = None if encoding == "utf-7" else Reason.TOKEN_MALFORMED  # of ASCII alone, UTF-7 is UTF-8

    assert reason_of(utf(encoding)) is expected


def test_2_7_a_token_for_another_party_is_no_token_for_us() -> None:
    assert reason_of(sign(claims(aud="another", azp="vestibule"))) is Reason.TOKEN_AUDIENCE


@pytest.mark.parametrize("kind", ["at+jwt", "application/at+jwt", "logout+jwt", "secevent+jwt", "dpop+jwt", "kb+jwt"])
def test_2_8_a_token_of_another_kind_is_no_sign_in(kind: str) -> None:
    assert reason_of(sign(head=header(typ=kind))) is Reason.TOKEN_TYPE


@pytest.mark.parametrize("key_id", ["../../../../dev/null", "' OR 1=1 --", "|/bin/true", "rsa\x00", "*", "RSA", "rsa "])
def test_2_9_a_key_id_is_compared_and_nothing_else(key_id: str) -> None:
    assert reason_of(sign(head=header(kid=key_id))) is Reason.TOKEN_KEY


# Section 3: the practices.


@pytest.mark.parametrize(("algorithm", "name"), [("PS256", "rsa"), ("RS512", "rsa"), ("ES256", "ec"), ("EdDSA", "ed")])
def test_3_1_only_the_configured_algorithms_verify(algorithm: str, name: str) -> None:
    key = {"rsa": RSA, "ec": EC, "ed": ED}[name]
    token = sign(head=header(alg=algorithm, kid=name), key=key, algorithm=algorithm)

    assert reason_of(token, algorithms=frozenset({"RS256"})) is Reason.TOKEN_ALGORITHM
    assert reason_of(token, algorithms=frozenset({algorithm})) is None


@pytest.mark.parametrize("algorithm", ["PS256", "RS384", "RS512"])
def test_3_1_a_key_is_used_with_the_one_algorithm_that_it_is_for(algorithm: str) -> None:
    token = sign(head=header(alg=algorithm), algorithm=algorithm)

    assert reason_of(token, keys=key_set(RSA, alg="RS256"), algorithms=ALGORITHMS) is Reason.TOKEN_KEY


@pytest.mark.parametrize("algorithm", ["HS256", "none", "ES256K", "ES512", "RSA1_5", "dir", "EdDSA448", "rs256"])
def test_3_2_what_is_not_known_here_stays_refused_whatever_is_configured(algorithm: str) -> None:
    token = sign(head=header(alg=algorithm))

    assert reason_of(token, algorithms=frozenset({algorithm, "RS256"})) is Reason.TOKEN_ALGORITHM
    with pytest.raises(ValueError, match="algorithms"):
        adapter(IdpSettings(issuer=ISSUER, audience=frozenset({"v"}), algorithms=frozenset({algorithm}), org="acme"))


def test_3_3_a_token_is_good_as_a_whole_or_not_at_all() -> None:
    nested = sign(claims(inner=sign(key=EVIL)), key=EVIL)

    assert reason_of(nested) is Reason.TOKEN_SIGNATURE


@pytest.mark.parametrize("curve", ["P-256", "P-384"])
def test_3_4_a_point_off_its_curve_is_no_key(curve: str) -> None:
    jwk = dict(ECKey.generate_key(curve).as_dict(private=False))
    x = bytearray(base64url.decode(str(jwk["x"])))
    x[-1] ^= 1

    with pytest.raises(ValueError, match="none of 1 keys"):
        parse_jwks(jwks({**jwk, "x": base64url.encode(bytes(x))}))


@pytest.mark.parametrize("signature", [bytes(64), bytes(32) + b"\x01" * 32, b"\x01" * 32 + bytes(32), b"\xff" * 64])
def test_3_4_a_signature_of_impossible_numbers_is_none(signature: bytes) -> None:
    # CVE-2022-21449: r or s of zero passed elsewhere, for any message and any key.
    signed = sign(head=header(alg="ES256", kid="ec"), key=EC, algorithm="ES256").rpartition(".")[0]

    assert reason_of(f"{signed}.{base64url.encode(signature)}") is Reason.TOKEN_SIGNATURE


@pytest.mark.parametrize("bits", [512, 1024, 2047])
def test_3_5_a_key_that_is_too_short_is_no_key(bits: int) -> None:
    n = (1 << (bits - 1)) + 1
    jwk = {"kty": "RSA", "e": "AQAB", "n": base64url.encode(n.to_bytes((bits + 7) // 8))}

    with pytest.raises(ValueError, match="none of 1 keys"):
        parse_jwks(jwks(jwk))


@pytest.mark.parametrize("issuer", ["https://evil.example", f"{ISSUER}/", ISSUER.upper(), f"{ISSUER}.evil.example", ""])
def test_3_8_an_issuer_speaks_for_itself_alone(issuer: str) -> None:
    assert reason_of(sign(claims(iss=issuer))) is Reason.TOKEN_ISSUER


@pytest.mark.parametrize("subject", [..., None, "", 5, ["alice"], "s" * 256])
def test_3_8_a_subject_is_somebody(subject: object) -> None:
    assert reason_of(sign(claims(sub=subject))) is Reason.TOKEN_CLAIM


@pytest.mark.parametrize(
    ("audience", "expected"),
    [
        (..., Reason.TOKEN_CLAIM),
        (None, Reason.TOKEN_CLAIM),
        ([], Reason.TOKEN_AUDIENCE),
        ("*", Reason.TOKEN_AUDIENCE),
        (["vestibule", "evil"], Reason.TOKEN_AUDIENCE),
    ],
)
def test_3_9_an_audience_is_ours_alone(audience: object, expected: Reason) -> None:
    assert reason_of(sign(claims(aud=audience))) is expected


@pytest.mark.parametrize(
    "parameters",
    [
        {"jku": "http://169.254.169.254/latest/meta-data"},
        {"x5u": "https://evil.example/certificate"},
        {"jwk": EVIL.as_dict(private=False)},
        {"x5c": ["MIIB"]},
    ],
    ids=lambda parameters: next(iter(parameters)),
)
def test_3_10_no_key_and_no_address_of_a_token_is_believed(parameters: dict[str, object]) -> None:
    token = sign(head=header(**parameters), key=EVIL)

    assert reason_of(token) is Reason.TOKEN_HEADER
    with pytest.raises(Refused):
        read_unverified(token)  # before anybody is asked for anything


@pytest.mark.parametrize("kind", [..., "JWT", "jwt", "application/jwt"])
def test_3_11_a_sign_in_may_say_that_it_is_one(kind: object) -> None:
    assert reason_of(sign(head=header(typ=kind))) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}},
        {"scope": "openid"},
        {"scp": ["openid"]},
        {"typ": "Bearer"},
        {"typ": "Refresh"},
        {"token_use": "access"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_3_12_tokens_of_other_kinds_are_told_by_what_a_sign_in_never_has(changes: dict[str, object]) -> None:
    assert claim_refused(**changes) is Reason.TOKEN_TYPE
    assert claim_refused() is None
