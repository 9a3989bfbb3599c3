"""Proofs of possession (RFC 9449): the standard's own examples, and everybody who has not got the key."""

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.core import base64url
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.jose.dpop import Possession, verify_proof
from tests.jose.issuer import EC, EVIL, MOMENT, NOW, RSA, SigningKey, sign

URI = "https://vestibule.example.com/v1/tickets"
TOKEN = "header.payload.signature"

# RFC 9449, figure 12: its key and token are those of the rest of the document.
EXAMPLE = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVV"
    "FVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWo"
    "zVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6"
    "MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRim"
    "PPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
)
EXAMPLE_TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
EXAMPLE_KEY = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


def public(key: SigningKey) -> dict[str, Any]:
    """Return the public half as a client writes it."""
    return {name: value for name, value in key.as_dict(private=False).items() if name not in ("kid", "use", "alg")}


def proof(*, key: SigningKey = EC, head: dict[str, Any] | None = None, algorithm: str = "ES256", **claims: Any) -> str:
    """Make a proof; what is `...` is left out."""
    good = {
        "jti": "x",
        "htm": "POST",
        "htu": URI,
        "iat": MOMENT,
        "ath": base64url.encode(sha256(TOKEN.encode()).digest()),
        "nonce": "n",
    }
    header = {"typ": "dpop+jwt", "alg": algorithm, "jwk": public(key), **(head or {})}
    parts = ({name: one for name, one in part.items() if one is not ...} for part in ({**good, **claims}, header))
    payload, shown = parts
    return sign(payload, head=shown, key=key, algorithm=algorithm)


def verify(text: str) -> Possession:
    return verify_proof(text, unverified_token=TOKEN, uri=URI, now=NOW)


def test_the_example_of_the_standard_holds_and_names_its_key():
    held = verify_proof(
        EXAMPLE,
        unverified_token=EXAMPLE_TOKEN,
        uri="https://resource.example.org/protectedresource",
        method="GET",
        now=datetime.fromtimestamp(1562262618, tz=UTC),
    )

    assert held == Possession(key_thumbprint=EXAMPLE_KEY, nonce=None)


def test_the_example_of_the_standard_is_worth_nothing_for_another_token():
    with pytest.raises(Refused):
        verify_proof(
            EXAMPLE,
            unverified_token=f"{EXAMPLE_TOKEN}x",
            uri="https://resource.example.org/protectedresource",
            method="GET",
            now=datetime.fromtimestamp(1562262618, tz=UTC),
        )


@pytest.mark.parametrize(("key", "algorithm"), [(EC, "ES256"), (RSA, "RS256"), (RSA, "PS256")])
def test_a_thumbprint_is_the_one_that_others_reckon(key: SigningKey, algorithm: str):
    assert verify(proof(key=key, algorithm=algorithm)).key_thumbprint == key.thumbprint()


@pytest.mark.parametrize("spelling", ["HTTPS://Vestibule.Example.com:443/v1/tickets", f"{URI}?a=b", f"{URI}#x"])
def test_the_same_address_in_another_spelling_is_the_same(spelling: str):
    assert verify(proof(htu=spelling)).nonce == "n"


LIES: dict[str, dict[str, Any]] = {
    "of another method": {"htm": "GET"},
    "of a method in small letters": {"htm": "post"},
    "for another door": {"htu": "https://vestibule.example.com/v1/joins"},
    "for another host": {"htu": "https://mallory.example/v1/tickets"},
    "without protection": {"htu": "http://vestibule.example.com/v1/tickets"},
    "for another port": {"htu": "https://vestibule.example.com:8443/v1/tickets"},
    "for no address": {"htu": "https://[/v1/tickets"},
    "for no port": {"htu": "https://vestibule.example.com:x/v1/tickets"},
    "for no door": {"htu": ...},
    "of another token": {"ath": base64url.encode(sha256(b"another").digest())},
    "of no token": {"ath": ...},
    "of long ago": {"iat": MOMENT - 181},
    "from the future": {"iat": MOMENT + 61},
    "of no time": {"iat": ...},
    "of a time that is a text": {"iat": str(MOMENT)},
    "without an id": {"jti": ...},
    "with an empty id": {"jti": ""},
    "with a nonce that is no text": {"nonce": ["n"]},
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_a_proof_is_refused(lie: dict[str, Any]):
    with pytest.raises(Refused):
        verify(proof(**lie))


HEADERS: dict[str, dict[str, Any]] = {
    "no type": {"typ": ...},
    "an access token's type": {"typ": "at+jwt"},
    "no key": {"jwk": ...},
    "the private key": {"jwk": EC.as_dict(private=True)},
    "another's key": {"jwk": public(EVIL)},
    "a shared key": {"jwk": {"kty": "oct", "k": "c2VjcmV0"}},
    "no algorithm": {"alg": "none"},
    "a shared key's algorithm": {"alg": "HS256"},
    "another key's algorithm": {"alg": "RS256"},
    "an algorithm that is none": {"alg": 7},
    "a key elsewhere": {"jku": "https://mallory.example/keys"},
    "a key id": {"kid": "1"},
    "something critical": {"crit": ["x"]},
}


@pytest.mark.parametrize("head", HEADERS.values(), ids=HEADERS.keys())
def test_a_header_is_refused(head: dict[str, Any]):
    with pytest.raises(Refused):
        verify(proof(head=head))


def test_whoever_shows_anothers_public_key_and_signs_with_their_own_is_refused():
    forged = proof(key=EVIL, algorithm="RS256", head={"jwk": public(RSA)})

    with pytest.raises(Refused) as refused:
        verify(forged)

    assert refused.value.reason is Reason.TOKEN_SIGNATURE


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@settings(deadline=None, max_examples=200)
@given(
    head=st.fixed_dictionaries({}, optional={"typ": JSON, "alg": JSON, "jwk": JSON, "kid": JSON}),
    claims=st.fixed_dictionaries({}, optional=dict.fromkeys(("jti", "htm", "htu", "iat", "ath", "nonce"), JSON)),
)
def test_any_proof_is_one_or_is_refused(head: dict[str, Any], claims: dict[str, Any]):
    text = sign(
        json.loads(json.dumps(claims)),
        head={"typ": "dpop+jwt", "alg": "ES256", "jwk": public(EC), **head},
        key=EC,
        algorithm="ES256",
    )

    with pytest.raises(Refused):  # never with all of it right by chance
        verify(text)


@settings(deadline=None, max_examples=200)
@given(text=st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}"))
def test_any_text_is_refused_as_a_proof(text: str):
    with pytest.raises(Refused):
        verify(text)
