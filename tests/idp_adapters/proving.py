"""The identity side of the service, for one provider: what it makes of a token that this provider issued."""

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from opentelemetry.trace import NoOpTracer

from plugin.core.finding import Finding, Gap, Unproven
from plugin.core.identity import Identity
from plugin.core.join import Credentials, DpopProof
from plugin.core.reasons import Reason
from plugin.flow.challenges import Challenges
from plugin.flow.identity_proofs import IdentityProofs
from plugin.flow.logout import Logout
from plugin.flow.provider_keys import ProviderKeys
from plugin.flow.sign_outs import SignOuts
from plugin.flow.tracer import Tracing
from plugin.flow.verification import Verification
from plugin.ports import IdpAdapter
from plugin.revocation.lookup import RevocationLookup
from plugin.shell.fetch import HttpFetch
from tests.fakes import HandClock, MemoryStore, ample
from tests.joins import ROOM


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """That side, and the clock that it goes by."""

    provider: IdpAdapter
    clock: HandClock
    verification: Verification
    challenges: Challenges
    logout: Logout

    async def find(self, token: str, *, dpop_proof: DpopProof | None = None) -> Finding[Identity]:
        presented = Credentials(unverified_token=token, dpop_proof=dpop_proof)
        join = replace(ROOM, credentials=presented, received_at=self.clock())
        with Tracing(NoOpTracer(), monotonic=time.perf_counter).join(parent=None, since=time.time_ns()) as steps:
            proofs = await self.verification.prove(join, steps=steps, budget=ample())
        return proofs.identity


@asynccontextmanager
async def house_for(provider: IdpAdapter) -> AsyncIterator[House]:
    """Open that side for a provider on this machine."""
    clock, store = HandClock(datetime.now(UTC)), MemoryStore()
    settings = provider.settings
    fetch = HttpFetch(hosts=frozenset({"127.0.0.1", "localhost"}), timeout=0.5)
    keys = ProviderKeys([settings], fetch=fetch, clock=clock)
    challenges = Challenges(
        store=store,
        clock=clock,
        random_bytes=secrets.token_bytes,
        tenant="default",
        origin="https://vestibule.example.com",
    )
    providers = {settings.issuer: provider}
    yield House(
        provider=provider,
        clock=clock,
        challenges=challenges,
        logout=Logout(providers=providers, keys=keys, sign_outs=SignOuts(store=store, clock=clock), clock=clock),
        verification=Verification(
            identities=IdentityProofs(providers=providers, keys=keys, challenges=challenges, store=store, clock=clock),
            verifiers={},
            revocation=RevocationLookup({}),
            challenges=challenges,
            clock=clock,
        ),
    )
    await keys.close()
    await fetch.close()


def refusal(finding: Finding[Identity]) -> tuple[Gap, Reason]:
    """Return why nobody is proven."""
    assert isinstance(finding, Unproven)
    return (finding.gap, finding.reason)
