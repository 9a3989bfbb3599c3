"""The path of one registration: judge -> write down -> answer. It admits nobody to anything but the platform itself.

Each decision is written down before it is said, and what cannot be written down is not allowed. Neither the record nor
a span holds an alias, an address or a password: the record says which table of the configuration decided.
"""

import asyncio
from dataclasses import replace

from plugin.core.decision import Because, because
from plugin.core.errors import Unavailable
from plugin.core.reasons import Reason
from plugin.core.record import DecisionRecord
from plugin.core.registration import (
    NotRegistered,
    Registered,
    Registration,
    RegistrationEntry,
    RegistrationRequest,
    judge_registration,
)
from plugin.flow import tracing
from plugin.flow.budget import ANSWER_SECONDS, Budget
from plugin.flow.ledger import Ledger, mark
from plugin.flow.tracer import Tracing
from plugin.flow.tracing import Steps
from plugin.ports import Clock

PHASE = "registration"


class Registrar:
    """Answers questions about devices that register."""

    def __init__(
        self, *, entries: tuple[RegistrationEntry, ...], ledger: Ledger, tracing: Tracing, clock: Clock
    ) -> None:
        self._entries = entries
        self._ledger = ledger
        self._tracing = tracing
        self._clock = clock

    async def answer(
        self, request: RegistrationRequest, *, platform: str, budget: Budget, credential: str = ""
    ) -> Registration:
        """Answer one question within its budget."""
        notes = {tracing.CREDENTIAL: credential}
        with self._tracing.question(tracing.REGISTRATION, since=budget.since, notes=notes) as steps:
            with steps.step(tracing.JUDGE) as step:
                registration = judge_registration(request, entries=self._entries)
                step.outcome(_outcome(registration))
            with steps.step(tracing.WRITE) as step:
                record = self._draw_up(registration, platform=platform, steps=steps)
                try:
                    await self._ledger.enter(record, budget=budget)
                except asyncio.CancelledError:
                    # Nobody waits for this answer any more, so nothing was registered.
                    self._ledger.correct(_refused(record, because(Reason.ABANDONED)))
                    raise
                except Unavailable as unavailable:
                    if isinstance(registration, Registered):
                        reason = because(unavailable.reason, detail=unavailable.detail)
                        registration, record = NotRegistered(reason=reason), _refused(record, reason)
                    self._ledger.correct(record)
                step.outcome(record.outcome)
            steps.describe(record)
            self._ledger.tell(replace(record, steps=steps.taken))
            return registration

    def _draw_up(self, registration: Registration, *, platform: str, steps: Steps) -> DecisionRecord:
        return DecisionRecord(
            decision_id=self._ledger.new_id(),
            decided_at=self._clock(),
            platform=platform,
            phase=PHASE,
            conference="",
            outcome=_outcome(registration),
            zone=None,
            capabilities=(),
            reasons=(mark(registration.reason),),
            remedy=None,
            person="",
            device="",
            bundle="",
            trace_id=steps.trace_id,
            steps=steps.taken,
            deadline=ANSWER_SECONDS,
        )


def _refused(record: DecisionRecord, reason: Because) -> DecisionRecord:
    return replace(record, outcome=tracing.DENY, reasons=(mark(reason),))


def _outcome(registration: Registration) -> str:
    return tracing.ALLOW if isinstance(registration, Registered) else tracing.DENY
