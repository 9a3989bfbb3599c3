"""Which calls were admitted to which room: what a platform's list of participants is held against.

An entry leads from a call to the latest decision about it there, and says nothing by itself: only the stored record of
that decision counts. Nobody is admitted because of an entry, and none is read while a question is answered.
"""

from enum import Enum, auto
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


class Standing(Enum):
    """What the store knows of a call. UNKNOWN = nobody was ever asked, or it is no longer kept."""

    ADMITTED = auto()
    REFUSED = auto()
    UNKNOWN = auto()


def mark_of(join: JoinRequest, decision: Decision) -> str | None:
    """Return the key under which a decision about a room is found again; None where nobody enters or leaves by it.

    A refusal of a call takes the place of its earlier admission. One of a call that the room makes is about that call
    alone, and all of them have one key: it takes nothing away from the others.
    """
    zone = join.zone if isinstance(decision, Deny) else decision.zone
    if zone is None:
        return None
    if join.call is not None:
        return _key(join.call.call_id, zone=zone, conference=join.alias)
    if join.direction is Direction.DIAL_OUT and not isinstance(decision, Deny):
        return _key(CALLED_OUT, zone=zone, conference=join.alias)
    return None


class Admissions:
    """Looks up who was admitted. Every method raises Unavailable."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def of_call(self, call_id: str, *, zone: str, conference: str) -> Standing:
        """Say how a call stands with this very room."""
        return await self._standing(_key(call_id, zone=zone, conference=conference), zone=zone)

    async def of_calls_out(self, *, zone: str, conference: str) -> Standing:
        """Say whether this room was let call anybody, as far back as records are kept."""
        return await self._standing(_key(CALLED_OUT, zone=zone, conference=conference), zone=zone)

    async def _standing(self, key: str, *, zone: str) -> Standing:
        now = self._clock()
        entry = await self._store.get(KIND_ADMITTED, key, now=now)
        if entry is None:
            return Standing.UNKNOWN
        # A decision that could not be stored in time was said as a Deny, and its record was corrected.
        record = await self._store.get(KIND_DECISION, str(entry["decision"]), now=now)
        is_admitted = record is not None and record["outcome"] != DENY and record["zone"] == zone
        return Standing.ADMITTED if is_admitted else Standing.REFUSED


def _key(call_id: str, *, zone: str, conference: str) -> str:
    return sha256("\0".join((zone, conference, call_id)).encode()).hexdigest()
