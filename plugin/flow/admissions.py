"""Which calls were admitted to which room: what a platform's list of participants is held against.

An entry leads from a call to the decision that admitted it, and says nothing by itself: only the stored record of that
decision counts. Nobody is admitted because of an entry, and none is read while a question is answered.
"""

from hashlib import sha256

from plugin.core.decision import Decision, Deny
from plugin.core.join import Direction, JoinRequest
from plugin.flow.ledger import KIND as KIND_DECISION
from plugin.flow.ledger import KIND_ADMITTED
from plugin.flow.tracing import DENY
from plugin.ports import Clock, Store

CALLED_OUT = ""
"""Stands for every call that a room makes: its question has no call id, and nothing else that ties the two together.
No other call's id is empty."""


def mark_of(join: JoinRequest, decision: Decision) -> str | None:
    """Return the key under which an admission to a room is found again; None where nobody enters by the decision."""
    if isinstance(decision, Deny):
        return None
    if join.call is not None:
        return _key(join.call.call_id, zone=decision.zone, conference=join.alias)
    if join.direction is Direction.DIAL_OUT:
        return _key(CALLED_OUT, zone=decision.zone, conference=join.alias)
    return None


class Admissions:
    """Looks up who was admitted. Every method raises Unavailable."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def admitted(self, call_id: str, *, zone: str, conference: str) -> bool:
        """Say whether a call was admitted to this very room."""
        return await self._is_on_record(_key(call_id, zone=zone, conference=conference), zone=zone)

    async def called_out(self, *, zone: str, conference: str) -> bool:
        """Say whether this room was let call anybody, as far back as records are kept."""
        return await self._is_on_record(_key(CALLED_OUT, zone=zone, conference=conference), zone=zone)

    async def _is_on_record(self, key: str, *, zone: str) -> bool:
        now = self._clock()
        entry = await self._store.get(KIND_ADMITTED, key, now=now)
        if entry is None:
            return False
        # A decision that could not be stored in time was said as a Deny, and its record was corrected.
        record = await self._store.get(KIND_DECISION, str(entry["decision"]), now=now)
        return record is not None and record["outcome"] != DENY and record["zone"] == zone


def _key(call_id: str, *, zone: str, conference: str) -> str:
    return sha256("\0".join((zone, conference, call_id)).encode()).hexdigest()
