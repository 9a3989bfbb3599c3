"""The ledger of decisions: one record each, stored before the answer leaves. Nothing in it names people."""

import asyncio
import logging
from base64 import b32encode
from collections.abc import Callable
from datetime import timedelta
from hashlib import blake2b

import msgspec

from plugin.core.decision import Allow, Because, Decision, Deny, StepUp, host_notice
from plugin.core.errors import Unavailable
from plugin.core.facts import Conference, Line, Trunk
from plugin.core.finding import Proven
from plugin.core.join import JoinRequest
from plugin.core.reasons import Reason
from plugin.core.record import DecisionRecord, Mark
from plugin.flow import tracing
from plugin.flow.budget import Budget, Share
from plugin.flow.verification import Proofs
from plugin.ports import Clock, Store

log = logging.getLogger(__name__)

KIND = "decision"
DECISION_BYTES = 10
# Records that wait for a store which does not answer; of more, only the log line is left.
MOST_LATE = 1_000

USER = "user"
GUEST = "guest"
# Behind a gateway there may be any number of people, and nobody here will ever know who.
UNKNOWN = "unknown"


class Ledger:
    """Writes down decisions, and tells whoever listens once they are safe."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        pseudonym_key: bytes,
        random_bytes: Callable[[int], bytes],
        keep: timedelta,
        listeners: tuple[Callable[[DecisionRecord], None], ...] = (),
    ) -> None:
        self._store = store
        self._clock = clock
        self._pseudonym_key = pseudonym_key
        self._random_bytes = random_bytes
        self._keep = keep
        self._listeners = listeners
        self._late: set[asyncio.Task[None]] = set()

    def new_id(self) -> str:
        """Return a decision id: short enough to be read out on the telephone, long enough never to repeat."""
        return f"dec_{b32encode(self._random_bytes(DECISION_BYTES)).decode().lower()}"

    def draw_up(
        self,
        join: JoinRequest,
        decision: Decision,
        *,
        decision_id: str,
        conference: Conference | None,
        proofs: Proofs,
        trunk: Trunk | None = None,
        bundle: str,
        trace_id: str,
    ) -> DecisionRecord:
        """Draw the record up; the steps are added when they have been taken."""
        capabilities = () if isinstance(decision, Deny) else decision.capabilities
        return DecisionRecord(
            decision_id=decision_id,
            decided_at=self._clock(),
            platform=join.platform,
            phase=join.phase.value,
            conference=conference.name if conference else "",
            outcome=tracing.outcome(decision),
            zone=None if isinstance(decision, Deny) else decision.zone,
            capabilities=tuple(sorted(capability.value for capability in capabilities)),
            reasons=tuple(_mark(reason) for reason in decision.reasons),
            remedy=_step_up(decision),
            person=self.pseudonym(proofs.identity.value.key) if isinstance(proofs.identity, Proven) else "",
            device=self.pseudonym(proofs.device.value.device_id) if isinstance(proofs.device, Proven) else "",
            bundle=bundle,
            trace_id=trace_id,
            steps=(),
            principal=_principal(decision, proofs=proofs, trunk=trunk),
            trunk=trunk.name if trunk else "",
            far_end=UNKNOWN if trunk and trunk.line is Line.GATEWAY else "",
            host_notice=host_notice(decision),
        )

    def pseudonym(self, text: str) -> str:
        """Return the keyed name that stands for a person, a device or a join in records and spans.

        Destroying the key leaves every record and trace behind without anybody whom it could be linked to.
        """
        return blake2b(text.encode(), key=self._pseudonym_key, digest_size=12).hexdigest()

    async def enter(self, record: DecisionRecord, *, budget: Budget) -> None:
        """Put the record into the store. Raises Unavailable: what cannot be written down must not be allowed."""
        try:
            async with asyncio.timeout(budget.left(Share.RECORD)):
                await self._put(record)
        except TimeoutError:
            raise Unavailable("store", Reason.DEADLINE, f"not written within {Share.RECORD.value} s") from None

    def correct(self, record: DecisionRecord) -> None:
        """Write down, when the store comes to it, what was said in place of a record that could not be entered.

        The store may still be about to write that one. It keeps the order in which it is asked, so this one stays.
        """
        if len(self._late) >= MOST_LATE:
            log.error("a decision is in the log alone", extra={"decision_id": record.decision_id})
            return
        task = asyncio.create_task(self._put_late(record))
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def _put_late(self, record: DecisionRecord) -> None:
        try:
            await self._put(record)
        except Unavailable as unavailable:
            fields = {"decision_id": record.decision_id, "detail": unavailable.detail}
            log.warning("a decision is in the log alone", extra=fields)

    async def _put(self, record: DecisionRecord) -> None:
        plain: dict[str, object] = msgspec.to_builtins(record)
        await self._store.put(KIND, record.decision_id, plain, expires_at=record.decided_at + self._keep)

    def tell(self, record: DecisionRecord) -> None:
        """Tell the log, in one line, and the listeners."""
        fields = {
            "decision_id": record.decision_id,
            "outcome": record.outcome,
            "platform": record.platform,
            "phase": record.phase,
            "zone": record.zone,
            "principal": record.principal,
            "trunk": record.trunk,
            "host_notice": record.host_notice,
            "reasons": [mark.code for mark in record.reasons],
            "policies": [policy for mark in record.reasons for policy in mark.policies],
            "trace_id": record.trace_id,
        }
        log.info("decision", extra=fields)
        for listener in self._listeners:
            listener(record)


def _principal(decision: Decision, *, proofs: Proofs, trunk: Trunk | None) -> str:
    """Say who was judged, as records and traces say it; empty where nobody could be."""
    if trunk is not None:
        return trunk.line.value
    if isinstance(proofs.identity, Proven):
        return USER
    return "" if isinstance(decision, Deny) else GUEST


def _step_up(decision: Decision) -> StepUp | None:
    remedy = None if isinstance(decision, Allow) else decision.remedy
    return remedy if isinstance(remedy, StepUp) else None


def _mark(reason: Because) -> Mark:
    return Mark(
        code=reason.reason.code,
        message=reason.message,
        policies=tuple(f"{policy.id} {policy.file}:{policy.line}" for policy in reason.policies),
        detail=reason.detail,
    )
