"""Tokens that an attacker, a careless provider or another kind of token could bring, each with its verdict."""

import json

import pytest

from plugin.core import base64url
from plugin.core.reasons import Reason
from tests.jose.issuer import (
    APP,
    CLIENT,
    EC,
    ED,
    EVIL,
    ISSUER,
    MOMENT,
    RSA,
    check,
    claims,
    header,
    key_set,
    reason_of,
    sign,
    sign_with_secret,
)

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
PUBLIC_PEM = RSA.as_pem(private=False)
EVIL_JWK = EVIL.as_dict(private=False)
JKU = "https://evil.example/keys"
GOOD = sign()


def raw_claims(**texts: str) -> bytes:
    """Return the claims as JSON in which some members have exactly these texts."""
    members = {name: json.dumps(value) for name, value in claims().items()} | texts
    return ("{" + ",".join(f"{json.dumps(name)}:{text}" for name, text in members.items()) + "}").encode()


def with_signature(change: str) -> str:
    return f"{GOOD.rpartition('.')[0]}.{change}"


SIGNATURE = GOOD.rpartition(".")[2]
DEEP = b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}"
SPARE_BITS = ALPHABET[ALPHABET.index(SIGNATURE[-1]) + 1]

HEADERS = {
    "valid": (GOOD, None),
    "alg none": (sign(head=header(alg="none")).rpartition(".")[0] + ".", Reason.TOKEN_ALGORITHM),
    "alg NONE": (sign(head=header(alg="NONE")).rpartition(".")[0] + ".", Reason.TOKEN_ALGORITHM),
    "alg none with a signature": (sign(head=header(alg="none")), Reason.TOKEN_ALGORITHM),
    "alg absent": (sign(head=header(alg=...)), Reason.TOKEN_HEADER),
    "alg of no string": (sign(head=header(alg=["RS256"])), Reason.TOKEN_HEADER),
    "alg HS256 with the public key": (sign_with_secret(PUBLIC_PEM, head=header(alg="HS256")), Reason.TOKEN_ALGORITHM),
    "alg not configured": (sign(head=header(alg="PS256"), algorithm="PS256"), Reason.TOKEN_ALGORITHM),
    "embedded jwk": (sign(head=header(jwk=EVIL_JWK), key=EVIL), Reason.TOKEN_HEADER),
    "jku of the attacker": (sign(head=header(jku=JKU), key=EVIL), Reason.TOKEN_HEADER),
    "jku beside a good signature": (sign(head=header(jku=JKU)), Reason.TOKEN_HEADER),
    "x5u beside a good signature": (sign(head=header(x5u=JKU)), Reason.TOKEN_HEADER),
    "x5c beside a good signature": (sign(head=header(x5c=["MIIB"])), Reason.TOKEN_HEADER),
    "x5t beside a good signature": (sign(head=header(x5t="abc", **{"x5t#S256": "def"})), None),
    "crit unknown": (sign(head=header(crit=["exp"], exp=1)), Reason.TOKEN_HEADER),
    "crit empty": (sign(head=header(crit=[])), Reason.TOKEN_HEADER),
    "crit string": (sign(head=header(crit="exp")), Reason.TOKEN_HEADER),
    "crit number": (sign(head=header(crit=5)), Reason.TOKEN_HEADER),
    "b64 false": (sign(head=header(b64=False, crit=["b64"])), Reason.TOKEN_HEADER),
    "b64 false without crit": (sign(head=header(b64=False)), Reason.TOKEN_HEADER),
    "zip": (sign(head=header(zip="DEF")), Reason.TOKEN_HEADER),
    "enc": (sign(head=header(enc="A256GCM")), Reason.TOKEN_HEADER),
    "typ at+jwt": (sign(head=header(typ="at+jwt")), Reason.TOKEN_TYPE),
    "typ application/at+jwt": (sign(head=header(typ="application/at+jwt")), Reason.TOKEN_TYPE),
    "typ logout+jwt": (sign(head=header(typ="logout+jwt")), Reason.TOKEN_TYPE),
    "typ secevent+jwt": (sign(head=header(typ="secevent+jwt")), Reason.TOKEN_TYPE),
    "typ absent": (sign(head=header(typ=...)), None),
    "typ as a media type": (sign(head=header(typ="application/JWT")), None),
    "cty JWT": (sign(head=header(cty="JWT")), Reason.TOKEN_HEADER),
    "unknown parameter": (sign(head=header(**{"pi.atm": "1"})), Reason.TOKEN_HEADER),
    "kid number": (sign(head=header(kid=5)), Reason.TOKEN_HEADER),
    "kid null": (sign(head=header(kid=None)), Reason.TOKEN_HEADER),
    "kid too long": (sign(head=header(kid="k" * 256)), Reason.TOKEN_HEADER),
    "kid path traversal": (sign(head=header(kid="../../../dev/null")), Reason.TOKEN_KEY),
    "kid of another key": (sign(head=header(kid="ec")), Reason.TOKEN_KEY),
    "kid absent, one key fits": (sign(head=header(kid=...)), None),
    "duplicate alg": (sign(head=b'{"alg":"none","alg":"RS256","kid":"rsa"}'), Reason.TOKEN_MALFORMED),
    "header of no object": (sign(head=b'["RS256"]'), Reason.TOKEN_MALFORMED),
    "header empty": (sign(head=b""), Reason.TOKEN_MALFORMED),
    "header over 2 KiB": (sign(head=header(kid="k" * 2048)), Reason.TOKEN_TOO_LARGE),
}

