"""The public keys of a provider (RFC 7517), each with the algorithms that it may verify.

A key never says how it wants to be used beyond what its type allows: the algorithm is the configuration's choice.
There is no symmetric key here, so no public key can ever be mistaken for a shared secret (RFC 8725 section 2.1).
"""

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    EllipticCurve,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers

from plugin.core import base64url
from plugin.jose.ml_dsa import PARAMETER_SETS, MlDsaPublicKey
from plugin.jose.roca import has_roca
from plugin.jose.strict_json import read_object

MAX_BYTES = 64 * 1024
MAX_KEYS = 32
RSA_BITS = range(2048, 8192 + 1)
RSA_EXPONENTS = range(2**16 + 1, 2**32, 2)

# What a key of each type may verify; there is no other algorithm.
RSA = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
P256 = frozenset({"ES256"})
P384 = frozenset({"ES384"})
# RFC 8037 calls every curve by the first name; RFC 9864 section 2.2 calls this one by the second.
ED25519 = frozenset({"EdDSA", "Ed25519"})
ML_DSA = frozenset(PARAMETER_SETS)
ALGORITHMS = RSA | P256 | P384 | ED25519 | ML_DSA

# RFC 7518 sections 6.2.2, 6.3.2, 6.4; `priv` is RFC 9964's.
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})

