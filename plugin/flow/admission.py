"""The path of one join: READ THIS FIRST.

    read -> prove -> judge -> write

A platform's question has been read into a `JoinRequest` (`platforms/`). Here its proofs become findings
(`verification`, `ticketing`), the findings become facts, the judge (`policy/`) turns the facts into a decision, the
decision is written down (`ledger`) and then said in the platform's words (`platforms/` again). Every step is a span.

Nothing here may open a door that the judge has kept shut. What fails on the way is a gap, and a gap is a Deny.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from plugin.core.decision import Allow, Decision, Deny, PlatformSignIn, Redirect, because
from plugin.core.device import AttestationResult
from plugin.core.directory import Directory
from plugin.core.errors import Unavailable
from plugin.core.facts import Conference, Facts, Trunk
from plugin.core.finding import ABSENT, Finding, Gap, Proven, Unproven
from plugin.core.identity import Identity
from plugin.core.join import Credentials, JoinRequest
from plugin.core.reasons import Reason
from plugin.core.record import DecisionRecord, Shadowed
from plugin.core.trunks import find_trunk
from plugin.flow import tracing
from plugin.flow.admissions import mark_of
from plugin.flow.assertions import Recognition, agree, read_assertion
from plugin.flow.budget import Budget, Share
from plugin.flow.find import find
from plugin.flow.ledger import Ledger
from plugin.flow.offers import offer
from plugin.flow.shadow import Policies
from plugin.flow.ticketing import Ticketing
from plugin.flow.tracer import Tracing
from plugin.flow.tracing import Steps
from plugin.flow.verification import Proofs, Verification
from plugin.policy.bundle import Bundle
from plugin.policy.judge import judge
from plugin.ports import Clock, Json, PlatformAdapter

LATE = Deny(reasons=(because(Reason.DEADLINE),))
Draft = Callable[..., DecisionRecord]

NOBODY = Proofs(identity=ABSENT, device=ABSENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back to the platform, and what was written down of it."""

    body: Json
    decision: Decision
    record: DecisionRecord