SIGNATURES = {
    "key of the attacker under our key id": (sign(key=EVIL), Reason.TOKEN_SIGNATURE),
    "RS256 signed as PS256": (sign(algorithm="PS256"), Reason.TOKEN_SIGNATURE),
    "RS256 signed as RS512": (sign(algorithm="RS512"), Reason.TOKEN_SIGNATURE),
    "ES256": (sign(head=header(alg="ES256", kid="ec"), key=EC, algorithm="ES256"), None),
    "EdDSA": (sign(head=header(alg="EdDSA", kid="ed"), key=ED, algorithm="EdDSA"), None),
    "Ed25519, its own name": (sign(head=header(alg="Ed25519", kid="ed"), key=ED, algorithm="Ed25519"), None),
    "ES256 with an RSA signature": (sign(head=header(alg="ES256", kid="ec")), Reason.TOKEN_SIGNATURE),
    "RS256 with the id of the RSA key and an EC signature": (sign(key=EC, algorithm="ES256"), Reason.TOKEN_SIGNATURE),
    "empty": (with_signature(""), Reason.TOKEN_SIGNATURE),
    "flipped": (with_signature(SIGNATURE[:-2] + ("AA" if SIGNATURE[-2] != "A" else "BA")), Reason.TOKEN_SIGNATURE),
    "of another token": (f"{sign(claims(sub='mallory')).rpartition('.')[0]}.{SIGNATURE}", Reason.TOKEN_SIGNATURE),
    "padded": (GOOD + "=", Reason.TOKEN_MALFORMED),
    "correctly padded": (GOOD + "==", Reason.TOKEN_MALFORMED),
    "with whitespace": (with_signature(SIGNATURE[:5] + "\n" + SIGNATURE[5:]), Reason.TOKEN_MALFORMED),
    "with a line end": (GOOD + "\n", Reason.TOKEN_MALFORMED),
    "in the other alphabet": (with_signature("+" + SIGNATURE[1:]), Reason.TOKEN_MALFORMED),
    "in full-width digits": (with_signature("\uff11" + SIGNATURE[1:]), Reason.TOKEN_MALFORMED),
    "not canonical": (with_signature(SIGNATURE[:-1] + SPARE_BITS), Reason.TOKEN_MALFORMED),
}

