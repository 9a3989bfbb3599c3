"""How a device comes on record: a fresh sign-in, an attestation over a challenge of ours, and an approval.

Nothing here proves anything at a join. What is not approved is pending, and a pending device proves nothing.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from plugin.core.device import Approval, DeviceState, EnrolledDevice, Evidence, Tier, worst
from plugin.core.errors import Refused
from plugin.core.identity import Identity
from plugin.core.reasons import Reason
from plugin.core.transcript import Purpose
from plugin.device_ports import Attested, EnrolmentFormat, EvidenceSettings
from plugin.flow.challenges import LIFETIME, Challenge, Challenges
from plugin.flow.devices import Devices
from plugin.ports import Clock, Json, Store

log = logging.getLogger(__name__)

KIND = "enrolment"
KIND_INVITATION = "device-invitation"
KIND_INVENTORY = "device-inventory"
NO_CONFERENCE = ""
# Members of a key that count what has happened to its device since.
COUNTED = frozenset({"resets", "restarts"})
INVITATION_PREFIX = "vi_"

Login = Callable[..., Awaitable[Identity]]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentRules:
    """The `[enrolment]` table. `login_age` = how long ago the person may have signed in."""

    approval: Approval = Approval.ADMINISTRATOR
    lifetime: timedelta = timedelta(days=90)
    reattest: timedelta = timedelta(days=90)
    most: int = 5
    login_age: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A challenge to enrol by, and what the format has to say to the device in the first of two rounds."""

    challenge: Challenge
    answer: Json | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """What somebody enrols with: all of it unverified."""

    unverified_token: str
    evidence: Evidence
    name: str
    invitation: str = ""


