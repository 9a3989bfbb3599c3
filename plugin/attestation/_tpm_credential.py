"""TPM2_MakeCredential in software (TCG, TPM 2.0 Library Part 1, 24): a secret that one TPM opens for one of its keys.

Whoever sends the secret back has the TPM of the endorsement certificate and, in it, a key of exactly this name. The
endorsement key's parameters follow from the kind of key that its certificate holds (TCG EK Credential Profile, Annex
B), so nothing that the device says of its endorsement key is believed.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import new as new_hash
from hashlib import sha256

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from plugin.core.errors import Refused
from plugin.core.reasons import Reason

_BLOCK = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What TPM2_ActivateCredential takes: TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET."""

    id_object: bytes
    encrypted_secret: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Template:
    hash: hashes.HashAlgorithm
    aes_bits: int


_SMALL = _Template(hash=hashes.SHA256(), aes_bits=128)
_LARGE = _Template(hash=hashes.SHA384(), aes_bits=256)


def make_credential(
    endorsement: CertificatePublicKeyTypes, *, name: bytes, secret: bytes, random: Callable[[int], bytes]
) -> Credential:
    """Hide a secret for the TPM of an endorsement key, to be shown for the key of this name. Raises Refused."""
    match endorsement:
        case rsa.RSAPublicKey(key_size=2048 | 3072 | 4096 as bits):
            template = _SMALL if bits == 2048 else _LARGE  # noqa: PLR2004 - templates L-1 and H-6, H-7
            seed = random(template.hash.digest_size)
            oaep = padding.OAEP(padding.MGF1(template.hash), template.hash, b"IDENTITY\0")
            hidden = endorsement.encrypt(seed, oaep)
        case ec.EllipticCurvePublicKey(curve=ec.SECP256R1() | ec.SECP384R1()):
            template = _SMALL if isinstance(endorsement.curve, ec.SECP256R1) else _LARGE
            seed, hidden = _agree(endorsement, template=template)
        case _:
            raise Refused(Reason.EVIDENCE_KEY, "expected an endorsement key of a TCG template")
    key = _kdf_a(seed, label=b"STORAGE", context=name, bits=template.aes_bits, template=template)
    encryptor = Cipher(algorithms.AES(key), CFB(bytes(_BLOCK))).encryptor()
    sealed = encryptor.update(_sized(secret)) + encryptor.finalize()
    mac_key = _kdf_a(seed, label=b"INTEGRITY", context=b"", bits=template.hash.digest_size * 8, template=template)
    mac = hmac.new(mac_key, sealed + name, template.hash.name).digest()
    return Credential(id_object=_sized(_sized(mac) + sealed), encrypted_secret=_sized(hidden))


def hash_secret(secret: bytes) -> str:
    """Hash a secret of 256 random bits, for keeping."""
    return sha256(secret).hexdigest()


def _agree(endorsement: ec.EllipticCurvePublicKey, *, template: _Template) -> tuple[bytes, bytes]:
    """Agree on a seed by ECDH with a passing key (Part 1, C.6.1 and KDFe, 11.4.10.3)."""
    passing = ec.generate_private_key(endorsement.curve)
    width = endorsement.key_size // 8
    ours, theirs = passing.public_key().public_numbers(), endorsement.public_numbers()
    shared = passing.exchange(ec.ECDH(), endorsement)
    counted = (1).to_bytes(4) + shared + b"IDENTITY\0" + ours.x.to_bytes(width) + theirs.x.to_bytes(width)
    return new_hash(template.hash.name, counted).digest(), _sized(ours.x.to_bytes(width)) + _sized(
        ours.y.to_bytes(width)
    )


def _kdf_a(key: bytes, *, label: bytes, context: bytes, bits: int, template: _Template) -> bytes:
    """Derive at most one hash's length (Part 1, 11.4.10.2)."""
    message = (1).to_bytes(4) + label + b"\0" + context + bits.to_bytes(4)
    return hmac.new(key, message, template.hash.name).digest()[: bits // 8]


def _sized(octets: bytes) -> bytes:
    return len(octets).to_bytes(2) + octets