SHAPES = {
    "empty": ("", Reason.TOKEN_MALFORMED),
    "two parts": (GOOD.rpartition(".")[0], Reason.TOKEN_MALFORMED),
    "four parts": (GOOD + ".e30", Reason.TOKEN_MALFORMED),
    "five parts, as an encrypted token": (GOOD + ".e30.e30", Reason.TOKEN_MALFORMED),
    "space before": (" " + GOOD, Reason.TOKEN_MALFORMED),
    "Bearer before": ("Bearer " + GOOD, Reason.TOKEN_MALFORMED),
    "JSON serialization": (json.dumps({"payload": "", "signatures": []}), Reason.TOKEN_MALFORMED),
    "half a surrogate pair": ("\ud800.e30.e30", Reason.TOKEN_MALFORMED),
    "1 MiB": (sign(claims(filler="x" * 2**20)), Reason.TOKEN_TOO_LARGE),
    "over 16 KiB": (sign(claims(filler="x" * 12_288)), Reason.TOKEN_TOO_LARGE),
    "payload a list": (sign(b"[]"), Reason.TOKEN_MALFORMED),
    "payload empty": (sign(b""), Reason.TOKEN_MALFORMED),
    "payload nested 5,000 deep": (sign(DEEP), Reason.TOKEN_MALFORMED),
    "payload nested 17 deep": (sign(raw_claims(deep="[" * 17 + "]" * 17)), Reason.TOKEN_MALFORMED),
    "payload in UTF-16": (sign(raw_claims().decode().encode("utf-16")), Reason.TOKEN_MALFORMED),
    "payload after a byte order mark": (sign(b"\xef\xbb\xbf" + raw_claims()), Reason.TOKEN_MALFORMED),
    "payload with half a surrogate pair": (sign(claims(name="\ud800")), Reason.TOKEN_MALFORMED),
    "payload with text after it": (sign(raw_claims() + b"{}"), Reason.TOKEN_MALFORMED),
    "duplicate iss": (sign(raw_claims()[:-1] + b',"iss":"https://evil.example"}'), Reason.TOKEN_MALFORMED),
    "duplicate deep inside": (sign(raw_claims(address='[{"a":1,"a":2}]')), Reason.TOKEN_MALFORMED),
}

TIMES = {
    "exp absent": (sign(claims(exp=...)), Reason.TOKEN_CLAIM),
    "exp null": (sign(claims(exp=None)), Reason.TOKEN_CLAIM),
    "exp string": (sign(claims(exp=str(MOMENT + 600))), Reason.TOKEN_CLAIM),
    "exp true": (sign(claims(exp=True)), Reason.TOKEN_CLAIM),
    "exp list": (sign(claims(exp=[MOMENT + 600])), Reason.TOKEN_CLAIM),
    "exp float": (sign(claims(exp=MOMENT + 600.5)), None),
    "exp NaN": (sign(raw_claims(exp="NaN")), Reason.TOKEN_MALFORMED),
    "exp Infinity": (sign(raw_claims(exp="Infinity")), Reason.TOKEN_MALFORMED),
    "exp 1e400": (sign(raw_claims(exp="1e400")), Reason.TOKEN_MALFORMED),
    "exp integer of 400 digits": (sign(raw_claims(exp="9" * 400)), Reason.TOKEN_MALFORMED),
    "exp integer of 5,000 digits": (sign(raw_claims(exp="9" * 5000)), Reason.TOKEN_MALFORMED),
    "exp 1e300": (sign(claims(exp=1e300)), Reason.TOKEN_LIFETIME),
    "exp year 9999": (sign(claims(exp=253402300799)), Reason.TOKEN_LIFETIME),
    "exp negative": (sign(claims(exp=-1)), Reason.TOKEN_EXPIRED),
    "expired beyond the leeway": (sign(claims(exp=MOMENT - 60)), Reason.TOKEN_EXPIRED),
    "expired within the leeway": (sign(claims(exp=MOMENT - 59, iat=MOMENT - 600)), None),
    "iat absent": (sign(claims(iat=...)), Reason.TOKEN_CLAIM),
    "iat string": (sign(claims(iat=str(MOMENT))), Reason.TOKEN_CLAIM),
    "iat beyond the leeway": (sign(claims(iat=MOMENT + 61)), Reason.TOKEN_NOT_YET_VALID),
    "iat within the leeway": (sign(claims(iat=MOMENT + 60)), None),
    "iat ancient": (sign(claims(iat=1)), Reason.TOKEN_LIFETIME),
    "valid for 24 hours": (sign(claims(iat=MOMENT, exp=MOMENT + 86_400)), None),
    "valid for longer": (sign(claims(iat=MOMENT, exp=MOMENT + 86_401)), Reason.TOKEN_LIFETIME),
    "nbf string": (sign(claims(nbf=str(MOMENT))), Reason.TOKEN_CLAIM),
    "nbf beyond the leeway": (sign(claims(nbf=MOMENT + 61)), Reason.TOKEN_NOT_YET_VALID),
    "nbf within the leeway": (sign(claims(nbf=MOMENT + 60)), None),
}

