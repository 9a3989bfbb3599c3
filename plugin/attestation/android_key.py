"""Evidence format `android-key`: a key that the hardware of an Android device holds for one of our apps.

To enrol, `{"chain": [...], "signature": ...}`: the certificates of the key as base64 of DER, leaf first, and its own
signature over T. To join, `{"key_id": ..., "signature": ...}`: SHA-256 of its SubjectPublicKeyInfo, and the signature
over T. What is not of a certificate is base64url without padding; signatures are `SHA256withECDSA` as Android makes
them, or `SHA256withRSA`. The attestation challenge is T.

What this must never do: believe a KeyDescription that stands above the leaf, or in a leaf that an attested key signed.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from plugin.attestation._key_description import (
    GENERATED,
    OID,
    SIGN,
    STRONGBOX,
    TEE,
    VERIFIED,
    KeyDescription,
    read_key_description,
)
from plugin.attestation._members import certificates, expect, malformed, octets
from plugin.attestation._roots import Roots, ders, read_roots
from plugin.attestation._x509 import MIN_RSA_BITS, spki
from plugin.core import base64url
from plugin.core.device import Element, EnrolledDevice, Evidence, Tier
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.device_ports import Attested, EvidenceFormat, EvidenceSettings, KeyProof, Option
from plugin.ports import Json

MAX_SIGNATURE = 1024


def _build(settings: EvidenceSettings) -> "AndroidKey":
    packages, signers = settings.options["packages"], settings.options["signers"]
    patch_level, status = settings.options["patch_level"], settings.options["status_file"]
    if not isinstance(packages, tuple) or not packages or not isinstance(signers, tuple) or not signers:
        raise ValueError(f"evidence `{settings.name}`: expected `packages` and `signers`, at least one of each")
    try:
        digests = frozenset(bytes.fromhex(one) for one in signers)
    except ValueError:
        raise ValueError(f"evidence `{settings.name}`: expected `signers` in hexadecimal digits") from None
    if not isinstance(patch_level, int) or patch_level < 201601 or not isinstance(status, bytes):  # noqa: PLR2004 - none is older
        raise ValueError(f"evidence `{settings.name}`: expected `patch_level` like 202601, and a `status_file`")
    return AndroidKey(
        roots=read_roots(settings.roots, name=settings.name),
        revoked=_read_status(status, name=settings.name),
        packages=frozenset(packages),
        signers=digests,
        patch_level=patch_level,
        tier=settings.tier,
    )


evidence = EvidenceFormat(
    options={
        "packages": Option(kind="texts", about="the apps that may enrol, by package name"),
        "signers": Option(
            kind="texts", about="SHA-256 of the certificates that sign these apps, in hexadecimal digits"
        ),
        "patch_level": Option(kind="number", about="the oldest security patch level that is admitted, as YYYYMM"),
        "status_file": Option(kind="file", about="Google's list of revoked attestation keys, as JSON"),
    },
    build=_build,
)


class AndroidKey:
    """Appraises keys of the configured apps."""

    format = "android-key"

    def __init__(
        self,
        *,
        roots: Roots,
        revoked: frozenset[str],
        packages: frozenset[str],
        signers: frozenset[bytes],
        patch_level: int,
        tier: Tier,
    ) -> None:
        self._roots, self._revoked, self._tier = roots, revoked, tier
        self._packages, self._signers, self._patch_level = packages, signers, patch_level

    def begin(self, payload: Json, *, now: datetime) -> None:  # noqa: ARG002 - one round
        """Say that there is one round."""
        return

    def enrol(self, evidence: Evidence, *, transcript: bytes, kept: Json | None, now: datetime) -> Attested:  # noqa: ARG002 - one round
        """Verify in five steps: 1 chain, 2 revocation, 3 challenge, 4 state and app, 5 possession. Raises Refused."""
        expect(evidence.payload, "chain", "signature")

        # 1 chain
        path = self._roots.path(certificates(evidence.payload, "chain"), now=now)

        # 2 revocation
        if any(spelling in self._revoked for one in path for spelling in _spellings(one)):
            raise Refused(Reason.EVIDENCE_REVOKED, "an attestation key of the chain was revoked")

        # 3 challenge
        described = _describe(path)
        if described.challenge != transcript:
            raise Refused(Reason.EVIDENCE_CHALLENGE, "the key was not attested for this challenge")

        # 4 state and app
        self._check(described)

        # 5 possession
        key = spki(path[0].public_key())
        _verify(key, octets(evidence.payload, "signature", most=MAX_SIGNATURE), message=transcript)
        elements = (Element.INSTANCE_IDENTITY, Element.HARDWARE, Element.CONFIGURATION, Element.EXECUTABLES)
        return Attested(
            device_id=_device(sha256(key).digest()),
            key={"spki": base64url.encode(key)},
            tier=self._tier,
            vector=dict.fromkeys(elements, self._tier),
            path=ders(path),
            claims={"strongbox": described.level == STRONGBOX, "patch_level": described.patch_level},
        )

    def device_id(self, evidence: Evidence) -> str:
        """Name the device by its key. Raises Refused."""
        expect(evidence.payload, "key_id", "signature")
        return _device(octets(evidence.payload, "key_id", most=32))

    def prove(self, evidence: Evidence, *, transcript: bytes, device: EnrolledDevice, now: datetime) -> KeyProof:  # noqa: ARG002 - no certificate is read
        """Verify the signature of the key on record. Raises Refused."""
        if self.device_id(evidence) != device.id:
            raise Refused(Reason.EVIDENCE_KEY, "the signature is another device's")
        try:
            key = base64url.decode(str(device.key.get("spki")))
        except ValueError:
            raise malformed("the key on record cannot be read") from None
        _verify(key, octets(evidence.payload, "signature", most=MAX_SIGNATURE), message=transcript)
        return KeyProof(tier=device.tier, vector=device.vector)

    def _check(self, described: KeyDescription) -> None:
        if described.level not in (TEE, STRONGBOX):
            raise Refused(Reason.EVIDENCE_STATE, "the key is not held by hardware")
        if not described.locked or described.boot_state != VERIFIED:
            raise Refused(Reason.EVIDENCE_STATE, "the bootloader is unlocked, or has not verified what it started")
        if described.patch_level < self._patch_level:
            raise Refused(Reason.EVIDENCE_STATE, "the security patch level is older than is admitted")
        if described.origin != GENERATED or described.purposes != {SIGN}:
            raise Refused(Reason.EVIDENCE_KEY, "expected a key that hardware has made, to sign with and nothing else")
        # Several packages may share one user id and its keys: each has to be ours.
        if described.for_all_apps or not described.packages or not described.packages <= self._packages:
            raise Refused(Reason.EVIDENCE_AUDIENCE, "the key belongs to an app that is not configured")
        if not described.signers or not described.signers <= self._signers:
            raise Refused(Reason.EVIDENCE_AUDIENCE, "the app is not signed as is configured")


def _describe(path: tuple[x509.Certificate, ...]) -> KeyDescription:
    described = [index for index, one in enumerate(path) if any(extension.oid == OID for extension in one.extensions)]
    # A key that was attested can sign a certificate below its own, and write there what it likes.
    if described != [0]:
        raise Refused(Reason.EVIDENCE_CHAIN, "expected a KeyDescription in the leaf, and in no other certificate")
    value = path[0].extensions.get_extension_for_oid(OID).value
    try:
        return read_key_description(value.value if isinstance(value, x509.UnrecognizedExtension) else b"")
    except ValueError:
        raise malformed("expected a KeyDescription in DER") from None


def _spellings(certificate: x509.Certificate) -> tuple[str, str]:
    """Return a serial number in both ways in which the list is known to write them."""
    return f"{certificate.serial_number:x}", str(certificate.serial_number)


def _read_status(raw: bytes, *, name: str) -> frozenset[str]:
    """Read which keys are not good any more: suspended is as bad as revoked. Raises ValueError."""
    try:
        entries = json.loads(raw)["entries"]
    except (ValueError, TypeError, KeyError):
        entries = None
    if not isinstance(entries, Mapping):
        raise ValueError(f"evidence `{name}`: expected `status_file` to hold `entries`")  # noqa: TRY004 - a file is wrong
    return frozenset(serial.lower().lstrip("0") for serial in entries)


def _device(key_id: bytes) -> str:
    return f"android-key:{key_id.hex()}"


def _verify(key: bytes, signature: bytes, *, message: bytes) -> None:
    try:
        match load_der_public_key(key):
            case ec.EllipticCurvePublicKey(curve=ec.SECP256R1() | ec.SECP384R1()) as public:
                public.verify(signature, message, ec.ECDSA(hashes.SHA256()))
            case rsa.RSAPublicKey(key_size=bits) as public if bits >= MIN_RSA_BITS:
                public.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
            case _:
                raise Refused(Reason.EVIDENCE_KEY, "the key is too weak or of a kind that is not accepted")
    except (ValueError, UnsupportedAlgorithm):
        raise Refused(Reason.EVIDENCE_KEY, "the key cannot be read") from None
    except InvalidSignature:
        raise Refused(Reason.EVIDENCE_SIGNATURE, "the signature does not cover this transcript") from None