class Admission:
    """Answers the questions of platforms."""

    def __init__(
        self,
        *,
        policies: Policies,
        directory: Directory,
        recognition: Recognition,
        verification: Verification,
        ticketing: Ticketing,
        ledger: Ledger,
        tracing: Tracing,
        clock: Clock,
    ) -> None:
        self._bundle = policies.bundle
        self._shadow = policies.shadow
        self._directory = directory
        self._recognition = recognition
        self._verification = verification
        self._ticketing = ticketing
        self._ledger = ledger
        self._tracing = tracing
        self._clock = clock

    async def answer(
        self,
        join: JoinRequest,
        *,
        platform: PlatformAdapter,
        budget: Budget,
        caller_trace: str | None = None,
        credential: str = "",
    ) -> Answer:
        """Answer one question within its budget.

        `caller_trace` is the `traceparent` of a caller whose traces are taken up. `credential` says in the trace which
        of its own the platform came with, while one replaces another.

        1 take up the trace   2 prove   3 judge   4 write
        """
        # 1 take up the trace: a ticket's questions continue the trace that it was issued in
        ticket = await find(self._ticketing.find_key(join), budget=budget, share=Share.IDENTITY)
        key = ticket.value if isinstance(ticket, Proven) else None
        parent = await self._traceparent(key, budget=budget)
        # Without an address the key would be that of everybody who asks for this conference.
        join_key = self._ledger.pseudonym(join.join_key) if join.network.address else ""
        notes = {tracing.CREDENTIAL: credential, tracing.TRANSFERRED: "true" if join.leg.transferred else ""}
        with self._tracing.join(
            parent=parent, caller=caller_trace, since=budget.since, join_key=join_key, notes=notes
        ) as steps:
            # 2 prove
            conference, trunk = self._directory.find(join.alias), find_trunk(join, entries=self._recognition.trunks)
            proofs = _of_trunk(join, ticket=ticket) if trunk else NOBODY
            if conference is not None and trunk is None:
                proofs = await self._prove(join, conference=conference, ticket=ticket, steps=steps, budget=budget)

            # 3 judge
            with steps.step(tracing.JUDGE) as step:
                facts = self._facts(join, conference=conference, proofs=proofs, trunk=trunk)
                ask = partial(_judge, join=join, facts=facts, platform=platform)
                # Judging cannot be interrupted: it is not begun without time to write.
                decision = ask(self._bundle) if budget.left(Share.RECORD) else LATE
                step.outcome(tracing.outcome(decision))
            shadow = await self._shadow.judge(ask, steps=steps, budget=budget) if self._shadow and facts else None

            # 4 write
            basis = _Basis(facts=facts, proofs=proofs, trunk=trunk, shadow=shadow)
            draft = partial(self._draw_up, join, basis=basis, platform=platform, steps=steps)
            return await self._write(join, decision, draft=draft, platform=platform, steps=steps, budget=budget)

    async def _prove(
        self, join: JoinRequest, *, conference: Conference, ticket: Finding[str | None], steps: Steps, budget: Budget
    ) -> Proofs:
        if isinstance(ticket, Unproven):
            return Proofs(identity=ticket, device=ABSENT)
        asserted = await self._asserted(join, budget=budget)
        if ticket.value is not None:
            with steps.step(tracing.IDENTITY) as step:
                proofs = await self._redeem(ticket.value, join=join, conference=conference, budget=budget)
                proofs = replace(proofs, identity=agree(proofs.identity, asserted=asserted))
                step.finding(proofs.identity)
            with steps.step(tracing.DEVICE) as step:
                step.finding(proofs.device)
            return proofs
        if join.credentials.platform_asserted is not None:
            with steps.step(tracing.IDENTITY) as step:
                step.finding(asserted)
            return Proofs(identity=asserted, device=ABSENT)
        return await self._verification.prove(join, steps=steps, budget=budget)

    async def _asserted(self, join: JoinRequest, *, budget: Budget) -> Finding[Identity]:
        asserted = join.credentials.platform_asserted
        if asserted is None:
            return ABSENT
        reading = read_assertion(asserted, idps=self._recognition.idps, now=self._clock())
        return await find(reading, budget=budget, share=Share.IDENTITY)

    async def _traceparent(self, key: str | None, *, budget: Budget) -> str | None:
        found = await find(self._ticketing.traceparent(key), budget=budget, share=Share.IDENTITY)
        return found.value if isinstance(found, Proven) else None

    async def _redeem(self, key: str, *, join: JoinRequest, conference: Conference, budget: Budget) -> Proofs:
        redemption = self._ticketing.redeem(key, join=join, conference=conference.name)
        redeemed = await find(redemption, budget=budget, share=Share.IDENTITY)
        if isinstance(redeemed, Unproven):
            return Proofs(identity=redeemed, device=ABSENT)
        ticket = redeemed.value
        identity = await find(
            self._verification.identities.confirm(ticket.identity), budget=budget, share=Share.IDENTITY
        )
        device: Finding[AttestationResult] = ABSENT
        if ticket.device is not None:
            confirmation = self._verification.confirm_device(ticket.device)
            device = await find(confirmation, budget=budget, share=Share.DEVICE)
        return Proofs(identity=identity, device=device)

    def _facts(
        self, join: JoinRequest, *, conference: Conference | None, proofs: Proofs, trunk: Trunk | None
    ) -> Facts | None:
        if conference is None:
            return None
        issuer = proofs.identity.value.issuer if isinstance(proofs.identity, Proven) else ""
        return Facts(
            conference=conference,
            zone=join.zone,
            protocol=join.caller.protocol,
            identity=proofs.identity,
            device=proofs.device,
            trunk=trunk,
            network=join.network,
            assurances=self._verification.identities.assurances(issuer),
            now=join.received_at,
        )

    async def _write(
        self,
        join: JoinRequest,
        decision: Decision,
        *,
        draft: Draft,
        platform: PlatformAdapter,
        steps: Steps,
        budget: Budget,
    ) -> Answer:
        decision_id = self._ledger.new_id()
        with steps.step(tracing.WRITE) as step:
            record = draft(decision, decision_id=decision_id)
            try:
                await self._ledger.enter(record, budget=budget, mark=mark_of(join, decision))
            except asyncio.CancelledError:
                # Nobody waits for this answer any more, so nobody was admitted, whatever the store has begun to write.
                gone = Deny(reasons=(because(Reason.ABANDONED),))
                self._ledger.correct(draft(gone, decision_id=decision_id))
                raise
            except Unavailable as unavailable:
                # What cannot be written down admits nobody and sends nobody on to a sign-in. Any other Deny stays what
                # it is.
                if isinstance(decision, Allow | Redirect) or isinstance(decision.remedy, PlatformSignIn):
                    decision = Deny(reasons=(because(unavailable.reason, detail=unavailable.detail),))
                    record = draft(decision, decision_id=decision_id)
                self._ledger.correct(record)
            body = platform.write(join, decision, decision_id=decision_id, trace_id=steps.trace_id)
            step.outcome(tracing.outcome(decision))
        steps.describe(record)
        self._ledger.tell(replace(record, steps=steps.taken))
        return Answer(body=body, decision=decision, record=record)

    def _draw_up(
        self,
        join: JoinRequest,
        decision: Decision,
        *,
        decision_id: str,
        basis: "_Basis",
        platform: PlatformAdapter,
        steps: Steps,
    ) -> DecisionRecord:
        facts = basis.facts
        record = self._ledger.draw_up(
            join,
            decision,
            decision_id=decision_id,
            conference=facts.conference if facts else None,
            proofs=basis.proofs,
            trunk=basis.trunk,
            bundle=self._bundle.revision,
            trace_id=steps.trace_id,
        )
        seen = self._ledger.put_away(facts, bundle=self._bundle) if facts else None
        return replace(record, steps=steps.taken, facts=seen, told=platform.told(join, decision), shadow=basis.shadow)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Basis:
    """What a decision rests on, and what the shadow bundle says of it. `facts` None = there is no such conference."""

    facts: Facts | None
    proofs: Proofs
    trunk: Trunk | None
    shadow: Shadowed | None


def _judge(bundle: Bundle, *, join: JoinRequest, facts: Facts | None, platform: PlatformAdapter) -> Decision:
    """Judge by a bundle, as far as the platform can keep to it."""
    if facts is None:
        return platform.honour(join, Deny(reasons=(because(Reason.CONFERENCE_UNKNOWN),)))
    return platform.honour(join, offer(judge(bundle, facts), join=join, facts=facts, bundle=bundle))


def _of_trunk(join: JoinRequest, *, ticket: Finding[str | None]) -> Proofs:
    """Refuse a person's proof on a line that belongs to no person: whoever brings it is not alone there."""
    if join.credentials == Credentials() and ticket == Proven(value=None):
        return NOBODY
    return Proofs(identity=Unproven(gap=Gap.REFUSED, reason=Reason.PROOF_ON_TRUNK), device=ABSENT)