class Enrolment:
    """Enrols devices. `login` verifies a token that has to be fresh: see `Verification.log_in`."""

    def __init__(
        self,
        *,
        formats: Mapping[str, EnrolmentFormat],
        settings: Mapping[str, EvidenceSettings],
        rules: EnrolmentRules,
        login: Login,
        challenges: Challenges,
        devices: Devices,
        store: Store,
        clock: Clock,
    ) -> None:
        self._formats = formats
        self._settings = settings
        self._rules = rules
        self._login = login
        self._challenges = challenges
        self._devices = devices
        self._store = store
        self._clock = clock

    async def begin(self, evidence_format: str, *, payload: Json) -> Begun:
        """Make a challenge to enrol by. Raises Refused."""
        answer, kept = self._format(evidence_format).begin(payload, now=self._clock()) or (None, None)
        challenge = await self._challenges.issue(NO_CONFERENCE, purpose=Purpose.ENROL)
        begun = {"format": evidence_format, "kept": kept}
        await self._store.put(KIND, challenge.id, begun, expires_at=self._clock() + LIFETIME)
        return Begun(challenge=challenge, answer=answer)

    async def enrol(self, application: Application) -> EnrolledDevice:
        """Put a device on record. Raises Refused.

        1 spend the challenge   2 sign in   3 appraise   4 approve   5 put on record
        """
        evidence, now = application.evidence, self._clock()
        verifier = self._format(evidence.format)

        # 1 spend the challenge, whatever comes of it
        transcript, kept = await self._spend(application)

        # 2 sign in
        person = await self._login(
            application.unverified_token,
            nonce=evidence.challenge_id,
            login_age=self._rules.login_age,
            # Where nobody approves the device, a token that was stolen elsewhere must not enrol the thief's.
            minted=self._rules.approval is Approval.FIRST_USE,
        )

        # 3 appraise
        attested = verifier.enrol(evidence, transcript=transcript, kept=kept, now=now)
        if attested.synced:
            raise Refused(Reason.DEVICE_SYNCED)

        # 4 approve
        known = await self._devices.find(attested.device_id)
        approval = None if known else await self._approve(application, attested=attested, person=person)

        # 5 put on record
        device = self._device(application, attested=attested, person=person, approval=approval, now=now)
        if known:
            device = await self._attest_anew(device)
        else:
            await self._devices.add(device, most=self._rules.most)
        log.info("device enrolled", extra={"format": device.format, "state": device.state.value})
        return device

    async def _spend(self, application: Application) -> tuple[bytes, Json | None]:
        """Return what the device has to have signed, and what was kept of the first of two rounds."""
        evidence = application.evidence
        begun = await self._store.take(KIND, evidence.challenge_id, now=self._clock())
        transcript = await self._challenges.spend(
            evidence.challenge_id,
            alias=NO_CONFERENCE,
            purpose=Purpose.ENROL,
            unverified_token=application.unverified_token,
        )
        if begun is None or begun["format"] != evidence.format:
            raise Refused(Reason.EVIDENCE_CHALLENGE, "made for another format")
        kept = begun["kept"]
        return transcript.digest(), kept if isinstance(kept, dict) else None

    def _format(self, name: str) -> EnrolmentFormat:
        if name not in self._formats:
            raise Refused(Reason.EVIDENCE_FORMAT, f"expected one of {sorted(self._formats)}")
        return self._formats[name]

    async def _approve(self, application: Application, *, attested: Attested, person: Identity) -> Approval | None:
        """Say by what a new device is approved, None = by nothing yet. Raises Refused."""
        if application.invitation:
            # Taken by whoever presents it: one that somebody else presents is known to somebody else.
            key = hash_of(application.invitation)
            invitation = await self._store.take(KIND_INVITATION, key, now=self._clock())
            if invitation is None or invitation.get("owner") != person.key:
                raise Refused(Reason.INVITATION_REFUSED)
            return Approval.INVITATION
        match self._rules.approval:
            case Approval.INVITATION:
                raise Refused(Reason.INVITATION_NEEDED)
            case Approval.INVENTORY:
                return await self._look_up(attested, person=person)
            case Approval.FIRST_USE:
                return Approval.FIRST_USE
            case Approval.ADMINISTRATOR:
                return None

    async def _look_up(self, attested: Attested, *, person: Identity) -> Approval | None:
        """Look for the attested serial in the inventory. One that is not there waits for an administrator."""
        if not attested.serial:
            return None
        listed = await self._store.get(KIND_INVENTORY, hash_of(attested.serial), now=self._clock())
        if listed is None:
            return None
        if listed.get("owner") not in ("", person.key):
            raise Refused(Reason.INVENTORY_OWNER)
        return Approval.INVENTORY

    def _device(
        self,
        application: Application,
        *,
        attested: Attested,
        person: Identity,
        approval: Approval | None,
        now: datetime,
    ) -> EnrolledDevice:
        settings = self._settings[application.evidence.format]
        return EnrolledDevice(
            id=attested.device_id,
            format=application.evidence.format,
            key=attested.key,
            owner=person.key,
            name=application.name,
            state=DeviceState.ACTIVE if approval else DeviceState.PENDING,
            tier=worst(attested.tier, settings.tier, *attested.vector.values()),
            vector=attested.vector,
            serial=attested.serial,
            counter=attested.counter,
            appraised_by=settings.name,
            enrolled_at=now,
            attested_at=now,
            expires_at=now + self._rules.lifetime,
            approval=approval,
        )

    async def _attest_anew(self, device: EnrolledDevice) -> EnrolledDevice:
        """Renew a device that its owner attests again: what was approved stays approved, and nothing is taken back."""

        def renewed(known: EnrolledDevice) -> EnrolledDevice:
            if known.owner != device.owner:
                raise Refused(Reason.DEVICE_OWNER)
            # What was approved is a key, by whatever name: who brings another one under its name has not got it.
            if known.format != device.format or _pinned(known) != _pinned(device):
                raise Refused(Reason.EVIDENCE_KEY, "the device is on record with another key")
            if known.state is DeviceState.REVOKED:
                raise Refused(Reason.DEVICE_REVOKED)
            if known.state is DeviceState.LOST:
                raise Refused(Reason.DEVICE_LOST)
            # One that has expired has to be approved again, and of a counter that is known the higher one counts.
            approved = known.state is DeviceState.ACTIVE and known.expires_at > device.attested_at
            return replace(
                device,
                state=DeviceState.ACTIVE if approved else DeviceState.PENDING,
                approval=known.approval if approved else None,
                tier=known.tier if known.tier is Tier.CONTRAINDICATED else device.tier,
                counter=max(known.counter, device.counter),
                enrolled_at=known.enrolled_at,
            )

        return await self._devices.change(device.id, owner=None, change=renewed)


def _pinned(device: EnrolledDevice) -> dict[str, object]:
    """Return what of a device's key stays the same for as long as it is the same key."""
    return {name: value for name, value in device.key.items() if name not in COUNTED}


def hash_of(secret: str) -> str:
    """Return what is stored of an invitation or a serial."""
    return sha256(secret.encode()).hexdigest()