PARTIES = {
    "aud absent": (sign(claims(aud=...)), Reason.TOKEN_CLAIM),
    "aud object": (sign(claims(aud={CLIENT: True})), Reason.TOKEN_CLAIM),
    "aud nested list": (sign(claims(aud=[[CLIENT]])), Reason.TOKEN_CLAIM),
    "aud empty": (sign(claims(aud="")), Reason.TOKEN_AUDIENCE),
    "aud empty list": (sign(claims(aud=[])), Reason.TOKEN_AUDIENCE),
    "aud part of ours": (sign(claims(aud=CLIENT[:4])), Reason.TOKEN_AUDIENCE),
    "aud ours and more": (sign(claims(aud=CLIENT + "x")), Reason.TOKEN_AUDIENCE),
    "aud in another case": (sign(claims(aud=CLIENT.upper())), Reason.TOKEN_AUDIENCE),
    "aud list of ours": (sign(claims(aud=[CLIENT])), None),
    "aud list with a stranger": (sign(claims(aud=[CLIENT, "stranger"], azp=CLIENT)), Reason.TOKEN_AUDIENCE),
    "aud list, azp ours": (sign(claims(aud=[CLIENT, APP], azp=APP)), None),
    "aud list, azp evil": (sign(claims(aud=[CLIENT, APP], azp="evil")), Reason.TOKEN_AUTHORIZED_PARTY),
    "aud list, azp absent": (sign(claims(aud=[CLIENT, APP])), Reason.TOKEN_AUTHORIZED_PARTY),
    "azp evil": (sign(claims(azp="evil")), Reason.TOKEN_AUTHORIZED_PARTY),
    "azp list": (sign(claims(azp=[CLIENT])), Reason.TOKEN_CLAIM),
    "iss absent": (sign(claims(iss=...)), Reason.TOKEN_CLAIM),
    "iss list": (sign(claims(iss=[ISSUER])), Reason.TOKEN_CLAIM),
    "iss with a slash": (sign(claims(iss=ISSUER + "/")), Reason.TOKEN_ISSUER),
    "iss of another": (sign(claims(iss="https://evil.example")), Reason.TOKEN_ISSUER),
    "sub absent": (sign(claims(sub=...)), Reason.TOKEN_CLAIM),
    "sub number": (sign(claims(sub=5)), Reason.TOKEN_CLAIM),
    "sub empty": (sign(claims(sub="")), Reason.TOKEN_CLAIM),
    "sub of 255 characters": (sign(claims(sub="s" * 255)), None),
    "sub of 256 characters": (sign(claims(sub="s" * 256)), Reason.TOKEN_CLAIM),
    # The signature cannot tell whose nonce it is: the flow compares it with the challenges that it gave out.
    "nonce of another": (sign(claims(nonce="another")), None),
}

