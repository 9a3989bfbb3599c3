"""Bad tokens in any number, each kind with what it costs to look through. None of them may ever be accepted."""

import json
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from plugin.core import base64url
from plugin.jose.compact import MAX_TOKEN
from tests.jose.issuer import sign_with_secret
from tests.shell.parties import Issuer

Make = Callable[[Issuer, datetime], str]

DEEP = b'{"iss":' + b"[" * 5000 + b"]" * 5000 + b"}"


def _claims(issuer: Issuer, now: datetime) -> dict[str, object]:
    moment = int(now.timestamp())
    return {"iss": issuer.url, "sub": secrets.token_hex(8), "aud": "vestibule", "iat": moment, "exp": moment + 600}


def _forged(issuer: Issuer, now: datetime, *, header: Mapping[str, object] | None = None, payload: bytes = b"") -> str:
    """Make a token like the issuer's own under a signature of random bytes."""
    head = {"alg": "ES256", "kid": issuer.key.kid, "typ": "JWT", **(header or {})}
    parts = (json.dumps(head).encode(), payload or json.dumps(_claims(issuer, now)).encode(), secrets.token_bytes(64))
    return ".".join(map(base64url.encode, parts))


def _of_a_stranger(issuer: Issuer, now: datetime) -> str:
    claims = {**_claims(issuer, now), "iss": f"https://{secrets.token_hex(8)}.example"}
    return _forged(issuer, now, payload=json.dumps(claims).encode())


def _embedded_key(issuer: Issuer, now: datetime) -> str:
    return _forged(issuer, now, header={"jwk": issuer.key.as_dict(private=False)})


def _public_key_as_secret(issuer: Issuer, now: datetime) -> str:
    return sign_with_secret(issuer.key.as_pem(private=False), head={"alg": "HS256", "kid": issuer.key.kid})


GARBAGE: Mapping[str, Make] = {
    "no token": lambda _issuer, _now: secrets.token_hex(200),
    "too long a text": lambda _issuer, _now: "a" * (MAX_TOKEN + 1),
    "nested 5,000 deep": lambda issuer, now: _forged(issuer, now, payload=DEEP),
    "algorithm none": lambda issuer, now: _forged(issuer, now, header={"alg": "none"}),
    "HS256 with the public key": _public_key_as_secret,
    "a key of its own in the header": _embedded_key,
    "an issuer each": _of_a_stranger,
    "a key id each": lambda issuer, now: _forged(issuer, now, header={"kid": secrets.token_hex(8)}),
    "a made-up signature": _forged,
    "expired": lambda issuer, now: issuer.token("alice", now=now - timedelta(hours=1)),
    "for another client": lambda issuer, now: issuer.token("alice", now=now, aud="another"),
}