# Microsoft's, in the issuer of a key that all of its tenants sign with. Their documents write it in both cases.
ANY_TENANT = re.compile(r"\{tenantid\}", re.IGNORECASE)

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey | MlDsaPublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One public key. `key_id` None = the provider did not name it.

    `issuer` is the only one that it signs for, where a provider of several says so (Microsoft's member of a JWK).
    """

    key_id: str | None
    algorithms: frozenset[str]
    public: PublicKey
    issuer: str | None = None

    def signs_for(self, issuer: str) -> bool:
        """Say whether it may sign for this issuer: exactly, but for the one part that stands for each tenant."""
        if self.issuer is None:
            return True
        pattern = "[^/]+".join(re.escape(part) for part in ANY_TENANT.split(self.issuer))
        return re.fullmatch(pattern, issuer) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySet:
    """The keys that a provider signs with now. Never empty when `parse_jwks` made it."""

    keys: tuple[Key, ...]

    def of(self, issuer: str) -> "KeySet":
        """Leave out the keys of other issuers. Raises ValueError where no key is left."""
        keys = tuple(key for key in self.keys if key.signs_for(issuer))
        if not keys:
            raise ValueError(f"each of {len(self.keys)} keys is another issuer's, expected one of `{issuer}`")
        return KeySet(keys=keys)

    def has(self, key_id: str) -> bool:
        """Say whether some key has this id."""
        return any(key.key_id == key_id for key in self.keys)

    def count(self, algorithms: Set[str]) -> int:
        """Say how many of them can verify one of these algorithms."""
        return sum(bool(algorithms & key.algorithms) for key in self.keys)

    def find(self, *, key_id: str | None, algorithm: str) -> Key | None:
        """Find the one key that fits. Two that fit are none: nothing is tried out on a token.

        `key_id` None = the token does not say, which OIDC Core 10.1 allows where there is only one.
        """
        fitting = [key for key in self.keys if algorithm in key.algorithms and key_id in (None, key.key_id)]
        return fitting[0] if len(fitting) == 1 else None


def parse_jwks(body: bytes) -> KeySet:
    """Read a JWK Set. Raises ValueError where it cannot be trusted or holds no key that could verify."""
    if len(body) > MAX_BYTES:
        raise ValueError(f"got a key set of {len(body)} bytes, expected at most {MAX_BYTES}")
    members = read_object(body).get("keys")
    if not isinstance(members, list) or not all(isinstance(member, dict) for member in members):
        raise ValueError("got no list of keys in member `keys`")
    if len(members) > MAX_KEYS:
        raise ValueError(f"got {len(members)} keys, expected at most {MAX_KEYS}")
    # Whoever reads a published private or shared key can sign as the provider, and a provider that publishes one
    # of them is not to be trusted with the others.
    if any(PRIVATE_MEMBERS & jwk.keys() for jwk in members):
        raise ValueError("the key set contains private or symmetric keys, expected public ones only")
    keys = tuple(key for key in map(_parse_key, members) if key is not None)
    if not keys:
        raise ValueError(f"none of {len(members)} keys can verify one of {', '.join(sorted(ALGORITHMS))}")
    return KeySet(keys=keys)


def _parse_key(jwk: Mapping[str, object]) -> Key | None:
    """Read one key, None where it is not for us: such keys are ignored, so that new kinds can come (RFC 7517 5)."""
    key_id, algorithm, issuer = jwk.get("kid"), jwk.get("alg"), jwk.get("issuer")
    if not isinstance(key_id, str | None) or not isinstance(algorithm, str | None):
        return None
    if not isinstance(issuer, str | None) or not _is_for_verifying(jwk):
        return None
    try:
        parsed = _parse_public(jwk)
    except (ValueError, UnsupportedAlgorithm):
        return None
    if parsed is None:
        return None
    algorithms, public = parsed
    if algorithm is not None:
        algorithms &= {algorithm}
    return Key(key_id=key_id, algorithms=algorithms, public=public, issuer=issuer) if algorithms else None


def _is_for_verifying(jwk: Mapping[str, object]) -> bool:
    # RFC 7517 sections 4.2 and 4.3; PyJWT looks at neither.
    operations = jwk.get("key_ops", ["verify"])
    return jwk.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations


def _parse_public(jwk: Mapping[str, object]) -> tuple[frozenset[str], PublicKey] | None:
    match jwk:
        case {"kty": "RSA", "n": str(modulus), "e": str(exponent)}:
            return RSA, _parse_rsa(modulus, exponent=exponent)
        case {"kty": "EC", "crv": "P-256", "x": str(x), "y": str(y)}:
            return P256, _parse_ec(x, y=y, curve=SECP256R1())
        case {"kty": "EC", "crv": "P-384", "x": str(x), "y": str(y)}:
            return P384, _parse_ec(x, y=y, curve=SECP384R1())
        case {"kty": "OKP", "crv": "Ed25519", "x": str(x)}:
            return ED25519, Ed25519PublicKey.from_public_bytes(base64url.decode(x))
        # RFC 9964: such a key is for one algorithm, and has to say which.
        case {"kty": "AKP", "alg": str(algorithm), "pub": str(public)} if algorithm in ML_DSA:
            return frozenset({algorithm}), PARAMETER_SETS[algorithm].from_public_bytes(base64url.decode(public))
    return None


def _parse_rsa(modulus: str, *, exponent: str) -> RSAPublicKey:
    n = int.from_bytes(base64url.decode(modulus))
    e = int.from_bytes(base64url.decode(exponent))
    if n.bit_length() not in RSA_BITS or e not in RSA_EXPONENTS:
        raise ValueError(f"got a modulus of {n.bit_length()} bits, or an exponent, that is not in use")
    if has_roca(n):
        raise ValueError("got a modulus that can be factored (CVE-2017-15361)")
    return RSAPublicNumbers(e=e, n=n).public_key()


def _parse_ec(x: str, *, y: str, curve: EllipticCurve) -> EllipticCurvePublicKey:
    raw_x, raw_y = base64url.decode(x), base64url.decode(y)
    size = (curve.key_size + 7) // 8
    if (len(raw_x), len(raw_y)) != (size, size):  # RFC 7518 section 6.2.1.2: the full size, leading zeros included
        raise ValueError(f"got coordinates of {len(raw_x)} and {len(raw_y)} bytes, expected {size}")
    return EllipticCurvePublicNumbers(x=int.from_bytes(raw_x), y=int.from_bytes(raw_y), curve=curve).public_key()
