"""Tickets: issued for proofs, redeemed by the questions of one join, burned by whoever misuses them."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import msgspec

from plugin.core import base64url
from plugin.core.device import AttestationResult
from plugin.core.errors import Refused, Unavailable
from plugin.core.identity import Identity
from plugin.core.join import JoinRequest, Phase
from plugin.core.reasons import Reason
from plugin.core.ticket import (
    TICKET,
    TICKET_BITS,
    TICKET_PREFIX,
    UNTIL_COMMITTED,
    UNTIL_PRESENTED,
    Redeemed,
    Ticket,
    commit,
    present,
    use_up,
)
from plugin.jose.verify import LEEWAY
from plugin.ports import Clock, Json, Store

log = logging.getLogger(__name__)

KIND = "ticket"
# A call that a ticket was committed to may ask again without it: our answer overwrites the platform's copy.
KIND_CALL = "call"
SWAP_ATTEMPTS = 5

ISSUED = "issued"
BURNT = "burnt"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedTicket:
    """The only moment at which the secret is in plain text."""

    secret: str
    expires_at: datetime


class Ticketing:
    """Issues and redeems tickets. The store knows a ticket by the hash of its secret.

    `tell` hears of each ticket that is `issued` or `burnt`.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        random_bytes: Callable[[int], bytes],
        tell: Callable[[str], None] = lambda _event: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._random_bytes = random_bytes
        self._tell = tell

    async def issue(
        self, *, conference: str, identity: Identity, device: AttestationResult | None, traceparent: str
    ) -> IssuedTicket:
        """Issue a ticket for proofs that hold now."""
        secret = TICKET_PREFIX + base64url.encode(self._random_bytes(TICKET_BITS // 8))
        ticket = Ticket(
            conference=conference,
            identity=identity,
            device=device,
            traceparent=traceparent,
            expires_at=self._clock() + UNTIL_PRESENTED,
        )
        await self._store.put(KIND, _hash(secret), _to_json(ticket), expires_at=ticket.expires_at)
        self._tell(ISSUED)
        return IssuedTicket(secret=secret, expires_at=ticket.expires_at)

    async def find_key(self, join: JoinRequest) -> str | None:
        """Find the key of the ticket that a question presents itself or is committed to by its call."""
        if join.credentials.ticket is not None:
            return _hash(join.credentials.ticket)
        if join.phase is not Phase.PARTICIPANT or join.call is None:
            return None
        committed = await self._store.get(KIND_CALL, _hash(join.call.call_id), now=self._clock())
        return str(committed["ticket"]) if committed else None

    async def traceparent(self, key: str | None) -> str | None:
        """Return the trace that the ticket's questions continue. A store that does not answer costs only the link."""
        if key is None:
            return None
        try:
            stored = await self._store.get(KIND, key, now=self._clock())
        except Unavailable:
            return None
        return str(stored["traceparent"]) if stored else None

    async def redeem(self, key: str, *, join: JoinRequest, conference: str) -> Ticket:
        """Redeem for one question of a join. Raises Refused, and burns the ticket, for any other use."""
        if join.credentials.ticket is not None and not TICKET.fullmatch(join.credentials.ticket):
            raise Refused(Reason.TICKET_MALFORMED)
        for _ in range(SWAP_ATTEMPTS):
            stored = await self._store.get(KIND, key, now=self._clock())
            if stored is None:
                raise Refused(Reason.TICKET_UNKNOWN)
            ticket = _from_json(stored)
            if ticket.expires_at > self._clock() + UNTIL_COMMITTED + LEEWAY:
                raise Refused(Reason.TICKET_UNKNOWN)  # from before the clock was set back: it would outlive its time
            redeemed = self._present(ticket, join=join, conference=conference)
            if redeemed.refusal and join.credentials.ticket is None:
                break  # a call's id is no secret: who asks by it alone is refused, and burns nothing
            if redeemed.ticket == ticket or await self._swap(key, redeemed.ticket, stored=stored):
                break
        else:
            raise Unavailable("store", Reason.STORE_UNAVAILABLE, "the ticket changed under every attempt to redeem it")
        if redeemed.refusal:
            log.warning("ticket misused", extra={"reason": redeemed.refusal.code, "ticket": key[:12]})
            if redeemed.ticket != ticket and join.credentials.ticket is not None:
                self._tell(BURNT)
            raise Refused(redeemed.refusal)
        if join.call:
            value, expires_at = {"ticket": key}, self._clock() + UNTIL_COMMITTED
            # The record of the decision, which follows, takes it to the disk along with the ticket.
            await self._store.put(KIND_CALL, _hash(join.call.call_id), value, expires_at=expires_at, synced=False)
        return redeemed.ticket

    def _present(self, ticket: Ticket, *, join: JoinRequest, conference: str) -> Redeemed:
        now, address = self._clock(), join.network.address
        if join.phase is Phase.JOIN:
            return use_up(ticket, conference=conference, address=address, now=now)
        if join.call is None:
            return present(ticket, conference=conference, address=address, now=now)
        return commit(ticket, conference=conference, address=address, call=join.call, now=now)

    async def _swap(self, key: str, ticket: Ticket, *, stored: Json) -> bool:
        return await self._store.swap(
            KIND, key, old=stored, new=_to_json(ticket), expires_at=ticket.expires_at, now=self._clock()
        )


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def _to_json(ticket: Ticket) -> dict[str, object]:
    plain: dict[str, object] = msgspec.to_builtins(ticket, str_keys=True)
    return plain


def _from_json(stored: Json) -> Ticket:
    return msgspec.convert(stored, Ticket, strict=True)
