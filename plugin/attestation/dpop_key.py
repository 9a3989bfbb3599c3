"""Evidence format `dpop-key`: a key in software, put on record once, that signs a DPoP-shaped proof at every join.

Payload, to enrol and to join: `{"proof": "..."}`, a JWT of type `dpop+jwt` with its public key in `jwk` (RFC 9449 4.2),
whose `nonce` is the transcript in base64url. `htm` and `htu` may be there and say nothing: the transcript says more.

Nobody vouches for such a key but whoever holds it, so it must never be worth more than a warning.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from plugin.attestation._members import expect, text
from plugin.attestation._vector import capped
from plugin.core import base64url
from plugin.core.device import Element, EnrolledDevice, Evidence, Tier, worst
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.device_ports import Attested, EvidenceFormat, EvidenceSettings, KeyProof
from plugin.jose.claims import number
from plugin.jose.claims import text as claim_text
from plugin.jose.compact import MAX_TOKEN, read_json, read_parts
from plugin.jose.dpop import embedded_key
from plugin.jose.keys import ALGORITHMS, Key
from plugin.jose.verify import LEEWAY, check_signature
from plugin.ports import Json

MAX_AGE = timedelta(seconds=120)


class DpopKeyFormat:
    """Puts keys on record by their thumbprints, and verifies their proofs."""

    format = "dpop-key"

    def __init__(self, *, tier: Tier) -> None:
        self._tier = worst(tier, Tier.WARNING)

    def begin(self, payload: Json, *, now: datetime) -> None:
        """Answer nothing: there is one round."""

    def enrol(self, evidence: Evidence, *, transcript: bytes, kept: Json | None, now: datetime) -> Attested:  # noqa: ARG002 - one round is enough
        """Verify that the key has signed for this enrolment. Raises Refused."""
        thumbprint = _verify(evidence, transcript=transcript, now=now)
        return Attested(
            device_id=_device_id(thumbprint),
            key={"jkt": thumbprint},
            tier=self._tier,
            vector={Element.INSTANCE_IDENTITY: self._tier},
        )

    def device_id(self, evidence: Evidence) -> str:
        """Name the device by the thumbprint of the key that the proof brings along."""
        return _device_id(_read(evidence).thumbprint)

    def prove(self, evidence: Evidence, *, transcript: bytes, device: EnrolledDevice, now: datetime) -> KeyProof:
        """Verify the proof, and that its key is the one on record. Raises Refused."""
        thumbprint = _verify(evidence, transcript=transcript, now=now)
        if thumbprint != device.key.get("jkt"):
            raise Refused(Reason.EVIDENCE_KEY, "the key is not the enrolled one")
        vector = capped({Element.INSTANCE_IDENTITY: self._tier}, by=device.vector)
        return KeyProof(tier=worst(self._tier, device.tier, *vector.values()), vector=vector)


def _device_id(thumbprint: str) -> str:
    return f"dpop-key:{thumbprint}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Presented:
    """A proof, taken apart. Nothing of it is verified."""

    unverified: str
    algorithm: str
    key: Key
    thumbprint: str
    payload: bytes


def _read(evidence: Evidence) -> _Presented:
    expect(evidence.payload, "proof")
    unverified = text(evidence.payload, "proof", most=MAX_TOKEN)
    try:
        header, payload = read_parts(unverified)
        key, thumbprint = embedded_key(header)
    except Refused:
        raise _malformed() from None
    return _Presented(
        unverified=unverified, algorithm=str(header["alg"]), key=key, thumbprint=thumbprint, payload=payload
    )


def _verify(evidence: Evidence, *, transcript: bytes, now: datetime) -> str:
    presented = _read(evidence)
    try:
        check_signature(presented.unverified, key=presented.key, algorithms=ALGORITHMS & {presented.algorithm})
    except Refused:
        raise Refused(Reason.EVIDENCE_SIGNATURE, "the proof is not signed by its key") from None
    try:
        payload = read_json(presented.payload)
        nonce, identifier, issued = claim_text("nonce", payload), claim_text("jti", payload), number("iat", payload)
    except Refused:
        raise _malformed() from None
    if nonce != base64url.encode(transcript):
        raise Refused(Reason.EVIDENCE_SIGNATURE, "the proof does not cover this transcript")
    age = now.timestamp() - issued
    if not identifier or not -LEEWAY.total_seconds() <= age <= (MAX_AGE + LEEWAY).total_seconds():
        raise Refused(Reason.EVIDENCE_EXPIRED, f"expected a proof with `jti`, of at most {MAX_AGE}")
    return presented.thumbprint


def _malformed() -> Refused:
    return Refused(Reason.EVIDENCE_MALFORMED, "expected a proof (RFC 9449 4.2) with `nonce`, `jti` and `iat`")


def _build(settings: EvidenceSettings) -> DpopKeyFormat:
    if settings.roots:
        raise ValueError("unexpected `roots_files`: nobody vouches for such a key")
    return DpopKeyFormat(tier=settings.tier)


evidence = EvidenceFormat(options={}, build=_build)
