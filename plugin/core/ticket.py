"""A one-time ticket: proofs already made, carried by a web client into the questions of one join.

The secret is 160 random bits and is stored only as a hash. It lives 45 s until first presented, 120 s more until a
call is committed to it, and then belongs to one `api` and one `standard` call from one address. Whoever presents it
elsewhere within its life burns it: from then on it opens nothing, for anybody.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from plugin.core.device import AttestationResult
from plugin.core.identity import Identity
from plugin.core.join import Call
from plugin.core.reasons import Reason

TICKET_PREFIX = "vt_"
TICKET_BITS = 160
TICKET = re.compile(r"vt_[A-Za-z0-9_-]{27}")

UNTIL_PRESENTED = timedelta(seconds=45)
UNTIL_COMMITTED = timedelta(seconds=120)


class Slot(Enum):
    """The two calls that one join of an app consists of."""

    API = "api"
    STANDARD = "standard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What is stored under the hash. `traceparent` lets the questions that redeem it continue one trace.

    `address` is where it was first presented, None before; `calls` are the call ids committed to it so far.
    """

    conference: str
    identity: Identity
    device: AttestationResult | None
    traceparent: str
    expires_at: datetime
    address: str | None = None
    calls: dict[Slot, str] | None = None
    burned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeemed:
    """The ticket as it stands after a presentation; `refusal` None = the proofs may be used for this question."""

    ticket: Ticket
    refusal: Reason | None = None


def present(ticket: Ticket, *, conference: str, address: str, now: datetime) -> Redeemed:
    """Redeem at ROOM: as often as the questions of one join need, from one address, until the media call is there."""
    refusal = _misuse(ticket, conference=conference, address=address)
    if refusal or Slot.STANDARD in (ticket.calls or {}):
        return _burn(ticket, refusal=refusal or Reason.TICKET_SPENT)
    if ticket.address is None:
        ticket = replace(ticket, address=address, expires_at=now + UNTIL_COMMITTED)
    return Redeemed(ticket=ticket)


def use_up(ticket: Ticket, *, conference: str, address: str, now: datetime) -> Redeemed:
    """Redeem where one question is the whole join: once, and nowhere else before."""
    if ticket.address is not None or ticket.calls:
        return _burn(ticket, refusal=Reason.TICKET_SPENT)
    redeemed = present(ticket, conference=conference, address=address, now=now)
    if redeemed.refusal:
        return redeemed
    return Redeemed(ticket=replace(redeemed.ticket, calls={Slot.STANDARD: ""}))


def commit(ticket: Ticket, *, conference: str, address: str, call: Call, now: datetime) -> Redeemed:
    """Redeem at PARTICIPANT: commit the call to its slot, or recognise the call that holds it."""
    if ticket.address is None:
        return _burn(ticket, refusal=Reason.TICKET_ORDER)
    calls = ticket.calls or {}
    slot = Slot.API if call.api else Slot.STANDARD
    refusal = _misuse(ticket, conference=conference, address=address)
    if refusal or calls.get(slot, call.call_id) != call.call_id:
        return _burn(ticket, refusal=refusal or Reason.TICKET_SPENT)
    if slot in calls:
        return Redeemed(ticket=ticket)
    if slot is Slot.API and Slot.STANDARD in calls:
        return _burn(ticket, refusal=Reason.TICKET_SPENT)
    committed = replace(ticket, calls={**calls, slot: call.call_id}, expires_at=now + UNTIL_COMMITTED)
    return Redeemed(ticket=committed)


def _misuse(ticket: Ticket, *, conference: str, address: str) -> Reason | None:
    if ticket.burned:
        return Reason.TICKET_SPENT
    if ticket.conference != conference:
        return Reason.TICKET_CONFERENCE
    if ticket.address not in (None, address):
        return Reason.TICKET_SPENT
    return None


def _burn(ticket: Ticket, *, refusal: Reason) -> Redeemed:
    return Redeemed(ticket=replace(ticket, burned=True), refusal=refusal)
