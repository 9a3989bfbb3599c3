"""Who somebody is: from a token that was presented to an identity, once or as often as a key proves it anew.

It must never judge what a device is worth, nor let one token count twice for whoever else has seen it.
"""

from collections.abc import Awaitable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from types import MappingProxyType

from plugin.core.device import AttestationResult
from plugin.core.errors import Refused
from plugin.core.facts import Assurance
from plugin.core.finding import ABSENT, Finding, Gap, Proven, Unproven
from plugin.core.identity import Identity, Provenance
from plugin.core.join import Credentials, DpopProof
from plugin.core.reasons import Reason
from plugin.core.token import TokenKind
from plugin.flow.budget import Budget, Share
from plugin.flow.challenges import Challenges
from plugin.flow.find import find
from plugin.flow.group_lookup import GroupLookup, with_groups
from plugin.flow.identification import NOTHING_SHOWN, Shown, identify, provider_of, rules_for
from plugin.flow.provider_keys import ProviderKeys
from plugin.flow.sign_outs import SignOuts
from plugin.flow.tracing import OpenSpan
from plugin.jose.dpop import verify_proof
from plugin.jose.verify import LEEWAY, read_unverified
from plugin.ports import Clock, IdpAdapter, Store

KIND = "replay"
# A bearer token proves only that somebody has it, so it has to be young, and it counts once.
BEARER_AGE = timedelta(minutes=5)
# What is left of a proof's time when groups have been waited for, and how long a ticket's are waited for anew.
LEFT_TO_FINISH = 0.2
AGAIN_SECONDS = 0.5
NO_NONCE = "its provider's tokens have to carry a nonce of ours"
NO_LOOKUPS: Mapping[str, GroupLookup] = MappingProxyType({})


