"""Tokens that are bound to a key (DPoP): they open what they open to whoever has shown that key for this very join."""

from collections.abc import AsyncIterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from plugin.core import base64url
from plugin.core.identity import Provenance
from plugin.core.reasons import Reason
from plugin.core.transcript import Purpose, Transcript
from tests.jose.issuer import EC, EVIL, sign
from tests.jose.test_dpop import proof
from tests.shell.world import World, opened

JKT = EC.thumbprint()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path) as everything:
        yield everything


async def nonce(world: World, token: str, *, conference: str = "board") -> str:
    """Fetch a challenge and write it as a proof has to carry it."""
    told = await world.challenge(conference)
    transcript = Transcript(
        purpose=Purpose.JOIN,
        tenant=told["tenant"],
        origin=told["origin"],
        conference=told["conference"],
        nonce=base64url.decode(told["nonce"]),
        unverified_token=token,
    )
    return f"{told['challenge_id']}.{base64url.encode(transcript.digest())}"


async def held(world: World, *, token: str | None = None, door: str = "/v1/joins", **lies: Any) -> dict[str, object]:
    """Make the body of a join with a token that is bound to a key, and that key's proof; `lies` change the proof."""
    token = token or world.token("alice", cnf={"jkt": JKT})
    claims = {
        "htu": f"https://vestibule.example.com{door}",
        "iat": int(world.clock().timestamp()),
        "ath": base64url.encode(sha256(token.encode()).digest()),
        "nonce": await nonce(world, token),
        **lies,
    }
    return {"conference": "board", "id_token": token, "dpop_proof": proof(**claims)}


async def code(world: World, body: Mapping[str, object]) -> str:
    reasons = (await world.join(body))["reasons"]
    assert isinstance(reasons, list)
    found: str = reasons[0]["code"]
    return found


async def test_a_token_counts_with_the_proof_of_its_key(world: World) -> None:
    assert (await world.join(await held(world)))["decision"] != "deny"
    facts = world.records[-1].facts
    assert facts is not None
    assert facts.identity is not None
    assert facts.identity.provenance is Provenance.BOUND


async def test_it_counts_again_with_another_proof_and_long_after_it_was_issued(world: World) -> None:
    token = world.token("alice", cnf={"jkt": JKT})
    await world.join(await held(world, token=token))

    world.clock.move(minutes=6)

    assert (await world.join(await held(world, token=token)))["decision"] != "deny"


async def test_it_may_be_exchanged_for_a_ticket(world: World) -> None:
    ticket = await world.ticket(await held(world, door="/v1/tickets"))

    assert (await world.join({"conference": "board", "ticket": ticket}))["decision"] != "deny"


async def test_a_stolen_token_opens_nothing_without_its_key(world: World) -> None:
    stolen = world.token("alice", cnf={"jkt": JKT})

    assert await code(world, {"conference": "board", "id_token": stolen}) == Reason.TOKEN_CONFIRMATION.code


async def test_a_stolen_token_opens_nothing_with_the_thiefs_key(world: World) -> None:
    body = await held(world, key=EVIL, algorithm="RS256")

    assert await code(world, body) == Reason.TOKEN_CONFIRMATION.code


async def test_a_stolen_proof_opens_nothing_a_second_time(world: World) -> None:
    body = await held(world)
    await world.join(body)

    assert await code(world, body) == Reason.EVIDENCE_CHALLENGE.code


async def test_a_proof_for_another_conference_opens_nothing(world: World) -> None:
    token = world.token("alice", cnf={"jkt": JKT})
    body = await held(world, token=token, nonce=await nonce(world, token, conference="other"))

    assert await code(world, body) == Reason.EVIDENCE_CHALLENGE.code


async def test_a_challenge_alone_says_nothing_of_what_its_holder_meant_to_enter(world: World) -> None:
    token = world.token("alice", cnf={"jkt": JKT})
    challenge_id, _, _ = (await nonce(world, token)).partition(".")
    _, _, other = (await nonce(world, token, conference="other")).partition(".")

    for lie in (challenge_id, f"{challenge_id}.", f"{challenge_id}.{other}", "", ...):
        assert await code(world, await held(world, token=token, nonce=lie)) == Reason.EVIDENCE_CHALLENGE.code


async def test_a_proof_for_one_door_opens_no_other(world: World) -> None:
    assert await code(world, await held(world, door="/v1/tickets")) == Reason.DPOP_PROOF.code


async def test_a_proof_beside_a_token_that_needs_none_is_refused(world: World) -> None:
    assert await code(world, await held(world, token=world.token("alice"))) == Reason.TOKEN_CONFIRMATION.code


async def test_a_proof_without_a_token_makes_nobody_a_guest(world: World) -> None:
    body = await held(world)
    del body["id_token"]

    assert await code(world, body) == Reason.DPOP_PROOF.code


@pytest.mark.parametrize("beside", [{"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}, {"kid": "1"}])
async def test_a_binding_that_is_only_half_shown_is_refused(world: World, beside: dict[str, str]) -> None:
    token = world.token("alice", cnf={"jkt": JKT, **beside})

    assert await code(world, await held(world, token=token)) == Reason.TOKEN_CONFIRMATION.code


async def test_garbage_for_a_proof_is_refused(world: World) -> None:
    body = await held(world)
    for garbage in ("x", "a.b.c", sign(), "é" * 9):
        assert (await world.join({**body, "dpop_proof": garbage}))["decision"] == "deny"
