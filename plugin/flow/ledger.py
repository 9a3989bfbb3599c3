"""The ledger of decisions: one record each, stored before the answer leaves. Nothing in it names people."""

import asyncio
import logging
from base64 import b32encode
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from hashlib import blake2b

import msgspec

from plugin.core.decision import Allow, Because, Decision, Deny, StepUp, host_notice
from plugin.core.errors import Unavailable
from plugin.core.facts import Conference, Facts, Line, Trunk
from plugin.core.finding import Proven
from plugin.core.join import JoinRequest
from plugin.core.reasons import Reason
from plugin.core.record import DecisionRecord, Mark
from plugin.core.seen_facts import SeenFacts
from plugin.flow import tracing
from plugin.flow.budget import ANSWER_SECONDS, Budget, Share
from plugin.flow.verification import Proofs
from plugin.policy.bundle import Bundle
from plugin.policy.recollection import put_away
from plugin.ports import Clock, DecisionLog, Json, Store

log = logging.getLogger(__name__)

KIND = "decision"
KIND_ADMITTED = "admitted"
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
        decision_log: DecisionLog | None = None,
        locations: frozenset[str] = frozenset(),
    ) -> None:
        self._store = store
        self._clock = clock
        self._pseudonym_key = pseudonym_key
        self._random_bytes = random_bytes
        self._keep = keep
        self._listeners = listeners
        self._decision_log = decision_log
        self._locations = locations
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
            reasons=tuple(mark(reason) for reason in decision.reasons),
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
            # A place is the caller's word until it is one of the configuration's.
            location=join.leg.location if join.leg.location.casefold() in self._locations else "",
            deadline=ANSWER_SECONDS,
        )

    def put_away(self, facts: Facts, *, bundle: Bundle) -> SeenFacts:
        """Return what the bundle could see of the facts, with nobody in it."""
        return put_away(facts, bundle=bundle, pseudonym=self.pseudonym)

    def pseudonym(self, text: str) -> str:
        """Return the keyed name that stands for a person, a device or a join in records and spans."""
        return pseudonym(text, key=self._pseudonym_key)

    async def enter(self, record: DecisionRecord, *, budget: Budget, mark: str | None = None) -> None:
        """Put the record into the store. Raises Unavailable: what cannot be written down must not be allowed.

        By `mark` it is found again from the call that it is about (`flow.admissions`); the two are stored
        together or not at all.
        """
        try:
            async with asyncio.timeout(budget.left(Share.RECORD)):
                await self._put(record, mark=mark)
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

    async def _put(self, record: DecisionRecord, *, mark: str | None = None) -> None:
        """Store it, then log it: a line is not there to be believed where the store could not be written to.

        A refusal is logged all the same, since that is what is answered.
        """
        entries: dict[tuple[str, str], Json] = {
            (KIND, record.decision_id): msgspec.to_builtins(record, order="deterministic")
        }
        if mark is not None:
            entries[KIND_ADMITTED, mark] = {"decision": record.decision_id}
        try:
            await self._store.put_all(entries, expires_at=record.decided_at + self._keep)
        except Unavailable:
            if record.outcome == tracing.DENY:
                with suppress(Unavailable):
                    await self._log(record)
            raise
        await self._log(record)

    async def _log(self, record: DecisionRecord) -> None:
        if self._decision_log is not None:
            await self._decision_log.append(write_line(record))

    def tell(self, record: DecisionRecord) -> None:
        """Tell the listeners, and the service's own log, in one line, where there is no decision log."""
        for listener in self._listeners:
            listener(record)
        if self._decision_log is not None:
            return
        fields = {
            "decision_id": record.decision_id,
            "outcome": record.outcome,
            "platform": record.platform,
            "phase": record.phase,
            "zone": record.zone,
            "principal": record.principal,
            "trunk": record.trunk,
            "host_notice": record.host_notice,
            "reasons": [one.code for one in record.reasons],
            "policies": [policy for one in record.reasons for policy in one.policies],
            "trace_id": record.trace_id,
        }
        log.info("decision", extra=fields)


def pseudonym(text: str, *, key: bytes) -> str:
    """Return the keyed name of a text.

    Destroying the key leaves every record and trace behind without anybody whom it could be linked to.
    """
    return blake2b(text.encode(), key=key, digest_size=12).hexdigest()


def write_line(record: DecisionRecord) -> bytes:
    """Write a record as one line of the decision log: JSON has no line's end within it."""
    return msgspec.json.encode(record, order="deterministic") + b"\n"


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


def mark(reason: Because) -> Mark:
    """Write a reason down."""
    return Mark(
        code=reason.reason.code,
        message=reason.message,
        policies=tuple(f"{policy.id} {policy.file}:{policy.line}" for policy in reason.policies),
        detail=reason.detail,
    )
