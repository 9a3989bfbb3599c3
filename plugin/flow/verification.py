"""From what a caller presented to what is proven: the proofs of identity and device, and their binding.

`find` is the only place where Refused, Unavailable, a timeout or a bug become facts. Nothing here decides: a gap is
handed to the judge as a gap. Tokens are `identity_proofs`, devices on record `device_proofs`.
"""

import logging
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

from plugin.core import base64url
from plugin.core.device import AttestationResult, Evidence
from plugin.core.errors import Refused
from plugin.core.finding import ABSENT, Finding, Proven
from plugin.core.identity import Identity
from plugin.core.join import Credentials, JoinRequest
from plugin.core.reasons import Reason
from plugin.core.transcript import Purpose
from plugin.flow import tracing
from plugin.flow.budget import Budget, Share
from plugin.flow.challenges import Challenges
from plugin.flow.combination import combine, own
from plugin.flow.device_proofs import DeviceProofs
from plugin.flow.find import find
from plugin.flow.identification import NOTHING_SHOWN, Shown
from plugin.flow.identity_proofs import IdentityProofs
from plugin.flow.tracing import OpenSpan, Steps
from plugin.ports import CLIENT_CERT, Appraisal, AttestationVerifier, Clock, Revocation

log = logging.getLogger(__name__)
T = TypeVar("T")

