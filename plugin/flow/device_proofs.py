"""What an enrolled device's signature is worth at a join: its standing on record, and the key that proves it.

It must never admit by the record alone, nor by a signature alone.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from plugin.core.device import Approval, AttestationResult, EnrolledDevice, Evidence, Tier, worst
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.device_ports import EnrolmentFormat, KeyProof
from plugin.flow.devices import Devices, check_standing
from plugin.ports import Appraisal, Clock

log = logging.getLogger(__name__)

MANAGED = frozenset({Approval.ADMINISTRATOR, Approval.INVENTORY})


class DeviceProofs:
    """Appraises the proofs of enrolled devices. `tiers` = the best that each format's devices can reach now."""

    def __init__(
        self,
        *,
        formats: Mapping[str, EnrolmentFormat],
        tiers: Mapping[str, Tier],
        reattest: timedelta,
        devices: Devices,
        clock: Clock,
    ) -> None:
        self.formats = formats
        self._tiers = tiers
        self._reattest = reattest
        self._devices = devices
        self._clock = clock

    async def appraise(self, evidence: Evidence, *, transcript: bytes) -> Appraisal:
        """Appraise a proof that has to cover `transcript`. Raises Refused."""
        verifier, now = self.formats[evidence.format], self._clock()
        device = await self._devices.find(verifier.device_id(evidence))
        if device is None or device.format != evidence.format:
            raise Refused(Reason.DEVICE_UNKNOWN)
        # The signature first: whoever does not hold the key learns nothing of where a device stands.
        try:
            proof = verifier.prove(evidence, transcript=transcript, device=device, now=now)
        except Refused as refused:
            if refused.reason is Reason.EVIDENCE_COUNTER:
                await self._contraindicate(device)
            raise
        self._check(device)
        if proof.reset:
            raise Refused(Reason.DEVICE_REATTEST, "the device was reset since it was attested")
        await self._count(device, proof=proof)
        return Appraisal(result=self._result(device, proof=proof))

    async def confirm(self, result: AttestationResult) -> AttestationResult:
        """Confirm a device that was proven for a ticket, at what it is worth now where that is less. Raises Refused."""
        device = await self._devices.find(result.device_id)
        if device is None or device.format != result.format:
            raise Refused(Reason.DEVICE_UNKNOWN)
        if device.owner != result.owner:
            raise Refused(Reason.DEVICE_OWNER)
        self._check(device)
        tier = worst(result.tier, device.tier, self._tiers[device.format])
        return replace(result, tier=tier, managed=result.managed and device.approval in MANAGED)

    def _check(self, device: EnrolledDevice) -> None:
        now = self._clock()
        check_standing(device, now=now)
        if device.attested_at + self._reattest <= now:
            raise Refused(Reason.DEVICE_REATTEST, f"attested on {device.attested_at.date()}")

    async def _count(self, device: EnrolledDevice, *, proof: KeyProof) -> None:
        """Raise the counter. One that does not rise says that somebody else has the key too (WebAuthn 6.1.1)."""
        if not proof.counter and not device.counter:
            return

        def raised(current: EnrolledDevice) -> EnrolledDevice:
            check_standing(current, now=self._clock())
            if proof.counter <= current.counter:
                return replace(current, tier=Tier.CONTRAINDICATED)
            return replace(current, counter=proof.counter)

        changed = await self._devices.change(device.id, owner=device.owner, change=raised)
        if changed.tier is Tier.CONTRAINDICATED:
            log.warning("device key seen twice", extra={"format": device.format})
            raise Refused(Reason.DEVICE_CLONED, "the counter has not risen")

    async def _contraindicate(self, device: EnrolledDevice) -> None:
        """Trust a key no more that a format has seen twice: it looks at the counter once the signature is good."""
        log.warning("device key seen twice", extra={"format": device.format})
        await self._devices.change(
            device.id, owner=device.owner, change=lambda current: replace(current, tier=Tier.CONTRAINDICATED)
        )

    def _result(self, device: EnrolledDevice, *, proof: KeyProof) -> AttestationResult:
        # What is said now is never better than what is on record, and a table may have been lowered since.
        vector = {one: worst(tier, device.vector.get(one, tier)) for one, tier in proof.vector.items()}
        return AttestationResult(
            device_id=device.id,
            format=device.format,
            tier=worst(device.tier, proof.tier, self._tiers[device.format], *vector.values()),
            bound=True,
            managed=device.approval in MANAGED,
            owner=device.owner,
            appraised_by=device.appraised_by,
            expires_at=min(device.expires_at, device.attested_at + self._reattest),
            vector=vector,
        )
