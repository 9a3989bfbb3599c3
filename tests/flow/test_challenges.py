import secrets

import pytest

from plugin.core import base64url
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.core.transcript import Purpose
from plugin.flow.challenges import LIFETIME, Challenges
from plugin.flow.identity_proofs import BEARER_AGE
from plugin.jose.verify import LEEWAY
from tests.fakes import HandClock, MemoryStore

TOKEN = "header.payload.signature"


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def challenges(clock: HandClock) -> Challenges:
    return Challenges(
        store=MemoryStore(),
        clock=clock,
        random_bytes=secrets.token_bytes,
        tenant="default",
        origin="https://vestibule.example.com",
    )


async def test_a_signature_covers_the_nonce_that_was_issued(challenges: Challenges) -> None:
    challenge = await challenges.issue("board", purpose=Purpose.JOIN)

    transcript = await challenges.spend(challenge.id, alias="board", purpose=Purpose.JOIN, unverified_token=TOKEN)

    assert transcript.nonce == base64url.decode(challenge.id)
    assert transcript.unverified_token == TOKEN
    assert transcript.conference == "board"


async def test_a_challenge_is_spent_by_its_first_use(challenges: Challenges) -> None:
    challenge = await challenges.issue("board", purpose=Purpose.JOIN)
    await challenges.spend(challenge.id, alias="board", purpose=Purpose.JOIN, unverified_token=TOKEN)

    with pytest.raises(Refused, match=Reason.EVIDENCE_CHALLENGE.code):
        await challenges.spend(challenge.id, alias="board", purpose=Purpose.JOIN, unverified_token=TOKEN)


async def test_a_challenge_used_for_another_conference_is_refused_and_spent(challenges: Challenges) -> None:
    challenge = await challenges.issue("board", purpose=Purpose.JOIN)

    for alias in ("budget", "board"):
        with pytest.raises(Refused, match=Reason.EVIDENCE_CHALLENGE.code):
            await challenges.spend(challenge.id, alias=alias, purpose=Purpose.JOIN, unverified_token=TOKEN)


async def test_a_challenge_used_for_another_purpose_is_refused(challenges: Challenges) -> None:
    challenge = await challenges.issue("board", purpose=Purpose.ENROL)

    with pytest.raises(Refused, match=Reason.EVIDENCE_CHALLENGE.code):
        await challenges.spend(challenge.id, alias="board", purpose=Purpose.JOIN, unverified_token=TOKEN)


async def test_a_challenge_lives_two_minutes(challenges: Challenges, clock: HandClock) -> None:
    challenge = await challenges.issue("board", purpose=Purpose.JOIN)
    clock.move(seconds=120)

    with pytest.raises(Refused, match=Reason.EVIDENCE_CHALLENGE.code):
        await challenges.spend(challenge.id, alias="board", purpose=Purpose.JOIN, unverified_token=TOKEN)


async def test_a_nonce_of_ours_in_a_token_counts_once(challenges: Challenges) -> None:
    challenge = await challenges.issue("board", purpose=Purpose.JOIN)

    first = await challenges.spend_nonce(challenge.id, alias="board")

    assert first
    with pytest.raises(Refused, match=Reason.TOKEN_NONCE.code):
        await challenges.spend_nonce(challenge.id, alias="board")


async def test_a_nonce_of_ours_that_is_too_old_is_refused_and_not_taken_for_a_foreign_one(
    challenges: Challenges, clock: HandClock
) -> None:
    challenge = await challenges.issue("board", purpose=Purpose.JOIN)
    clock.move(seconds=120)

    with pytest.raises(Refused, match=Reason.TOKEN_NONCE.code):
        await challenges.spend_nonce(challenge.id, alias="budget")


async def test_a_nonce_of_ours_is_remembered_until_no_token_with_it_could_be_fresh(
    challenges: Challenges, clock: HandClock
) -> None:
    challenge = await challenges.issue("board", purpose=Purpose.JOIN)
    clock.move(seconds=(LIFETIME + BEARER_AGE + 2 * LEEWAY).total_seconds())

    with pytest.raises(Refused, match=Reason.TOKEN_NONCE.code):
        await challenges.spend_nonce(challenge.id, alias="board")


async def test_a_nonce_of_ours_for_another_conference_is_refused(challenges: Challenges) -> None:
    challenge = await challenges.issue("board", purpose=Purpose.JOIN)

    with pytest.raises(Refused, match=Reason.TOKEN_NONCE.code):
        await challenges.spend_nonce(challenge.id, alias="budget")


async def test_a_foreign_nonce_is_not_ours(challenges: Challenges) -> None:
    assert not await challenges.spend_nonce("n-0S6_WzA2Mj", alias="board")