# Where the leaf is of the device's own key, and that key was used: not what a maker attests whole batches with.
CERTIFIED = frozenset({"x509", CLIENT_CERT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofs:
    """What is proven of one caller."""

    identity: Finding[Identity]
    device: Finding[AttestationResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class Appraised:
    """A device, and the thumbprints of the certificates whose keys it has used for this question (RFC 8705)."""

    result: AttestationResult
    leaves: frozenset[str]


class Verification:
    """The verifiers of this house: who somebody is by `identities`, evidence formats by name.

    `tell_of_end` hears of a CA for each device whose certificate ends soon.
    """

    def __init__(
        self,
        *,
        identities: IdentityProofs,
        verifiers: Mapping[str, AttestationVerifier],
        revocation: Revocation,
        challenges: Challenges,
        clock: Clock,
        device_proofs: DeviceProofs | None = None,
        tell_of_end: Callable[[str], None] = lambda _ca: None,
    ) -> None:
        self.identities = identities
        self._verifiers = verifiers
        self._revocation = revocation
        self._challenges = challenges
        self._clock = clock
        self._device_proofs = device_proofs
        self._enrolled = device_proofs.formats.keys() if device_proofs else frozenset[str]()
        self._tell_of_end = tell_of_end

    async def confirm_device(self, device: AttestationResult) -> AttestationResult:
        """Confirm that a device that was proven earlier still counts. Raises Refused.

        Its format has to be on, its CA configured, and what is on record of an enrolled one as good as it was.
        """
        if device.expires_at <= self._clock():
            raise Refused(Reason.EVIDENCE_EXPIRED)
        if self._device_proofs is not None and device.format in self._enrolled:
            return await self._device_proofs.confirm(device)
        if device.format not in self._verifiers or (device.managed and not self._revocation.knows(device.appraised_by)):
            raise Refused(Reason.EVIDENCE_CHAIN)
        return device

    async def prove(self, join: JoinRequest, *, steps: Steps, budget: Budget) -> Proofs:
        """Prove what a question presents by itself, each proof in a step of its own.

        The device comes first: whether the token has to stand by itself depends on whose device has signed for it.
        """
        credentials = join.credentials
        with steps.step(tracing.DEVICE) as step:
            found = await self._prove_device(credentials, alias=join.alias, step=step, budget=budget)
            device = Proven(value=found.value.result) if isinstance(found, Proven) else found
            step.finding(device)
        # What was not proven to be a device of ours has shown nothing: its certificate could be anybody's.
        shown = Shown(certificate_thumbprints=found.value.leaves) if isinstance(found, Proven) else NOTHING_SHOWN
        with steps.step(tracing.IDENTITY) as step:
            identity = await self.identities.prove(
                credentials, device=device, shown=shown, alias=join.alias, step=step, budget=budget
            )
            step.finding(identity)
        return Proofs(identity=identity, device=own(device, identity=identity))

    async def _prove_device(
        self, credentials: Credentials, *, alias: str, step: OpenSpan, budget: Budget
    ) -> Finding[Appraised]:
        if not credentials.evidence and credentials.client_certificate is None:
            return ABSENT
        return await find(self._appraise(credentials, alias=alias, step=step), budget=budget, share=Share.DEVICE)

    async def _appraise(self, credentials: Credentials, *, alias: str, step: OpenSpan) -> Appraised:
        """Appraise what was signed for this join, and what a proxy says of the connection; both, where there are both.

        Only then ask about revocation: nobody makes us ask a CA about what it has not issued.
        """
        appraisals = await self._appraise_signed(credentials, alias=alias)
        if credentials.client_certificate is not None:
            appraisals.append(self._appraise_connection(credentials.client_certificate))
        for path, ca in {appraisal.path: appraisal.result.appraised_by for appraisal in appraisals}.items():
            if path:
                await self._revocation.check(path, ca=ca)
        for appraisal in appraisals:
            self._warn_of_end(appraisal, step=step)
        leaves = [sha256(one.path[0]).digest() for one in appraisals if one.path and one.result.format in CERTIFIED]
        return Appraised(
            result=combine([appraisal.result for appraisal in appraisals]),
            leaves=frozenset(base64url.encode(leaf) for leaf in leaves),
        )

    async def _appraise_signed(self, credentials: Credentials, *, alias: str) -> list[Appraisal]:
        """Appraise what was signed over one challenge, which is spent once; nothing of it, where one of it is bad."""
        if not credentials.evidence:
            return []
        (challenge_id, *others) = {evidence.challenge_id: None for evidence in credentials.evidence}
        if others:
            raise Refused(Reason.EVIDENCE_CHALLENGE, "expected all evidence over one challenge")
        accepted = (self._verifiers.keys() | self._enrolled) - {CLIENT_CERT}
        for evidence in credentials.evidence:  # before the challenge is spent for nothing
            if evidence.format not in accepted:
                raise Refused(Reason.EVIDENCE_FORMAT, f"expected one of {sorted(accepted)}")
        transcript = await self._challenges.spend(
            challenge_id, alias=alias, purpose=Purpose.JOIN, unverified_token=credentials.unverified_token
        )
        digest = transcript.digest()
        return [await self._appraise_one(evidence, transcript=digest) for evidence in credentials.evidence]

    async def _appraise_one(self, evidence: Evidence, *, transcript: bytes) -> Appraisal:
        if self._device_proofs is not None and evidence.format in self._enrolled:
            return await self._device_proofs.appraise(evidence, transcript=transcript)
        return self._verifiers[evidence.format].appraise(evidence, transcript=transcript, now=self._clock())

    def _appraise_connection(self, evidence: Evidence) -> Appraisal:
        verifier = self._verifier(evidence.format, among={CLIENT_CERT} & self._verifiers.keys())
        return verifier.appraise(evidence, transcript=b"", now=self._clock())

    def _verifier(self, evidence_format: str, *, among: Set[str]) -> AttestationVerifier:
        if evidence_format not in among:
            raise Refused(Reason.EVIDENCE_FORMAT, f"expected one of {sorted(among)}")
        return self._verifiers[evidence_format]

    def _warn_of_end(self, appraisal: Appraisal, *, step: OpenSpan) -> None:
        """Leave a line for whoever renews devices, without a name: the CA and the days that are left."""
        now, ends_at = self._clock(), appraisal.result.expires_at
        if appraisal.warn_from is None or now < appraisal.warn_from:
            return
        days = (ends_at - now).days
        step.days_left(days)
        self._tell_of_end(appraisal.result.appraised_by)
        log.warning("device certificate ends soon", extra={"ca": appraisal.result.appraised_by, "days": days})
