"""Evidence format `app-attest`: a key in the Secure Enclave of an Apple device, held by one of our apps (App Attest).

To enrol, `{"key_id": ..., "attestation": ...}`; to join, `{"key_id": ..., "assertion": ...}`: what `generateKey`,
`attestKey` and `generateAssertion` return, in base64url without padding. The client data is T, so `clientDataHash` is
SHA-256(T).

What this does not prove: which device it is (there is no serial), or what manages it. It must never accept an
assertion by its signature alone: app and counter are part of it.
"""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from plugin.attestation._authenticator_data import AuthenticatorData, read_authenticator_data
from plugin.attestation._members import MAX_OBJECT, cbor_map, expect, malformed, octets, octets_of
from plugin.attestation._roots import Roots, ders, read_roots
from plugin.core import base64url
from plugin.core.device import Element, EnrolledDevice, Evidence, Tier
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.device_ports import Attested, EvidenceFormat, EvidenceSettings, KeyProof, Option
from plugin.ports import Json

MAX_ASSERTION = 1024
NONCE = x509.ObjectIdentifier("1.2.840.113635.100.8.2")
PRODUCTION = b"appattest" + bytes(7)
DEVELOPMENT = b"appattestdevelop"
# SEQUENCE { [1] { OCTET STRING of 32 } }: it has one spelling in DER, so it is compared and not parsed.
_NONCE_HEAD = bytes.fromhex("3024a1220420")


def _build(settings: EvidenceSettings) -> "AppAttest":
    apps = settings.options["apps"]
    if not isinstance(apps, tuple) or not apps or not all(app.partition(".")[2] for app in apps):
        raise ValueError(f"evidence `{settings.name}`: expected `apps` like `TEAMID.com.example.app`")
    environments = {PRODUCTION, DEVELOPMENT} if settings.options["development"] is True else {PRODUCTION}
    return AppAttest(
        roots=read_roots(settings.roots, name=settings.name),
        apps=apps,
        environments=frozenset(environments),
        tier=settings.tier,
    )


evidence = EvidenceFormat(
    options={
        "apps": Option(
            kind="texts", about="the apps that may enrol, as team id and bundle id: `TEAMID.com.example.app`"
        ),
        "development": Option(
            kind="flag", about="admit keys of Apple's development environment as well", default=False
        ),
    },
    build=_build,
)


