"""The ladder: where the time of one decision goes, step by step, without HTTP.

The inputs are those of the contest: somebody new each time, with a token and a device. Times are those of all threads,
so that work which was only put off counts as well.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import islice
from statistics import median

import msgspec

from plugin.core.decision import Decision
from plugin.core.facts import Facts
from plugin.core.finding import Proven
from plugin.core.join import JoinRequest
from plugin.core.record import DecisionRecord
from plugin.core.transcript import Purpose, Transcript
from plugin.flow import tracing
from plugin.flow.ledger import Ledger
from plugin.flow.tracer import Tracing
from plugin.flow.verification import Proofs
from plugin.jose.claims import SignedClaims
from plugin.jose.keys import KeySet
from plugin.jose.strict_json import read_object
from plugin.jose.verify import verify
from plugin.platforms import generic
from plugin.policy.hearing import hear
from plugin.policy.judge import judge
from plugin.policy.principal import Principal, find_principal
from plugin.ports import Appraisal
from plugin.shell.wiring import utc_now
from tests.bench import questions
from tests.bench.household import ACME, Household
from tests.bench.load import HEAD_END
from tests.bench.questions import HOME

REPETITIONS = 7
NONCE = bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """A step, and the microseconds of processor time that it takes."""

    name: str
    microseconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """One question in the forms that it takes on its way. `transcript` is what its device has signed."""

    raw: bytes
    join: JoinRequest
    transcript: bytes
    facts: Facts
    decision: Decision


class Ladder:
    """Measures the steps of a household's decisions, on so many people at a time."""

    def __init__(self, household: Household, *, people: int, keys: KeySet) -> None:
        checked = household.checked
        self._household = household
        self._people = people
        self._keys = keys
        self._bundle = checked.bundle
        self._rights = checked.config.callers[0].rights
        self._verifier = checked.verifiers["x509"]
        self._provider = checked.providers[ACME]
        self._tracing = Tracing(household.traces.tracer, monotonic=time.perf_counter)
        self._ledger = Ledger(
            store=household.store,
            clock=utc_now,
            pseudonym_key=bytes(32),
            random_bytes=bytes,
            keep=timedelta(days=1),
        )

    async def climb(self) -> list[Rung]:
        """Measure every step."""
        crowds = [[self._joining() for _ in range(self._people)] for _ in range(REPETITIONS)]
        steps: dict[str, Callable[[Joining], object]] = {
            "read: the body, strictly": self._read,
            "prove: the token": lambda one: self._claims(one.join),
            "prove: the device": self._appraise,
            "judge: somebody new": lambda one: judge(self._bundle, one.facts),
            "judge: the same join again": lambda one: judge(self._bundle, one.facts),
            "  entities alone, given to Cedar": self._give_to_cedar,
            "spans: six, made and encoded": self._trace,
            "record: drawn up and logged": lambda one: self._ledger.tell(self._record(one)),
            "write: the answer": self._write,
        }
        rungs = [Rung(name=name, microseconds=self._time(step, crowds)) for name, step in steps.items()]
        for at_once in (1, 16):
            taken = [await self._store(crowd, at_once=at_once) for crowd in crowds]
            rungs.append(Rung(name=f"store: a record, {at_once} at once", microseconds=median(taken)))
        return rungs

    def _time(self, step: Callable[[Joining], object], crowds: Sequence[Sequence[Joining]]) -> float:
        taken = []
        for crowd in crowds:
            began = time.process_time()
            for one in crowd:
                step(one)
            self._household.processor.force_flush()
            taken.append((time.process_time() - began) / len(crowd) * 1e6)
        return median(taken)

    async def _store(self, crowd: Sequence[Joining], *, at_once: int) -> float:
        records = enumerate([msgspec.to_builtins(self._record(one)) for one in crowd])
        put = partial(self._household.store.put, "ladder", expires_at=utc_now() + timedelta(days=1))
        began = time.process_time()
        while together := list(islice(records, at_once)):
            await asyncio.gather(*(put(str(number), record) for number, record in together))
        return (time.process_time() - began) / len(crowd) * 1e6

    def _joining(self) -> Joining:
        (who,) = self._household.crowd.newcomers(1)
        challenge = self._household.challenge(NONCE)
        raw = questions.join(who, challenge=challenge, honest="").raw.partition(HEAD_END)[2]
        join = self._read_body(raw)
        transcript = Transcript(
            purpose=Purpose.JOIN,
            tenant=str(challenge["tenant"]),
            origin=str(challenge["origin"]),
            conference=join.alias,
            nonce=NONCE,
            unverified_token=who.token,
        ).digest()
        (evidence,) = join.credentials.evidence
        appraisal = self._verifier.appraise(evidence, transcript=transcript, now=utc_now())
        conference = self._household.checked.directory.find(join.alias)
        assert conference is not None
        assert join.network.address == HOME
        facts = Facts(
            conference=conference,
            zone=None,
            protocol=join.caller.protocol,
            identity=Proven(value=self._provider.identity(self._claims(join))),
            device=Proven(value=appraisal.result),
            trunk=None,
            network=join.network,
            assurances=(),
            now=join.received_at,
        )
        # By a bundle of its own, so that the one that is measured has not heard of anybody.
        decision = judge(self._household.another_bundle, facts)
        return Joining(raw=raw, join=join, transcript=transcript, facts=facts, decision=decision)

    def _read(self, one: Joining) -> JoinRequest:
        return self._read_body(one.raw)

    def _read_body(self, raw: bytes) -> JoinRequest:
        return generic.read_join(read_object(raw), caller=self._rights, now=utc_now())

    def _claims(self, join: JoinRequest) -> SignedClaims:
        expected = self._provider.settings
        return verify(
            str(join.credentials.unverified_token),
            keys=self._keys,
            issuer=expected.issuer,
            audience=expected.audience,
            algorithms=expected.algorithms,
            token_types=self._provider.token_types,
            now=utc_now(),
        )

    def _appraise(self, one: Joining) -> Appraisal:
        (evidence,) = one.join.credentials.evidence
        return self._verifier.appraise(evidence, transcript=one.transcript, now=utc_now())

    def _give_to_cedar(self, one: Joining) -> None:
        principal = find_principal(one.facts, setting=self._bundle.setting)
        assert isinstance(principal, Principal)
        hear(self._bundle, facts=one.facts, principal=principal).entities()

    def _trace(self, one: Joining) -> None:
        with self._tracing.join(parent=None, since=time.time_ns(), join_key="") as steps:
            with steps.step(tracing.DEVICE) as step:
                step.finding(one.facts.device)
            with steps.step(tracing.IDENTITY) as step:
                step.finding(one.facts.identity)
            for name in (tracing.JUDGE, tracing.WRITE):
                with steps.step(name) as step:
                    step.outcome(tracing.outcome(one.decision))
            steps.describe(self._record(one))

    def _record(self, one: Joining) -> DecisionRecord:
        return self._ledger.draw_up(
            one.join,
            one.decision,
            decision_id=f"dec_{id(one)}",
            conference=one.facts.conference,
            proofs=Proofs(identity=one.facts.identity, device=one.facts.device),
            bundle=self._bundle.revision,
            trace_id="0" * 32,
        )

    def _write(self, one: Joining) -> bytes:
        body = generic.write(one.decision, decision_id="dec_7f3k", trace_id="0" * 32)
        return msgspec.json.encode(body)
