from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from plugin.core.identity import Identity, Level
from plugin.core.join import Call
from plugin.core.reasons import Reason
from plugin.core.ticket import UNTIL_COMMITTED, Redeemed, Ticket, commit, present, use_up

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HOME, CAFE = "192.0.2.7", "198.51.100.9"
API = Call(call_id="c-1", api=True)
MEDIA = Call(call_id="c-2", api=False)
FRESH = Ticket(
    conference="board",
    identity=Identity(
        issuer="https://sso.example.com",
        subject="alice",
        org="acme",
        groups=None,
        level=Level.SIGNED_IN,
        acr=None,
        amr=(),
        auth_time=None,
        session_id=None,
        nonce=None,
        issued_at=NOON,
        expires_at=NOON + timedelta(hours=1),
    ),
    device=None,
    traceparent="",
    expires_at=NOON + timedelta(seconds=45),
)


def shown(ticket: Ticket, *, conference: str = "board", address: str = HOME) -> Redeemed:
    return present(ticket, conference=conference, address=address, now=NOON)


def called(ticket: Ticket, call: Call, *, conference: str = "board", address: str = HOME) -> Redeemed:
    return commit(ticket, conference=conference, address=address, call=call, now=NOON)


def used(ticket: Ticket, *, conference: str = "board") -> Redeemed:
    return use_up(ticket, conference=conference, address=HOME, now=NOON)


PRESENTED = shown(FRESH).ticket
COMMITTED = called(PRESENTED, API).ticket
FULL = called(COMMITTED, MEDIA).ticket


def test_presenting_starts_the_time_in_which_a_person_may_type_a_pin() -> None:
    assert PRESENTED.expires_at == NOON + UNTIL_COMMITTED


@pytest.mark.parametrize("ticket", [FRESH, PRESENTED, COMMITTED])
def test_the_questions_of_one_join_may_present_it_again(ticket: Ticket) -> None:
    assert shown(ticket).refusal is None


@pytest.mark.parametrize(("ticket", "call"), [(PRESENTED, API), (COMMITTED, API), (COMMITTED, MEDIA), (FULL, MEDIA)])
def test_one_api_and_one_standard_call_belong_to_a_ticket(ticket: Ticket, call: Call) -> None:
    assert called(ticket, call).refusal is None


def test_a_sip_call_has_no_api_call_before_it() -> None:
    assert called(PRESENTED, MEDIA).refusal is None


@pytest.mark.parametrize(
    ("redeemed", "refusal"),
    [
        (shown(FRESH, conference="budget"), Reason.TICKET_CONFERENCE),
        (shown(PRESENTED, address=CAFE), Reason.TICKET_SPENT),
        (shown(FULL), Reason.TICKET_SPENT),
        (called(FRESH, API), Reason.TICKET_ORDER),
        (called(PRESENTED, API, conference="budget"), Reason.TICKET_CONFERENCE),
        (called(PRESENTED, API, address=CAFE), Reason.TICKET_SPENT),
        (called(COMMITTED, replace(API, call_id="thief")), Reason.TICKET_SPENT),
        (called(FULL, replace(MEDIA, call_id="thief")), Reason.TICKET_SPENT),
        (called(called(PRESENTED, MEDIA).ticket, API), Reason.TICKET_SPENT),
        (used(PRESENTED), Reason.TICKET_SPENT),
        (used(COMMITTED), Reason.TICKET_SPENT),
        (used(used(FRESH).ticket), Reason.TICKET_SPENT),
        (used(FRESH, conference="budget"), Reason.TICKET_CONFERENCE),
    ],
)
def test_any_other_presentation_is_refused_and_burns_the_ticket(redeemed: Redeemed, refusal: Reason) -> None:
    assert redeemed.refusal is refusal
    assert redeemed.ticket.burned


@pytest.mark.parametrize("ticket", [FRESH, PRESENTED, COMMITTED, FULL])
def test_a_burned_ticket_opens_nothing_for_anybody(ticket: Ticket) -> None:
    burned = replace(ticket, burned=True)

    assert shown(burned).refusal is Reason.TICKET_SPENT
    assert called(burned, MEDIA).refusal is not None