class AppAttest:
    """Appraises keys of the configured apps."""

    format = "app-attest"

    def __init__(self, *, roots: Roots, apps: tuple[str, ...], environments: frozenset[bytes], tier: Tier) -> None:
        self._roots, self._apps, self._environments, self._tier = roots, apps, environments, tier

    def begin(self, payload: Json, *, now: datetime) -> None:  # noqa: ARG002 - one round
        """Say that there is one round."""
        return

    def enrol(self, evidence: Evidence, *, transcript: bytes, kept: Json | None, now: datetime) -> Attested:  # noqa: ARG002 - one round
        """Verify in Apple's order: 1 chain, 2 nonce, 3 key, 4 app, counter, environment. Raises Refused."""
        expect(evidence.payload, "key_id", "attestation")
        key_id = octets(evidence.payload, "key_id", most=32)
        presented = cbor_map(octets(evidence.payload, "attestation", most=MAX_OBJECT))
        statement, raw = presented.get("attStmt"), octets_of(presented, "authData")
        if presented.get("fmt") != "apple-appattest" or presented.keys() != {"fmt", "attStmt", "authData"}:
            raise malformed("expected an attestation object of `apple-appattest`")
        if not isinstance(statement, dict) or statement.keys() != {"x5c", "receipt"}:
            raise malformed("expected `x5c` and `receipt`")
        data = read_authenticator_data(raw)

        # 1 chain
        path = self._roots.path(statement.get("x5c"), now=now)

        # 2 nonce
        if _nonce(path[0]) != sha256(raw + sha256(transcript).digest()).digest():
            raise Refused(Reason.EVIDENCE_CHALLENGE, "the attestation was not made for this challenge")

        # 3 key
        point = _point(path[0])
        if sha256(point).digest() != key_id or data.credential_id != key_id:
            raise Refused(Reason.EVIDENCE_KEY, "expected the attested key to be the one that `key_id` names")

        # 4 app, counter, environment
        app = self._app(data)
        if data.counter != 0 or data.aaguid not in self._environments:
            raise Refused(Reason.EVIDENCE_STATE, "expected a new key of an environment that is admitted")
        return Attested(
            device_id=_device(key_id),
            key={"point": base64url.encode(point), "app": app},
            tier=self._tier,
            vector=dict.fromkeys((Element.INSTANCE_IDENTITY, Element.HARDWARE, Element.EXECUTABLES), self._tier),
            path=ders(path),
            claims={"app": app, "development": data.aaguid == DEVELOPMENT},
        )

    def device_id(self, evidence: Evidence) -> str:
        """Name the device by its key. Raises Refused."""
        expect(evidence.payload, "key_id", "assertion")
        return _device(octets(evidence.payload, "key_id", most=32))

    def prove(self, evidence: Evidence, *, transcript: bytes, device: EnrolledDevice, now: datetime) -> KeyProof:  # noqa: ARG002 - no certificate is read
        """Verify an assertion: 1 device, 2 signature, 3 app, 4 counter. Raises Refused."""
        # 1 device
        if self.device_id(evidence) != device.id:
            raise Refused(Reason.EVIDENCE_KEY, "the assertion is another device's")
        presented = cbor_map(octets(evidence.payload, "assertion", most=MAX_ASSERTION))
        if presented.keys() != {"signature", "authenticatorData"}:
            raise malformed("expected `signature` and `authenticatorData`")
        raw = octets_of(presented, "authenticatorData")

        # 2 signature
        _verify(
            device.key, octets_of(presented, "signature"), message=sha256(raw + sha256(transcript).digest()).digest()
        )

        # 3 app. Apple sets no flags that could be relied on, and its data ends with the counter.
        data = AuthenticatorData(rp_id_hash=raw[:32], flags=0, counter=int.from_bytes(raw[33:37], "big"))
        if len(raw) != 37 or self._app(data) != device.key.get("app"):  # noqa: PLR2004 - WebAuthn 6.1
            raise Refused(Reason.EVIDENCE_AUDIENCE, "the assertion is another app's")

        # 4 counter
        if data.counter <= device.counter:
            raise Refused(Reason.EVIDENCE_COUNTER, "the counter has not grown")
        return KeyProof(tier=device.tier, vector=device.vector, counter=data.counter)

    def _app(self, data: AuthenticatorData) -> str:
        for app in self._apps:
            if data.is_for(app):
                return app
        raise Refused(Reason.EVIDENCE_AUDIENCE, "the key belongs to an app that is not configured")


def _nonce(leaf: x509.Certificate) -> bytes:
    try:
        value = leaf.extensions.get_extension_for_oid(NONCE).value
    except x509.ExtensionNotFound:
        raise Refused(Reason.EVIDENCE_CHALLENGE, "the certificate has no nonce") from None
    octets = value.value if isinstance(value, x509.UnrecognizedExtension) else b""
    if not octets.startswith(_NONCE_HEAD):
        raise malformed("the certificate's nonce has another shape")
    return octets.removeprefix(_NONCE_HEAD)


def _point(leaf: x509.Certificate) -> bytes:
    match leaf.public_key():
        case ec.EllipticCurvePublicKey(curve=ec.SECP256R1()) as key:
            return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    raise Refused(Reason.EVIDENCE_KEY, "expected a key of P-256")


def _device(key_id: bytes) -> str:
    return f"app-attest:{key_id.hex()}"


def _verify(key: Mapping[str, object], signature: bytes, *, message: bytes) -> None:
    try:
        point = base64url.decode(str(key.get("point")))
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        public.verify(signature, message, ec.ECDSA(hashes.SHA256()))
    except (ValueError, UnsupportedAlgorithm):
        raise Refused(Reason.EVIDENCE_KEY, "the key on record cannot be read") from None
    except InvalidSignature:
        raise Refused(Reason.EVIDENCE_SIGNATURE, "the signature does not cover this transcript") from None
