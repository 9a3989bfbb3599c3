"""Evidence that proves a device and signs nothing: its token stays a bearer token, whatever format it comes in."""

import secrets
import time
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from opentelemetry.trace import NoOpTracer

from idp_adapters.oidc import adapter
from plugin.core.device import AttestationResult, Evidence, Tier
from plugin.core.finding import Finding, Proven, Unproven
from plugin.core.identity import Identity
from plugin.core.join import Credentials
from plugin.core.reasons import Reason
from plugin.core.transcript import Purpose
from plugin.flow.challenges import Challenges
from plugin.flow.identity_proofs import IdentityProofs
from plugin.flow.provider_keys import ProviderKeys
from plugin.flow.tracer import Tracing
from plugin.flow.verification import Verification
from plugin.ports import Appraisal, IdpSettings
from plugin.revocation.lookup import RevocationLookup
from plugin.shell.fetch import HttpFetch
from tests.fakes import HandClock, MemoryStore, ample
from tests.joins import ROOM
from tests.shell.parties import Issuer


class Witness:
    """A verifier that says whose device it is, `bound` by a signature or not."""

    format = "witness"

    def __init__(self, *, owner: str, bound: bool) -> None:
        self.owner = owner
        self.bound = bound

    def appraise(self, evidence: Evidence, *, transcript: bytes, now: datetime) -> Appraisal:  # noqa: ARG002 - the port's
        result = AttestationResult(
            device_id="witness:1",
            format=self.format,
            tier=Tier.AFFIRMING,
            bound=self.bound,
            managed=True,
            owner=self.owner,
            appraised_by="witness",
            expires_at=now + timedelta(days=1),
        )
        return Appraisal(result=result)


async def identity_of_an_old_token(
    *, bound: bool, nonce_required: bool = False, is_minted_for_us: bool = False
) -> Finding[Identity]:
    """Present a token of six minutes ago with evidence of its owner's device."""
    clock, store = HandClock(), MemoryStore()
    fetch = HttpFetch(hosts=frozenset({"127.0.0.1"}))
    challenges = Challenges(
        store=store, clock=clock, random_bytes=secrets.token_bytes, tenant="default", origin="https://v.example.com"
    )
    async with Issuer("acme").running() as issuer:
        settings = IdpSettings(
            issuer=issuer.url, audience=frozenset({"vestibule"}), algorithms=frozenset({"ES256"}), org="acme"
        )
        settings = replace(settings, nonce_required=nonce_required)
        identities = IdentityProofs(
            providers={issuer.url: adapter(settings)},
            keys=ProviderKeys([settings], fetch=fetch, clock=clock),
            challenges=challenges,
            store=store,
            clock=clock,
        )
        verification = Verification(
            identities=identities,
            verifiers={"witness": Witness(owner=f"{issuer.url}#alice", bound=bound)},
            revocation=RevocationLookup({}),
            challenges=challenges,
            clock=clock,
        )
        issued_at = clock()
        clock.move(minutes=6)
        challenge = await challenges.issue("board", purpose=Purpose.JOIN)
        token = issuer.token("alice", now=issued_at, nonce=challenge.id if is_minted_for_us else None)
        evidence = Evidence(format="witness", payload={}, challenge_id=challenge.id)
        presented = Credentials(unverified_token=token, evidence=(evidence,))
        join = replace(ROOM, credentials=presented, received_at=clock())
        with Tracing(NoOpTracer(), monotonic=time.perf_counter).join(parent=None, since=0) as steps:
            proofs = await verification.prove(join, steps=steps, budget=ample())
    await fetch.close()
    assert isinstance(proofs.device, Proven)
    return proofs.identity


async def test_a_token_with_evidence_that_signs_nothing_has_to_be_young() -> None:
    identity = await identity_of_an_old_token(bound=False)

    assert isinstance(identity, Unproven)
    assert identity.reason is Reason.TOKEN_STALE


async def test_a_token_that_its_owners_device_has_signed_for_has_not() -> None:
    assert isinstance(await identity_of_an_old_token(bound=True), Proven)


@pytest.mark.parametrize("bound", [True, False])
async def test_where_a_nonce_is_required_a_token_without_ours_is_worth_nothing_with_any_device(bound: bool) -> None:
    identity = await identity_of_an_old_token(bound=bound, nonce_required=True)

    assert isinstance(identity, Unproven)
    assert identity.reason is Reason.TOKEN_NONCE


@pytest.mark.parametrize("bound", [True, False])
async def test_a_token_that_carries_the_challenge_its_device_has_answered_is_minted_for_us(bound: bool) -> None:
    proven = await identity_of_an_old_token(bound=bound, nonce_required=True, is_minted_for_us=True)

    assert isinstance(proven, Proven)