MATRIX = [
    pytest.param(token, reason, id=f"{group}: {name}")
    for group, cases in (
        ("header", HEADERS),
        ("signature", SIGNATURES),
        ("shape", SHAPES),
        ("times", TIMES),
        ("parties", PARTIES),
    )
    for name, (token, reason) in cases.items()
]


@pytest.mark.parametrize(("token", "reason"), MATRIX)
def test_token_gets_its_verdict(token: str, reason: Reason | None) -> None:
    verdict = reason_of(token)

    assert verdict == reason


def test_verified_claims_are_those_that_were_signed() -> None:
    signed = check(GOOD)

    assert (signed.header, signed.payload) == (header(), claims())


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_configuration_cannot_switch_on_what_has_no_public_key(algorithm: str) -> None:
    token = sign_with_secret(PUBLIC_PEM, head=header(alg=algorithm))

    verdict = reason_of(token, algorithms=frozenset({algorithm}))

    assert verdict is Reason.TOKEN_ALGORITHM


def test_no_configured_algorithm_refuses_everything() -> None:
    verdict = reason_of(GOOD, algorithms=frozenset())

    assert verdict is Reason.TOKEN_ALGORITHM


def test_no_audience_refuses_everything() -> None:
    verdict = reason_of(GOOD, audience=frozenset())

    assert verdict is Reason.TOKEN_AUDIENCE


def test_no_token_type_refuses_everything() -> None:
    verdict = reason_of(GOOD, token_types=frozenset())

    assert verdict is Reason.TOKEN_TYPE


def test_key_for_one_algorithm_verifies_no_other() -> None:
    keys = key_set(RSA, alg="RS512")

    verdict = reason_of(GOOD, keys=keys)

    assert verdict is Reason.TOKEN_KEY


def test_token_without_key_id_is_refused_where_two_keys_fit() -> None:
    other = key_set(RSA, EVIL, kid="other")

    verdict = reason_of(sign(head=header(kid=...)), keys=other)

    assert verdict is Reason.TOKEN_KEY


def test_key_id_that_two_keys_share_verifies_nothing() -> None:
    twins = key_set(RSA, EVIL)

    verdict = reason_of(GOOD, keys=twins)

    assert verdict is Reason.TOKEN_KEY


def test_keys_of_another_issuer_do_not_verify() -> None:
    verdict = reason_of(GOOD, keys=key_set(EVIL))

    assert verdict is Reason.TOKEN_SIGNATURE


def test_every_changed_character_is_refused() -> None:
    tokens = [GOOD, sign(head=header(alg="ES256", kid="ec"), key=EC, algorithm="ES256")]
    changed = [
        token[:place] + ALPHABET[(ALPHABET.find(token[place]) + step) % 64] + token[place + 1 :]
        for token in tokens
        for place in range(len(token))
        for step in (1, 17, 32)
    ]

    accepted = [token for token in changed if token not in tokens and reason_of(token) is None]

    assert accepted == []


def test_every_flipped_byte_is_refused() -> None:
    parts = [base64url.decode(part) for part in GOOD.split(".")]
    changed = []
    for number, part in enumerate(parts):
        for place in range(len(part)):
            flipped = bytes([*part[:place], part[place] ^ 1, *part[place + 1 :]])
            changed.append(".".join(base64url.encode(p) for p in [*parts[:number], flipped, *parts[number + 1 :]]))

    accepted = [token for token in changed if reason_of(token) is None]

    assert accepted == []


def test_refusal_repeats_nothing_of_the_person() -> None:
    with pytest.raises(Exception, match="token-claim") as refusal:
        check(sign(claims(sub="alice@example.com" * 20)))

    assert "alice" not in str(refusal.value)
    assert refusal.value.__cause__ is None
