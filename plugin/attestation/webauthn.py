"""Evidence format `webauthn`: a passkey or a security key, as browsers hand them out.

Payload: what `PublicKeyCredential.toJSON()` returns, to enrol a RegistrationResponseJSON, to join an
AuthenticationResponseJSON (WebAuthn level 3, 5.1.8), and nothing more. The challenge is T.

A device is named by its credential id, since a join says no more. What this must never do: let the library decide about
a chain, since without roots it accepts any, and for some statements it brings roots along.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from plugin.attestation._authenticator_data import AuthenticatorData
from plugin.attestation._members import malformed
from plugin.attestation._roots import Roots, ders, read_roots
from plugin.attestation._webauthn import Presented, Statement, proven_counter, read_assertion, read_registration
from plugin.attestation._webauthn_statement import verify_statement
from plugin.core import base64url
from plugin.core.device import Element, EnrolledDevice, Evidence, Tier
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.device_ports import Attested, EvidenceFormat, EvidenceSettings, KeyProof, Option
from plugin.ports import Json


def _build(settings: EvidenceSettings) -> "WebAuthn":
    unattested = settings.options["unattested"] is True
    aaguids = settings.options["aaguids"]
    if not isinstance(aaguids, tuple) or not all(_is_aaguid(one) for one in aaguids):
        raise ValueError(f"evidence `{settings.name}`: expected `aaguids` in 32 hexadecimal digits with hyphens")
    roots = (
        Roots(certificates=()) if unattested and not settings.roots else read_roots(settings.roots, name=settings.name)
    )
    return WebAuthn(
        Trust(
            roots=roots,
            unattested=unattested,
            synced=settings.options["synced"] is True,
            aaguids=frozenset(bytes.fromhex(one.replace("-", "")) for one in aaguids),
            tier=settings.tier,
            rp_id=settings.rp_id,
            origin=settings.origin,
        )
    )


evidence = EvidenceFormat(
    options={
        "aaguids": Option(
            kind="texts", about="the models that may enrol, by AAGUID; none = all that the roots vouch for", default=()
        ),
        "unattested": Option(
            kind="flag", about="admit keys that nobody vouches for, as a warning at best", default=False
        ),
        "synced": Option(
            kind="flag", about="admit passkeys that can leave the device, as a warning at best", default=False
        ),
    },
    build=_build,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What one table trusts. `aaguids` empty = every model that the roots vouch for."""

    roots: Roots
    unattested: bool
    synced: bool
    tier: Tier
    rp_id: str
    origin: str
    aaguids: frozenset[bytes] = field(default_factory=frozenset)


