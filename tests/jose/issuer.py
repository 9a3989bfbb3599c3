"""An issuer for tests. joserfc signs: it shares no code with the verifier, and signs what no honest issuer would."""

import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from plugin.core import base64url
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.jose.claims import SignedClaims
from plugin.jose.keys import KeySet, parse_jwks
from plugin.jose.verify import read_unverified, verify

SigningKey = RSAKey | ECKey | OKPKey

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MOMENT = int(NOW.timestamp())
ISSUER = "https://sso.example.com"
CLIENT = "vestibule"
APP = "vestibule-app"

RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"})
EVIL = RSAKey.generate_key(2048, {"kid": "rsa"})

CLAIMS: Mapping[str, object] = {
    "iss": ISSUER,
    "sub": "248289761001",
    "aud": CLIENT,
    "iat": MOMENT - 10,
    "exp": MOMENT + 600,
    "nonce": "n-0S6_WzA2Mj",
}


def claims(**changes: object) -> dict[str, object]:
    """Return the claims of a good token with some changed; a claim changed to `...` is left out."""
    return {name: value for name, value in {**CLAIMS, **changes}.items() if value is not ...}


def header(**changes: object) -> dict[str, object]:
    """Return the header of a good token with some parameters changed; `...` leaves one out."""
    good = {"alg": "RS256", "kid": "rsa", "typ": "JWT"}
    return {name: value for name, value in {**good, **changes}.items() if value is not ...}


def sign(
    payload: Mapping[str, object] | bytes = CLAIMS,
    *,
    head: Mapping[str, object] | bytes | None = None,
    key: SigningKey = RSA,
    algorithm: str = "RS256",
) -> str:
    """Sign with `algorithm`, whatever the header says."""
    signing_input = f"{_part(header() if head is None else head)}.{_part(payload)}"
    signature = JWSRegistry.algorithms[algorithm].sign(signing_input.encode(), key)
    return f"{signing_input}.{base64url.encode(signature)}"


def sign_with_secret(secret: bytes, *, head: Mapping[str, object]) -> str:
    """Sign with HMAC-SHA-256."""
    signing_input = f"{_part(head)}.{_part(CLAIMS)}"
    return f"{signing_input}.{base64url.encode(hmac.digest(secret, signing_input.encode(), sha256))}"


def _part(content: Mapping[str, object] | bytes) -> str:
    return base64url.encode(content if isinstance(content, bytes) else json.dumps(content).encode())


def key_set(*keys: SigningKey, **members: object) -> KeySet:
    """Return the public halves as a provider publishes them, each with `members` added."""
    return parse_jwks(json.dumps({"keys": [{**key.as_dict(private=False), **members} for key in keys]}).encode())


KEYS = key_set(RSA, EC, ED)


def check(
    token: str,
    *,
    keys: KeySet = KEYS,
    audience: frozenset[str] = frozenset({CLIENT, APP}),
    algorithms: frozenset[str] = frozenset({"RS256", "ES256", "EdDSA", "Ed25519"}),
    token_types: frozenset[str] = frozenset({"", "jwt"}),
) -> SignedClaims:
    """Verify as the house does: read who claims to have issued it, then verify against what is expected of it."""
    read_unverified(token)
    return verify(
        token,
        keys=keys,
        issuer=ISSUER,
        audience=audience,
        algorithms=algorithms,
        token_types=token_types,
        now=NOW,
    )


def reason_of(token: str, **expectations: Any) -> Reason | None:
    """Return why a token is refused, None where it is accepted."""
    try:
        check(token, **expectations)
    except Refused as refused:
        return refused.reason
    return None
