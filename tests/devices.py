"""Devices with a key of Ed25519, and the format that they enrol by: real signatures, in the smallest form."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from plugin.core.device import Element, EnrolledDevice, Evidence, Tier
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.device_ports import Attested, EvidenceFormat, EvidenceSettings, KeyProof
from plugin.ports import Json

FORMAT = "tests-key"


@dataclass(slots=True, kw_only=True)
class KeyedDevice:
    """A device with a key, and what it says of itself. `count` = it has a counter, which rises at each signature."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    serial: str = ""
    synced: bool = False
    count: int = 0

    @property
    def public(self) -> str:
        return self.key.public_key().public_bytes_raw().hex()

    @property
    def id(self) -> str:
        return _id(self.public)

    def payload(self, transcript: bytes, *, count: int | None = None) -> dict[str, object]:
        """Sign the transcript, and everything else that is said."""
        if count is None and self.count:
            self.count += 1
        said = {"serial": self.serial, "synced": self.synced, "count": self.count if count is None else count}
        return {"public": self.public, **said, "signature": self.key.sign(transcript + repr(said).encode()).hex()}

    def evidence(self, transcript: bytes, *, challenge_id: str, count: int | None = None) -> Evidence:
        return Evidence(format=FORMAT, payload=self.payload(transcript, count=count), challenge_id=challenge_id)


class KeyFormat:
    """Verifies such devices."""

    format = FORMAT

    def begin(self, payload: Json, *, now: datetime) -> tuple[Json, Json] | None:  # noqa: ARG002 - one round
        return None

    def enrol(self, evidence: Evidence, *, transcript: bytes, kept: Json | None, now: datetime) -> Attested:  # noqa: ARG002 - the port's
        said = _verify(evidence, transcript=transcript, public=str(evidence.payload["public"]))
        return Attested(
            device_id=self.device_id(evidence),
            key={"public": evidence.payload["public"]},
            tier=Tier.AFFIRMING,
            vector={Element.INSTANCE_IDENTITY: Tier.AFFIRMING},
            serial=str(said["serial"]),
            counter=int(str(said["count"])),
            synced=said["synced"] is True,
        )

    def device_id(self, evidence: Evidence) -> str:
        return _id(str(evidence.payload["public"]))

    def prove(self, evidence: Evidence, *, transcript: bytes, device: EnrolledDevice, now: datetime) -> KeyProof:  # noqa: ARG002 - the port's
        said = _verify(evidence, transcript=transcript, public=str(device.key["public"]))
        vector = {Element.INSTANCE_IDENTITY: Tier.AFFIRMING}
        if int(str(said["count"])) < device.counter:  # as some formats say it themselves
            raise Refused(Reason.EVIDENCE_COUNTER)
        return KeyProof(tier=Tier.AFFIRMING, vector=vector, counter=int(str(said["count"])))


def _verify(evidence: Evidence, *, transcript: bytes, public: str) -> dict[str, object]:
    said = {name: evidence.payload[name] for name in ("serial", "synced", "count")}
    signature = bytes.fromhex(str(evidence.payload["signature"]))
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(signature, transcript + repr(said).encode())
    except InvalidSignature:
        raise Refused(Reason.EVIDENCE_SIGNATURE) from None
    return said


def _id(public: str) -> str:
    return f"{FORMAT}:{hashlib.sha256(bytes.fromhex(public)).hexdigest()}"


def _build(_settings: EvidenceSettings) -> KeyFormat:
    return KeyFormat()


FORMATS = {FORMAT: EvidenceFormat(options={}, build=_build)}
