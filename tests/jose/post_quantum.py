"""An issuer that signs with ML-DSA. jwcrypto signs: it shares no code with the verifier but the primitive below."""

import json
from collections.abc import Mapping

from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS

from plugin.jose.keys import KeySet, parse_jwks
from tests.jose.issuer import CLAIMS

SETS = ("ML-DSA-44", "ML-DSA-65", "ML-DSA-87")
SIGNERS = {name: JWK.generate(kty="AKP", alg=name, kid=name) for name in SETS}


def public(name: str, **members: object) -> dict[str, object]:
    """Return the public key of a set as its issuer publishes it, some members changed; `...` leaves one out."""
    jwk = {**json.loads(SIGNERS[name].export_public()), **members}
    return {member: value for member, value in jwk.items() if value is not ...}


def key_set(*jwks: Mapping[str, object]) -> KeySet:
    return parse_jwks(json.dumps({"keys": jwks}).encode())


def sign(name: str, *, payload: Mapping[str, object] = CLAIMS, **header: object) -> str:
    """Sign with a set's key as RFC 9964 has it; `header` changes parameters."""
    signed = JWS(json.dumps(payload).encode())
    signed.allowed_algs = [name]
    signed.add_signature(SIGNERS[name], None, json.dumps({"alg": name, "kid": name, "typ": "JWT", **header}), None)
    compact: str = signed.serialize(compact=True)
    return compact
