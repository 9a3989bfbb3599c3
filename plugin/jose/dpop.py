"""Proof that whoever presents a token holds the key that it is bound to (DPoP, RFC 9449).

It must never take the key in a proof for anybody's: that is told by the token that names its thumbprint, and by nothing
else. Nor read a nonce for more than a text: whether it is ours, and unspent, is asked where challenges are kept.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from urllib.parse import urlsplit

from plugin.core import base64url
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.jose.claims import number, optional, text
from plugin.jose.compact import read_json, read_parts
from plugin.jose.keys import ALGORITHMS, Key, parse_jwks
from plugin.jose.verify import LEEWAY, check_signature

METHOD = "POST"
TYPE = "dpop+jwt"
HEADER = frozenset({"typ", "alg", "jwk"})
MAX_AGE = timedelta(seconds=120)
DEFAULT_PORTS = {"https": 443, "http": 80}

# What a thumbprint covers of each type of key (RFC 7638 section 3.2, RFC 8037 section 2, RFC 9964 section 6).
THUMBPRINT = {"RSA": ("e", "n"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x"), "AKP": ("alg", "pub")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Possession:
    """A key, by its thumbprint, that has just signed for one token and one question. `nonce` None = it has none."""

    key_thumbprint: str
    nonce: str | None


def verify_proof(
    unverified_proof: str, *, unverified_token: str, uri: str, now: datetime, method: str = METHOD
) -> Possession:
    """Verify a proof for a token and the question that came to `uri` (RFC 9449 section 4.3). Raises Refused."""
    header, raw = read_parts(unverified_proof)
    key, thumbprint = embedded_key(header)
    check_signature(unverified_proof, key=key, algorithms=ALGORITHMS & {str(header["alg"])})
    payload = read_json(raw)
    token_hash = base64url.encode(sha256(unverified_token.encode()).digest())
    for claim, expected in (("htm", method), ("ath", token_hash)):
        if text(claim, payload) != expected:
            raise Refused(Reason.DPOP_PROOF, f"claim `{claim}` belongs to another question or token")
    if _normal(text("htu", payload)) != _normal(uri):
        raise Refused(Reason.DPOP_PROOF, f"claim `htu` is another address, expected `{uri}`")
    if not text("jti", payload):
        raise Refused(Reason.DPOP_PROOF, "claim `jti` is empty")
    age = now.timestamp() - number("iat", payload)
    if not -LEEWAY.total_seconds() <= age <= (MAX_AGE + LEEWAY).total_seconds():
        raise Refused(Reason.DPOP_PROOF, f"made `{age:.0f}` s ago, expected at most {MAX_AGE}")
    return Possession(key_thumbprint=thumbprint, nonce=optional(text, "nonce", payload=payload))


def embedded_key(header: Mapping[str, object]) -> tuple[Key, str]:
    """Read the key that a proof brings along, and its thumbprint (RFC 7638). Raises Refused.

    It is a public one, for the algorithm that the header names.
    """
    jwk, algorithm = header.get("jwk"), header.get("alg")
    if header.keys() != HEADER or header["typ"] != TYPE or not isinstance(jwk, dict):
        raise Refused(Reason.DPOP_PROOF, f"expected a header of type `{TYPE}` with members {sorted(HEADER)} only")
    try:
        # As strictly as a provider's: no private or shared member, no weak key.
        (key,) = parse_jwks(json.dumps({"keys": [jwk]}).encode()).keys
        kind = text("kty", jwk)
        members = {name: text(name, jwk) for name in ("kty", *THUMBPRINT[kind])}
    except (ValueError, KeyError):
        raise Refused(Reason.DPOP_PROOF, "expected a public key in header parameter `jwk`") from None
    if not isinstance(algorithm, str) or algorithm not in key.algorithms:
        raise Refused(Reason.DPOP_PROOF, "the algorithm is not one of the key's")
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return key, base64url.encode(sha256(canonical.encode()).digest())


def _normal(uri: str) -> tuple[str, str, int | None, str]:
    """Take an address apart for comparison, without query and fragment (RFC 9449 section 4.3, RFC 3986 section 6.2)."""
    try:
        parts = urlsplit(uri)
        return parts.scheme, parts.hostname or "", parts.port or DEFAULT_PORTS.get(parts.scheme), parts.path or "/"
    except ValueError:
        raise Refused(Reason.DPOP_PROOF, "claim `htu` is no address") from None
