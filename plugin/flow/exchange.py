"""Proofs for a ticket: what a web client does before it joins, so that no proof ever travels through a platform."""

from dataclasses import dataclass, replace

from plugin.core.decision import Deny, because
from plugin.core.directory import Directory
from plugin.core.facts import Conference
from plugin.core.finding import Gap, Proven, Unproven
from plugin.core.join import JoinRequest
from plugin.core.reasons import Reason
from plugin.core.record import DecisionRecord
from plugin.flow import tracing
from plugin.flow.budget import Budget
from plugin.flow.ledger import Ledger
from plugin.flow.ticketing import IssuedTicket, Ticketing
from plugin.flow.tracer import Tracing
from plugin.flow.tracing import Steps
from plugin.flow.verification import Proofs, Verification

PHASE = "ticket"
UNKNOWN = Unproven(gap=Gap.REFUSED, reason=Reason.CONFERENCE_UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """No ticket, and what was written down of it."""

    decision: Deny
    record: DecisionRecord


class Exchange:
    """Exchanges proofs for tickets. It does not judge: whether the ticket opens a room is decided when it is used."""

    def __init__(
        self,
        *,
        directory: Directory,
        verification: Verification,
        ticketing: Ticketing,
        ledger: Ledger,
        tracing: Tracing,
    ) -> None:
        self._directory = directory
        self._verification = verification
        self._ticketing = ticketing
        self._ledger = ledger
        self._tracing = tracing

    async def issue(self, join: JoinRequest, *, budget: Budget) -> IssuedTicket | Refusal:
        """Issue a ticket where everything that was presented is proven, a person first of all.

        Raises Unavailable where the store cannot keep a ticket or a refusal.
        """
        # No join key: nobody says where a client is, so everybody's would be the same.
        with self._tracing.join(parent=None, since=budget.since) as steps:
            proofs = await self._verification.prove(join, steps=steps, budget=budget)
            person, device, conference = proofs.identity, proofs.device, self._directory.find(join.alias)
            if isinstance(person, Unproven):
                return await self._refuse(
                    join, person, conference=conference, proofs=proofs, steps=steps, budget=budget
                )
            if isinstance(device, Unproven) and device.gap is not Gap.ABSENT:
                return await self._refuse(
                    join, device, conference=conference, proofs=proofs, steps=steps, budget=budget
                )
            if conference is None:
                return await self._refuse(join, UNKNOWN, conference=None, proofs=proofs, steps=steps, budget=budget)
            with steps.step(tracing.WRITE) as step:
                step.outcome(tracing.TICKET)
                return await self._ticketing.issue(
                    conference=conference.name,
                    identity=person.value,
                    device=device.value if isinstance(device, Proven) else None,
                    traceparent=steps.traceparent,
                )

    async def _refuse(
        self,
        join: JoinRequest,
        gap: Unproven,
        *,
        conference: Conference | None,
        proofs: Proofs,
        steps: Steps,
        budget: Budget,
    ) -> Refusal:
        decision = Deny(reasons=(because(gap.reason, detail=gap.detail),))
        with steps.step(tracing.WRITE) as step:
            record = self._ledger.draw_up(
                join,
                decision,
                decision_id=self._ledger.new_id(),
                conference=conference,
                proofs=proofs,
                bundle="",
                trace_id=steps.trace_id,
            )
            record = replace(record, phase=PHASE, steps=steps.taken)
            await self._ledger.enter(record, budget=budget)
            step.outcome(tracing.DENY)
        steps.describe(record)
        self._ledger.tell(replace(record, steps=steps.taken))
        return Refusal(decision=decision, record=record)
