"""The flood: what a bad token costs beside a good one, what it does to good ones, and how often the provider is asked.

The provider is a real one on this machine, asked over HTTP. Tokens are made before the clock starts; times are those of
the process, so that work which was only put off counts as well.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from statistics import median

from opentelemetry.trace import NoOpTracer

from idp_adapters.oidc import adapter
from plugin.core.finding import Gap, Proven, Unproven
from plugin.core.join import Credentials
from plugin.flow.challenges import Challenges
from plugin.flow.circuit import COOL_DOWN
from plugin.flow.identity_proofs import IdentityProofs
from plugin.flow.provider_keys import ProviderKeys
from plugin.flow.tracer import Tracing
from plugin.flow.verification import Verification
from plugin.ports import Clock, IdpSettings
from plugin.revocation.lookup import RevocationLookup
from plugin.shell.fetch import HttpFetch
from tests.fakes import MemoryStore, ample
from tests.joins import ROOM
from tests.jose.garbage import GARBAGE
from tests.shell.parties import Issuer

# Each renewal asks for the provider's two documents.
DOCUMENTS = 2
BATCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """So many bad tokens of one kind, and a good one before and after each `BATCH` of them.

    `bad`, `before` and `after` are microseconds of processor time for one token. `wrong` counts bad ones that were not
    refused, `asked` the provider's documents, and `may_ask` how many of these the cool-down allows.
    """

    kind: str
    size: int
    bad: float
    before: float
    after: float
    wrong: int
    asked: int
    may_ask: int


class Flood:
    """A verifier under way, and its provider."""

    def __init__(self, issuer: Issuer, *, verification: Verification, clock: Clock) -> None:
        self._issuer = issuer
        self._verification = verification
        self._clock = clock
        self._tracing = Tracing(NoOpTracer(), monotonic=time.perf_counter)
        self._people = 0

    async def wave(self, kind: str, *, size: int) -> Wave:
        """Present bad tokens of one kind, and good ones among them, once the provider's keys are there."""
        await self._present(self._good())
        make, asked, began = GARBAGE[kind], self._issuer.times_asked, self._clock()
        bad, wrong, before, after = 0.0, 0, list[float](), list[float]()
        for _ in range(size // BATCH):
            tokens = [make(self._issuer, self._clock()) for _ in range(BATCH)]
            before.append(await self._timed_good())
            started = time.process_time()
            verdicts = [await self._present(token) for token in tokens]
            bad += time.process_time() - started
            after.append(await self._timed_good())
            wrong += sum(verdict is not Gap.REFUSED for verdict in verdicts)
        passed = self._clock() - began + timedelta(microseconds=1)
        return Wave(
            kind=kind,
            size=size,
            bad=bad / size * 1e6,
            before=median(before),
            after=median(after),
            wrong=wrong,
            asked=self._issuer.times_asked - asked,
            may_ask=DOCUMENTS * -(-passed // COOL_DOWN),
        )

    async def _timed_good(self) -> float:
        token = self._good()
        before = time.process_time()
        verdict = await self._present(token)
        taken = time.process_time() - before
        assert verdict is None, verdict
        return taken * 1e6

    def _good(self) -> str:
        self._people += 1
        return self._issuer.token(f"person-{self._people}", now=self._clock())

    async def _present(self, token: str) -> Gap | None:
        """Return the gap that a token leaves, None where it is proven."""
        join = replace(ROOM, credentials=Credentials(unverified_token=token), received_at=self._clock())
        with self._tracing.join(parent=None, since=0) as steps:
            proofs = await self._verification.prove(join, steps=steps, budget=ample())
        match proofs.identity:
            case Proven():
                return None
            case Unproven(gap=gap):
                return gap


@asynccontextmanager
async def ready(*, clock: Clock) -> AsyncIterator[Flood]:
    """Make a verifier whose provider is asked over HTTP."""
    store, fetch = MemoryStore(), HttpFetch(hosts=frozenset({"127.0.0.1"}))
    async with Issuer("acme").running() as issuer:
        settings = IdpSettings(
            issuer=issuer.url, audience=frozenset({"vestibule"}), algorithms=frozenset({"ES256"}), org="acme"
        )
        keys = ProviderKeys([settings], fetch=fetch, clock=clock)
        challenges = Challenges(store=store, clock=clock, random_bytes=bytes, tenant="t", origin="https://v.example")
        verification = Verification(
            identities=IdentityProofs(
                providers={issuer.url: adapter(settings)}, keys=keys, challenges=challenges, store=store, clock=clock
            ),
            verifiers={},
            revocation=RevocationLookup({}),
            challenges=challenges,
            clock=clock,
        )
        yield Flood(issuer, verification=verification, clock=clock)
        await keys.close()
        await fetch.close()
