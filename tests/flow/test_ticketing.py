import asyncio
import secrets
from dataclasses import replace
from datetime import timedelta

import pytest

from plugin.core.errors import Refused, Unavailable
from plugin.core.identity import Identity, Level
from plugin.core.join import Call, Credentials, JoinRequest, Network, Phase
from plugin.core.reasons import Reason
from plugin.core.ticket import TICKET
from plugin.flow.ticketing import Ticketing
from tests.fakes import NOON, HandClock, MemoryStore
from tests.joins import ROOM

ALICE = Identity(
    issuer="https://sso.example.com",
    subject="alice",
    org="acme",
    groups=frozenset({"chairs", "staff"}),
    level=Level.MULTI_FACTOR,
    acr="urn:mfa",
    amr=("pwd", "otp"),
    auth_time=NOON,
    session_id="s-1",
    nonce=None,
    issued_at=NOON,
    expires_at=NOON + timedelta(hours=1),
)
MEDIA = replace(ROOM, phase=Phase.PARTICIPANT, zone="core", call=Call(call_id="c-2", api=False))


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def ticketing(store: MemoryStore, clock: HandClock) -> Ticketing:
    return Ticketing(store=store, clock=clock, random_bytes=secrets.token_bytes)


@pytest.fixture
async def secret(ticketing: Ticketing) -> str:
    issued = await ticketing.issue(conference="board", identity=ALICE, device=None, traceparent="00-1-2-01")
    return issued.secret


def carrying(join: JoinRequest, secret: str) -> JoinRequest:
    return replace(join, credentials=Credentials(ticket=secret))


async def redeem(ticketing: Ticketing, join: JoinRequest) -> Identity:
    key = await ticketing.find_key(join)
    assert key is not None
    return (await ticketing.redeem(key, join=join, conference=join.alias)).identity


async def test_the_secret_has_160_bits_in_the_form_that_platforms_carry(secret: str) -> None:
    assert TICKET.fullmatch(secret)


async def test_the_store_never_sees_the_secret(store: MemoryStore, secret: str) -> None:
    assert secret not in str(store.entries)


async def test_a_ticket_proves_the_person_to_every_question_of_a_join(ticketing: Ticketing, secret: str) -> None:
    questions = [carrying(ROOM, secret), carrying(ROOM, secret), carrying(MEDIA, secret)]

    people = [await redeem(ticketing, question) for question in questions]

    assert people == [ALICE, ALICE, ALICE]


async def test_a_committed_call_may_ask_again_without_the_ticket(ticketing: Ticketing, secret: str) -> None:
    await redeem(ticketing, carrying(ROOM, secret))
    await redeem(ticketing, carrying(MEDIA, secret))

    assert await redeem(ticketing, MEDIA) == ALICE


async def test_another_call_without_the_ticket_proves_nothing(ticketing: Ticketing, secret: str) -> None:
    await redeem(ticketing, carrying(ROOM, secret))
    await redeem(ticketing, carrying(MEDIA, secret))

    assert await ticketing.find_key(replace(MEDIA, call=Call(call_id="neighbour", api=False))) is None


async def test_a_room_question_without_a_ticket_proves_nothing(ticketing: Ticketing, secret: str) -> None:
    await redeem(ticketing, carrying(ROOM, secret))

    assert await ticketing.find_key(ROOM) is None


async def test_a_late_ticket_is_unknown(ticketing: Ticketing, clock: HandClock, secret: str) -> None:
    clock.move(seconds=45)

    with pytest.raises(Refused, match=Reason.TICKET_UNKNOWN.code):
        await redeem(ticketing, carrying(ROOM, secret))


async def test_a_ticket_that_nobody_committed_is_unknown_after_two_minutes(
    ticketing: Ticketing, clock: HandClock, secret: str
) -> None:
    await redeem(ticketing, carrying(ROOM, secret))
    clock.move(seconds=120)

    with pytest.raises(Refused, match=Reason.TICKET_UNKNOWN.code):
        await redeem(ticketing, carrying(MEDIA, secret))


async def test_misuse_within_its_life_shuts_the_first_caller_out_too(ticketing: Ticketing, secret: str) -> None:
    await redeem(ticketing, carrying(ROOM, secret))
    thief = replace(carrying(ROOM, secret), network=Network(address="198.51.100.9", located=False))
    with pytest.raises(Refused):
        await redeem(ticketing, thief)

    with pytest.raises(Refused, match=Reason.TICKET_SPENT.code):
        await redeem(ticketing, carrying(MEDIA, secret))


@pytest.mark.parametrize("forged", ["vt_", "vt_" + "A" * 26, "vt_" + "A" * 28, "vt_" + "!" * 27])
async def test_a_ticket_of_the_wrong_form_is_malformed(ticketing: Ticketing, forged: str) -> None:
    with pytest.raises(Refused, match=Reason.TICKET_MALFORMED.code):
        await redeem(ticketing, carrying(ROOM, forged))


async def test_a_guessed_ticket_is_unknown(ticketing: Ticketing, secret: str) -> None:
    guessed = secret[:-1] + ("A" if secret[-1] != "A" else "B")

    with pytest.raises(Refused, match=Reason.TICKET_UNKNOWN.code):
        await redeem(ticketing, carrying(ROOM, guessed))


async def test_of_two_calls_that_commit_at_once_one_gets_in(ticketing: Ticketing, secret: str) -> None:
    await redeem(ticketing, carrying(ROOM, secret))
    rivals = [carrying(replace(MEDIA, call=Call(call_id=name, api=False)), secret) for name in ("a", "b")]

    outcomes = await asyncio.gather(*(redeem(ticketing, rival) for rival in rivals), return_exceptions=True)

    assert sum(outcome == ALICE for outcome in outcomes) == 1


async def test_a_store_that_does_not_answer_is_not_an_unknown_ticket(
    ticketing: Ticketing, store: MemoryStore, secret: str
) -> None:
    store.broken = True

    with pytest.raises(Unavailable):
        await redeem(ticketing, carrying(ROOM, secret))