class WebAuthn:
    """Appraises credentials of one relying party."""

    format = "webauthn"

    def __init__(self, trust: Trust) -> None:
        self._trust = trust

    def begin(self, payload: Json, *, now: datetime) -> None:  # noqa: ARG002 - one round
        """Say that there is one round."""
        return

    def enrol(self, evidence: Evidence, *, transcript: bytes, kept: Json | None, now: datetime) -> Attested:  # noqa: ARG002 - one round
        """Verify a registration: 1 read, 2 ceremony, 3 chain, 4 statement, 5 model. Raises Refused."""
        trust = self._trust

        # 1 read
        presented, statement = read_registration(evidence.payload)

        # 2 ceremony
        self._check_ceremony(presented, transcript=transcript)
        if presented.data.may_be_synced and not trust.synced:
            raise Refused(Reason.EVIDENCE_KEY, "the passkey may leave the device")

        # 3 chain
        vouched = "x5c" in statement.members
        if not vouched and not trust.unattested:
            raise Refused(Reason.EVIDENCE_CHAIN, "nobody vouches for the key")
        path = trust.roots.path(statement.members["x5c"], now=now) if vouched else ()

        # 4 statement
        verify_statement(
            presented,
            statement,
            leaf=path[0] if path else None,
            transcript=transcript,
            origin=trust.origin,
            rp_id=trust.rp_id,
        )

        # 5 model
        if trust.aaguids and (not vouched or presented.data.aaguid not in trust.aaguids):
            raise Refused(Reason.EVIDENCE_KEY, "the authenticator is of a model that is not admitted")
        tier = trust.tier if vouched and not presented.data.may_be_synced else _at_most_warning(trust.tier)
        return Attested(
            device_id=_device(presented.data.credential_id),
            key={"cose": base64url.encode(presented.data.cose_key), "synced": presented.data.may_be_synced},
            tier=tier,
            vector={Element.INSTANCE_IDENTITY: tier} | ({Element.HARDWARE: tier} if vouched else {}),
            counter=presented.data.counter,
            synced=presented.data.may_be_synced,
            path=ders(path),
            claims=_claims(presented.data, statement),
        )

    def device_id(self, evidence: Evidence) -> str:
        """Name the credential. Raises Refused."""
        return _device(read_assertion(evidence.payload).credential_id)

    def prove(self, evidence: Evidence, *, transcript: bytes, device: EnrolledDevice, now: datetime) -> KeyProof:  # noqa: ARG002 - no certificate is read
        """Verify an assertion: 1 read, 2 ceremony, 3 signature, 4 counter. Raises Refused."""
        # 1 read
        presented = read_assertion(evidence.payload)
        if _device(presented.credential_id) != device.id:
            raise Refused(Reason.EVIDENCE_KEY, "the assertion is another device's")

        # 2 ceremony
        self._check_ceremony(presented, transcript=transcript)
        if presented.data.may_be_synced and device.key.get("synced") is not True:
            raise Refused(
                Reason.EVIDENCE_KEY, "the passkey may leave the device, which it could not when it was enrolled"
            )

        # 3 signature
        counter = proven_counter(
            evidence.payload,
            transcript=transcript,
            origin=self._trust.origin,
            rp_id=self._trust.rp_id,
            cose_key=_cose_key(device.key),
        )

        # 4 counter. WebAuthn 7.2 step 22: one that does not grow means two copies of the key.
        if (counter or device.counter) and counter <= device.counter:
            raise Refused(Reason.EVIDENCE_COUNTER, "the counter has not grown")
        return KeyProof(tier=device.tier, vector=device.vector, counter=counter)

    def _check_ceremony(self, presented: Presented, *, transcript: bytes) -> None:
        """Hold what the browser and the authenticator say of the ceremony to this house and this moment."""
        trust, client = self._trust, presented.client
        if client.challenge != transcript:
            raise Refused(Reason.EVIDENCE_CHALLENGE, "the browser signed another challenge")
        if client.origin != trust.origin or client.is_cross_origin:
            raise Refused(Reason.EVIDENCE_AUDIENCE, "the browser was at another origin, or in a frame of one")
        if not presented.data.is_for(trust.rp_id):
            raise Refused(Reason.EVIDENCE_AUDIENCE, "the key was used for another relying party")
        if not (presented.data.is_present and presented.data.is_verified):
            raise Refused(Reason.EVIDENCE_STATE, "the authenticator has not verified its user")


def _at_most_warning(tier: Tier) -> Tier:
    return Tier.WARNING if tier is Tier.AFFIRMING else tier


def _device(credential_id: bytes) -> str:
    return f"webauthn:{sha256(credential_id).hexdigest()}"


def _claims(data: AuthenticatorData, statement: Statement) -> dict[str, str | int | bool]:
    return {"attestation": statement.kind, "aaguid": data.aaguid.hex(), "synced": data.may_be_synced}


def _cose_key(key: Mapping[str, object]) -> bytes:
    try:
        return base64url.decode(str(key.get("cose")))
    except ValueError:
        raise malformed("the key on record cannot be read") from None


def _is_aaguid(text: str) -> bool:
    digits = text.replace("-", "")
    return len(digits) == 32 and all(digit in "0123456789abcdefABCDEF" for digit in digits)  # noqa: PLR2004 - 16 octets
