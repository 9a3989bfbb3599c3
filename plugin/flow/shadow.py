"""The shadow bundle: policies that are tried out on real questions, recorded, and never enforced.

It is asked after the decision has been made, about the same facts, in a thread of its own and within what is left of
the time; so whatever it says, and however long it takes, the answer is what it would have been without it. Nothing
here may touch the decision: what comes out of it goes into the record and nowhere else.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from plugin.core.decision import Decision, Deny
from plugin.core.reasons import Reason
from plugin.core.record import DecisionRecord, Shadowed
from plugin.flow import tracing
from plugin.flow.budget import Budget, Share
from plugin.flow.ledger import mark
from plugin.flow.tracing import Steps
from plugin.policy.bundle import Bundle

log = logging.getLogger(__name__)

MOST_SECONDS = 0.25

ERROR = "error"
SKIPPED = "skipped"

Decide = Callable[[Bundle], Decision]


class Shadow:
    """Judges by the shadow bundle. `worker` has one thread: its questions wait for each other and for nobody else."""

    def __init__(self, bundle: Bundle, *, worker: Executor) -> None:
        self._bundle = bundle
        self._worker = worker

    async def judge(self, decide: Decide, *, steps: Steps, budget: Budget) -> Shadowed:
        """Say what would be decided by the shadow bundle, or that it failed, or that there was no time."""
        with steps.step(tracing.SHADOW) as step:
            shadowed = await self._judge(decide, seconds=min(MOST_SECONDS, budget.left(Share.SHADOW)))
            step.outcome(shadowed.outcome)
        return shadowed

    async def _judge(self, decide: Decide, *, seconds: float) -> Shadowed:
        if not seconds:
            return self._without_decision(SKIPPED)
        try:
            judging = asyncio.get_running_loop().run_in_executor(self._worker, decide, self._bundle)
        except RuntimeError:  # no thread can be had
            return self._without_decision(ERROR)
        try:
            # How it ends is looked at and never raised: a fault of the shadow is nobody's but its own.
            await asyncio.wait([judging], timeout=seconds)
        finally:
            judging.cancel()
        if judging.cancelled():
            return self._without_decision(SKIPPED)
        if judging.exception() is not None:
            return self._without_decision(ERROR)
        return self._describe(judging.result())

    def _describe(self, decision: Decision) -> Shadowed:
        failed = any(because.reason is Reason.POLICY_ERROR for because in decision.reasons)
        capabilities = () if isinstance(decision, Deny) else decision.capabilities
        return Shadowed(
            outcome=ERROR if failed else tracing.outcome(decision),
            zone=None if isinstance(decision, Deny) else decision.zone,
            capabilities=tuple(sorted(capability.value for capability in capabilities)),
            reasons=tuple(mark(because) for because in decision.reasons),
            bundle=self._bundle.revision,
        )

    def _without_decision(self, outcome: str) -> Shadowed:
        return Shadowed(outcome=outcome, zone=None, capabilities=(), reasons=(), bundle=self._bundle.revision)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """The bundle that decides, and the one that is tried out beside it, if any."""

    bundle: Bundle
    shadow: Shadow | None = None


def agrees(record: DecisionRecord) -> bool | None:
    """Say whether the shadow bundle would have decided the same; None where it was not asked, or did not say."""
    shadow = record.shadow
    if shadow is None or shadow.outcome in (ERROR, SKIPPED):
        return None
    decided = (record.outcome, record.zone, record.capabilities)
    return decided == (shadow.outcome, shadow.zone, shadow.capabilities)


def tell_difference(record: DecisionRecord) -> None:
    """Log a decision that the shadow bundle would not have made, and one about which it failed."""
    shadow = record.shadow
    if shadow is None or (agrees(record) is not False and shadow.outcome != ERROR):
        return
    fields = {
        "decision_id": record.decision_id,
        "outcome": record.outcome,
        "zone": record.zone,
        "shadow_outcome": shadow.outcome,
        "shadow_zone": shadow.zone,
        "shadow_reasons": [one.code for one in shadow.reasons],
        "shadow_policies": [policy for one in shadow.reasons for policy in one.policies],
        "shadow_bundle": shadow.bundle,
    }
    log.info("the shadow bundle decides otherwise", extra=fields)
