"""ML-DSA (FIPS 204) for PyJWT, which has none: signatures that a quantum computer does not forge (RFC 9964).

It verifies, over the message itself and with an empty context string (RFC 9964 section 4). It must never sign, nor take
a key of another parameter set: 44, 65 and 87 are three algorithms, not strengths of one.
"""

from typing import Any, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey, MLDSA65PublicKey, MLDSA87PublicKey
from jwt.algorithms import Algorithm
from jwt.exceptions import InvalidKeyError

MlDsaPublicKey = MLDSA44PublicKey | MLDSA65PublicKey | MLDSA87PublicKey

PARAMETER_SETS: dict[str, type[MlDsaPublicKey]] = {
    "ML-DSA-44": MLDSA44PublicKey,
    "ML-DSA-65": MLDSA65PublicKey,
    "ML-DSA-87": MLDSA87PublicKey,
}


class MlDsa(Algorithm):
    """One parameter set."""

    def __init__(self, kind: type[MlDsaPublicKey]) -> None:
        self._kind = kind

    def prepare_key(self, key: object) -> MlDsaPublicKey:
        if not isinstance(key, self._kind):
            raise InvalidKeyError(f"got a key of type `{type(key).__name__}`, expected `{self._kind.__name__}`")
        return key

    def verify(self, msg: bytes, key: MlDsaPublicKey, sig: bytes) -> bool:
        try:
            key.verify(sig, msg)
        except InvalidSignature:
            return False
        return True

    def sign(self, msg: bytes, key: object) -> NoReturn:
        raise NotImplementedError("this house verifies")

    @staticmethod
    def to_jwk(key_obj: object, as_dict: bool = False) -> NoReturn:  # noqa: FBT001, FBT002 - PyJWT's own signature
        raise NotImplementedError("this house publishes no keys")

    @staticmethod
    def from_jwk(jwk: str | dict[str, Any]) -> NoReturn:
        raise NotImplementedError("keys are read by `plugin.jose.keys`")