class IdentityProofs:
    """The identity providers of this house, by issuer. `lookups` tell the groups, by issuer, that tokens do not."""

    def __init__(
        self,
        *,
        providers: Mapping[str, IdpAdapter],
        keys: ProviderKeys,
        challenges: Challenges,
        store: Store,
        clock: Clock,
        lookups: Mapping[str, GroupLookup] = NO_LOOKUPS,
    ) -> None:
        self._providers = providers
        self._keys = keys
        self._challenges = challenges
        self._store = store
        self._sign_outs = SignOuts(store=store, clock=clock)
        self._clock = clock
        self._lookups = lookups

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
        if identity.groups_until is not None and not self._clock() < identity.groups_until:
            untold = replace(identity, groups=None, groups_until=None)
            identity = await with_groups(untold, lookups=self._lookups, seconds=AGAIN_SECONDS)
        await self._sign_outs.check(identity)
        return identity

    async def log_in(self, unverified_token: str, *, nonce: str, login_age: timedelta, minted: bool) -> Identity:
        """Verify a token of somebody who has just signed in to enrol a device. It counts once. Raises Refused.

        It carries `nonce`, the challenge of this very enrolment, or is young; `minted` = it has to carry it.
        """
        identity = await self._verify_login(unverified_token, login_age=login_age)
        is_first_use = await self._use_up(unverified_token, expires_at=identity.expires_at)
        if not is_first_use:
            raise Refused(Reason.TOKEN_REPLAYED)
        minted = minted or self._needs_nonce(identity)
        if identity.nonce != nonce and (minted or self._clock() - identity.issued_at > BEARER_AGE):
            raise Refused(Reason.LOGIN_STALE, "the token was not minted for this enrolment")
        return identity

    async def recognise(self, unverified_token: str, *, login_age: timedelta) -> Identity:
        """Verify a token of somebody who looks after devices of their own. It may count again. Raises Refused."""
        identity = await self._verify_login(unverified_token, login_age=login_age)
        if self._needs_nonce(identity) and not await self._challenges.has_made(identity.nonce or ""):
            raise Refused(Reason.TOKEN_NONCE, NO_NONCE)
        return identity

    async def prove(
        self,
        credentials: Credentials,
        *,
        device: Finding[AttestationResult],
        shown: Shown,
        alias: str,
        step: OpenSpan,
        budget: Budget,
    ) -> Finding[Identity]:
        """Prove who somebody is. Whether the token has to stand by itself depends on whose `device` signed for it.

        `shown` is what the device has shown to hold.
        """
        unverified_token, dpop_proof = credentials.unverified_token, credentials.dpop_proof
        if unverified_token is None:
            stray = Unproven(gap=Gap.REFUSED, reason=Reason.DPOP_PROOF, detail="got a proof, expected a token with it")
            return stray if dpop_proof else ABSENT
        if dpop_proof is not None:
            proof = self._verify_held(unverified_token, dpop_proof=dpop_proof, shown=shown, alias=alias, step=step)
        elif not credentials.evidence:
            proof = self._verify_bearer(unverified_token, shown=shown, spent=None, alias=alias, step=step)
        elif isinstance(device, Proven) and (device.value.owner is None or not device.value.bound):
            spent = credentials.evidence[0].challenge_id
            proof = self._verify_bearer(unverified_token, shown=shown, spent=spent, alias=alias, step=step)
        else:
            spent = credentials.evidence[0].challenge_id
            proof = self._verify_signed(unverified_token, shown=shown, spent=spent, alias=alias, step=step)
        return await find(self._completed(proof, budget=budget), budget=budget, share=Share.IDENTITY)

    async def _completed(self, proof: Awaitable[Identity], *, budget: Budget) -> Identity:
        """Look up groups last, when the token has counted, and within what is left: without them somebody is proven."""
        identity = await proof
        complete = await with_groups(
            identity, lookups=self._lookups, seconds=budget.left(Share.IDENTITY) - LEFT_TO_FINISH
        )
        if complete is not identity:  # that took time, in which they may have signed out
            await self._sign_outs.check(complete)
        return complete

    async def _verify(self, unverified_token: str, *, step: OpenSpan | None, shown: Shown = NOTHING_SHOWN) -> Identity:
        unverified = read_unverified(unverified_token)
        provider = provider_of(unverified, providers=self._providers)
        expected = provider.settings
        try:
            keys = await self._keys.keys(expected.issuer, key_id=unverified.key_id)
        finally:
            if step is not None:
                step.circuit(self._keys.health(expected.issuer).circuit)
        identity = identify(unverified_token, provider=provider, keys=keys, now=self._clock(), shown=shown)
        await self._sign_outs.check(identity)
        return identity

    async def _verify_held(
        self, unverified_token: str, *, dpop_proof: DpopProof, shown: Shown, alias: str, step: OpenSpan
    ) -> Identity:
        """Verify a token that is bound to a key, with that key's signature over a challenge for this conference.

        It counts as often as there are challenges for it; each is spent once, so no proof counts twice.
        """
        uri, now = f"{self._challenges.origin}{dpop_proof.path}", self._clock()
        held = verify_proof(dpop_proof.unverified_proof, unverified_token=unverified_token, uri=uri, now=now)
        identity = await self._verify(
            unverified_token, step=step, shown=replace(shown, key_thumbprint=held.key_thumbprint)
        )
        await self._challenges.spend_in_proof(held.nonce, alias=alias, unverified_token=unverified_token)
        spent, _, _ = (held.nonce or "").partition(".")
        await self._check_nonce(identity, spent=spent, alias=alias)
        return replace(identity, provenance=Provenance.BOUND)

    async def _verify_signed(
        self, unverified_token: str, *, shown: Shown, spent: str, alias: str, step: OpenSpan
    ) -> Identity:
        """Verify a token that a device of its owner has signed for; where it is another's, the device is refused.

        It counts as often as there are challenges for it. As a bearer token it is used up all the same: whoever sees
        it on its way must not have it to themselves.
        """
        identity = await self._verify(unverified_token, step=step, shown=shown)
        await self._use_up(unverified_token, expires_at=identity.expires_at)
        await self._check_nonce(identity, spent=spent, alias=alias)
        return identity

    async def _verify_bearer(
        self, unverified_token: str, *, shown: Shown, spent: str | None, alias: str, step: OpenSpan
    ) -> Identity:
        """Verify a token that nothing binds to its owner: it counts once, and is fresh or carries a nonce of ours.

        A device of nobody knows whom binds it to nobody, and neither does a proxy's word on one, not even where the
        token names its certificate: that shows no more than a connection. `spent` is the challenge that such a device
        has just signed, for this conference: the token may carry the same one.
        """
        identity = await self._verify(unverified_token, step=step, shown=shown)
        is_first_use = await self._use_up(unverified_token, expires_at=identity.expires_at)
        is_minted_for_us = await self._is_minted_for_us(identity, spent=spent, alias=alias)
        if not is_first_use:
            raise Refused(Reason.TOKEN_REPLAYED)
        if not is_minted_for_us and self._needs_nonce(identity):
            raise Refused(Reason.TOKEN_NONCE, NO_NONCE)
        if not is_minted_for_us and self._clock() - identity.issued_at > BEARER_AGE:
            raise Refused(Reason.TOKEN_STALE, f"older than {BEARER_AGE}, without a device proof or a nonce of ours")
        return identity

    async def _is_minted_for_us(self, identity: Identity, *, spent: str | None, alias: str) -> bool:
        """Say whether a token carries our nonce: it was minted for this very question (OIDC Core 3.1.3.7 step 11)."""
        nonce = identity.nonce
        return nonce is not None and (nonce == spent or await self._challenges.spend_nonce(nonce, alias=alias))

    async def _check_nonce(self, identity: Identity, *, spent: str, alias: str) -> None:
        """Check that a token carries our nonce, where its provider's have to. Raises Refused."""
        if self._needs_nonce(identity) and not await self._is_minted_for_us(identity, spent=spent, alias=alias):
            raise Refused(Reason.TOKEN_NONCE, NO_NONCE)

    def _needs_nonce(self, identity: Identity) -> bool:
        return self._providers[identity.issuer].settings.nonce_required

    async def _verify_login(self, unverified_token: str, *, login_age: timedelta) -> Identity:
        # An access token tells what an app may do: it must not give the app, or its thief, a device.
        unverified = read_unverified(unverified_token)
        provider = provider_of(unverified, providers=self._providers)
        if rules_for(unverified, provider=provider, now=self._clock()).kind is not TokenKind.ID:
            raise Refused(Reason.TOKEN_TYPE, "expected an ID token")
        identity = await self._verify(unverified_token, step=None)
        # A session of last week yields young tokens: what counts is when the person was there.
        if identity.auth_time is None or self._clock() - identity.auth_time > login_age:
            raise Refused(Reason.LOGIN_STALE, f"expected `auth_time` within {login_age}")
        return identity

    async def _use_up(self, unverified_token: str, *, expires_at: datetime) -> bool:
        """Say whether this is the first use of a token."""
        # Without the signature: an ECDSA signature can be respelled by anybody (s and n - s verify alike), and the
        # same token must not count a second time in another spelling.
        signed_part, _, _ = unverified_token.rpartition(".")
        token_hash = sha256(signed_part.encode()).hexdigest()
        return await self._store.claim(KIND, token_hash, expires_at=expires_at + LEEWAY, now=self._clock())


def assurances_of(provider: IdpAdapter) -> tuple[Assurance, ...]:
    """Return what a provider can be asked for in a step-up, weakest first."""
    values = provider.settings.acr.items()
    ladder = [Assurance(acr=acr, level=level, claim=provider.acr_claim) for acr, level in values]
    return tuple(sorted(ladder, key=lambda rung: (rung.level, rung.acr)))
