"""From what a caller presented to what is proven: the proofs of identity and device, and their binding.

`find` is the only place where Refused, Unavailable, a timeout or a bug become facts. Nothing here decides: a gap is
handed to the judge as a gap.
"""

import logging
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TypeVar

from plugin.core.device import AttestationResult, Evidence
from plugin.core.errors import Refused
from plugin.core.facts import Assurance
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
from plugin.flow.identification import identify, provider_of
from plugin.flow.provider_keys import ProviderKeys
from plugin.flow.sign_outs import SignOuts
from plugin.flow.tracing import OpenSpan, Steps
from plugin.jose.verify import LEEWAY, read_unverified
from plugin.ports import (
    CLIENT_CERT,
    Appraisal,
    AttestationVerifier,
    Clock,
    IdpAdapter,
    Revocation,
    Store,
)

log = logging.getLogger(__name__)
T = TypeVar("T")

KIND = "replay"
# A bearer token proves only that somebody has it, so it has to be young, and it counts once.
BEARER_AGE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofs:
    """What is proven of one caller."""

    identity: Finding[Identity]
    device: Finding[AttestationResult]


class Verification:
    """The verifiers of this house: identity providers by issuer, evidence formats by name.

    `tell_of_end` hears of a CA for each device whose certificate ends soon.
    """

    def __init__(  # noqa: PLR0913 - whoever proves has to ask all of them
        self,
        *,
        providers: Mapping[str, IdpAdapter],
        keys: ProviderKeys,
        verifiers: Mapping[str, AttestationVerifier],
        revocation: Revocation,
        challenges: Challenges,
        store: Store,
        clock: Clock,
        device_proofs: DeviceProofs | None = None,
        tell_of_end: Callable[[str], None] = lambda _ca: None,
    ) -> None:
        self._providers = providers
        self._keys = keys
        self._verifiers = verifiers
        self._revocation = revocation
        self._challenges = challenges
        self._store = store
        self._sign_outs = SignOuts(store=store, clock=clock)
        self._clock = clock
        self._device_proofs = device_proofs
        self._enrolled = device_proofs.formats.keys() if device_proofs else frozenset[str]()
        self._tell_of_end = tell_of_end

    def assurances(self, issuer: str) -> tuple[Assurance, ...]:
        """Return what the issuer can be asked for in a step-up, weakest first."""
        provider = self._providers.get(issuer)
        return assurances_of(provider) if provider else ()

    async def confirm(self, identity: Identity) -> Identity:
        """Confirm that somebody whose token was verified earlier still counts as who they were then. Raises Refused."""
        provider = self._providers.get(identity.issuer)
        if provider is None or provider.settings.org != identity.org:
            raise Refused(Reason.TOKEN_ISSUER)
        if identity.expires_at <= self._clock():
            raise Refused(Reason.TOKEN_EXPIRED)
        await self._sign_outs.check(identity)
        return identity

    async def confirm_device(self, device: AttestationResult) -> AttestationResult:
        """Confirm that a device that was proven earlier still counts. Raises Refused.

        Its format has to be on, its CA configured, and what is on record of an enrolled one as good as it was.
        """
        if device.expires_at <= self._clock():
            raise Refused(Reason.EVIDENCE_EXPIRED)
        if self._device_proofs is not None and device.format in self._enrolled:
            await self._device_proofs.confirm(device)
            return device
        if device.format not in self._verifiers or (device.managed and not self._revocation.knows(device.appraised_by)):
            raise Refused(Reason.EVIDENCE_CHAIN)
        return device

    async def log_in(self, unverified_token: str, *, nonce: str, login_age: timedelta, minted: bool) -> Identity:
        """Verify a token of somebody who has just signed in to enrol a device. It counts once. Raises Refused.

        It carries `nonce`, the challenge of this very enrolment, or is young; `minted` = it has to carry it.
        """
        identity = await self._verify(unverified_token, step=None)
        is_first_use = await self._use_up(unverified_token, expires_at=identity.expires_at)
        if not is_first_use:
            raise Refused(Reason.TOKEN_REPLAYED)
        if identity.nonce != nonce and (minted or self._clock() - identity.issued_at > BEARER_AGE):
            raise Refused(Reason.LOGIN_STALE, "the token was not minted for this enrolment")
        self._check_login(identity, login_age=login_age)
        return identity

    async def recognise(self, unverified_token: str, *, login_age: timedelta) -> Identity:
        """Verify a token of somebody who looks after devices of their own. It may count again. Raises Refused."""
        identity = await self._verify(unverified_token, step=None)
        self._check_login(identity, login_age=login_age)
        return identity

    def _check_login(self, identity: Identity, *, login_age: timedelta) -> None:
        # A session of last week yields young tokens: what counts is when the person was there.
        if identity.auth_time is None or self._clock() - identity.auth_time > login_age:
            raise Refused(Reason.LOGIN_STALE, f"expected `auth_time` within {login_age}")

    async def prove(self, join: JoinRequest, *, steps: Steps, budget: Budget) -> Proofs:
        """Prove what a question presents by itself, each proof in a step of its own.

        The device comes first: whether the token has to stand by itself depends on whose device has signed for it.
        """
        credentials = join.credentials
        with steps.step(tracing.DEVICE) as step:
            device = await self._prove_device(credentials, alias=join.alias, step=step, budget=budget)
            step.finding(device)
        with steps.step(tracing.IDENTITY) as step:
            identity = await self._prove_identity(
                credentials, device=device, alias=join.alias, step=step, budget=budget
            )
            step.finding(identity)
        return Proofs(identity=identity, device=own(device, identity=identity))

    async def _prove_device(
        self, credentials: Credentials, *, alias: str, step: OpenSpan, budget: Budget
    ) -> Finding[AttestationResult]:
        if not credentials.evidence and credentials.client_certificate is None:
            return ABSENT
        return await find(self._appraise(credentials, alias=alias, step=step), budget=budget, share=Share.DEVICE)

    async def _prove_identity(
        self,
        credentials: Credentials,
        *,
        device: Finding[AttestationResult],
        alias: str,
        step: OpenSpan,
        budget: Budget,
    ) -> Finding[Identity]:
        unverified_token = credentials.unverified_token
        if unverified_token is None:
            return ABSENT
        if not credentials.evidence:
            proof = self._verify_bearer(unverified_token, spent=None, alias=alias, step=step)
        elif isinstance(device, Proven) and (device.value.owner is None or not device.value.bound):
            spent = credentials.evidence[0].challenge_id
            proof = self._verify_bearer(unverified_token, spent=spent, alias=alias, step=step)
        else:
            proof = self._verify_signed(unverified_token, step=step)
        return await find(proof, budget=budget, share=Share.IDENTITY)

    async def _verify(self, unverified_token: str, *, step: OpenSpan | None) -> Identity:
        unverified = read_unverified(unverified_token)
        provider = provider_of(unverified, providers=self._providers)
        expected = provider.settings
        try:
            keys = await self._keys.keys(expected.issuer, key_id=unverified.key_id)
        finally:
            if step is not None:
                step.circuit(self._keys.health(expected.issuer).circuit)
        identity = identify(unverified_token, provider=provider, keys=keys, now=self._clock())
        await self._sign_outs.check(identity)
        return identity

    async def _verify_signed(self, unverified_token: str, *, step: OpenSpan) -> Identity:
        """Verify a token that a device of its owner has signed for; where it is another's, the device is refused.

        It counts as often as there are challenges for it. As a bearer token it is used up all the same: whoever sees
        it on its way must not have it to themselves.
        """
        identity = await self._verify(unverified_token, step=step)
        await self._use_up(unverified_token, expires_at=identity.expires_at)
        return identity

    async def _verify_bearer(self, unverified_token: str, *, spent: str | None, alias: str, step: OpenSpan) -> Identity:
        """Verify a token that nothing binds to its owner: it counts once, and is fresh or carries a nonce of ours.

        A device of nobody knows whom binds it to nobody, and neither does a proxy's word on one. `spent` is the
        challenge that such a device has just signed, for this conference: the token may carry the same one.
        """
        identity = await self._verify(unverified_token, step=step)
        is_first_use = await self._use_up(unverified_token, expires_at=identity.expires_at)
        # OIDC Core 3.1.3.7 step 11: a token that carries our nonce was minted for this very question.
        nonce = identity.nonce
        is_minted_for_us = nonce and (nonce == spent or await self._challenges.spend_nonce(nonce, alias=alias))
        if not is_first_use:
            raise Refused(Reason.TOKEN_REPLAYED)
        if not is_minted_for_us and self._clock() - identity.issued_at > BEARER_AGE:
            raise Refused(Reason.TOKEN_STALE, f"older than {BEARER_AGE}, without a device proof or a nonce of ours")
        return identity

    async def _use_up(self, unverified_token: str, *, expires_at: datetime) -> bool:
        """Say whether this is the first use of a token."""
        # Without the signature: an ECDSA signature can be respelled by anybody (s and n - s verify alike), and the
        # same token must not count a second time in another spelling.
        signed_part, _, _ = unverified_token.rpartition(".")
        token_hash = sha256(signed_part.encode()).hexdigest()
        return await self._store.claim(KIND, token_hash, expires_at=expires_at + LEEWAY, now=self._clock())

    async def _appraise(self, credentials: Credentials, *, alias: str, step: OpenSpan) -> AttestationResult:
        """Appraise what was signed for this join, and what a proxy says of the connection; both, where there are both.

        Only then ask about revocation: nobody makes us ask a CA about what it has not issued.
        """
        appraisals = await self._appraise_signed(credentials, alias=alias)
        if credentials.client_certificate is not None:
            appraisals.append(self._appraise_connection(credentials.client_certificate))
        for path, ca in {appraisal.path: appraisal.result.appraised_by for appraisal in appraisals}.items():
            if path:
                await self._revocation.check(path, ca=ca)
        first = appraisals[0]
        self._warn_of_end(first, step=step)
        return combine([appraisal.result for appraisal in appraisals])

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


def assurances_of(provider: IdpAdapter) -> tuple[Assurance, ...]:
    """Return what a provider can be asked for in a step-up, weakest first."""
    values = provider.settings.acr.items()
    ladder = [Assurance(acr=acr, level=level, claim=provider.acr_claim) for acr, level in values]
    return tuple(sorted(ladder, key=lambda rung: (rung.level, rung.acr)))
