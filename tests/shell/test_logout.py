"""Back-channel logout at the running service: whom a provider has signed out opens nothing; nobody else can do it."""

import asyncio

import pytest

from plugin.jose.logout_token import EVENT
from tests.shell.test_outages import locked
from tests.shell.world import World

OTHER = "another-session"


def logout_token(world: World, subject: str | None = "alice", **claims: object) -> str:
    wanted = {"events": {EVENT: {}}, "auth_time": None, "acr": None, "groups": None, "sub": subject, **claims}
    return world.acme.token(subject or "", now=world.clock(), **wanted)


async def sign_out(world: World, token: str, **extra: str) -> int:
    async with world.session.post(f"{world.url}/v1/logout", data={"logout_token": token, **extra}) as response:
        assert response.headers["Cache-Control"] == "no-store"
        return response.status


async def opens(world: World, token: str) -> str:
    """Say what becomes of a join with a bearer token: its decision, or why not."""
    answer = await world.join({"conference": "board", "id_token": token})
    codes = [reason["code"] for reason in answer["reasons"]]
    return "signed-out" if "signed-out" in codes else str(answer["decision"])


async def test_a_session_that_was_signed_out_opens_nothing_and_another_one_does(world: World) -> None:
    ended, running = world.token("alice", sid="a-session"), world.token("alice", sid=OTHER)

    assert await sign_out(world, logout_token(world, sid="a-session")) == 200

    assert await opens(world, ended) == "signed-out"
    assert await opens(world, running) != "signed-out"


async def test_a_session_that_has_ended_does_not_come_back_by_a_younger_token(world: World) -> None:
    await sign_out(world, logout_token(world, sid="a-session"))
    world.clock.move(minutes=1)

    assert await opens(world, world.token("alice", sid="a-session")) == "signed-out"


async def test_a_person_who_was_signed_out_everywhere_can_sign_in_anew(world: World) -> None:
    before = [world.token("alice"), world.token("alice", sid=OTHER)]
    await sign_out(world, logout_token(world))
    world.clock.move(minutes=1)

    assert [await opens(world, token) for token in before] == ["signed-out"] * 2
    assert await opens(world, world.token("alice")) != "signed-out"
    assert await opens(world, world.token("bob")) != "signed-out"


async def test_tokens_that_name_no_session_end_with_any_session_of_their_person(world: World) -> None:
    token = world.token("alice")

    await sign_out(world, logout_token(world, sid="a-session"))

    assert await opens(world, token) == "signed-out"


async def test_a_ticket_of_a_session_that_was_signed_out_opens_nothing(world: World) -> None:
    proofs = await world.proofs("board", token=world.token("alice", sid="a-session"))
    ticket = await world.ticket(proofs)

    await sign_out(world, logout_token(world, sid="a-session"))

    assert (await world.service("board", ticket=ticket))["action"] == "reject"
    assert world.records[-1].reasons[0].code == "signed-out"


async def test_a_provider_signs_out_its_own_people_alone(world: World) -> None:
    token = world.token("alice", sid="a-session")

    foreign = world.partners.token("alice", now=world.clock(), sid="a-session", events={EVENT: {}}, nonce=None)
    assert await sign_out(world, foreign) == 200

    assert await opens(world, token) != "signed-out"


async def test_the_same_logout_token_counts_once_and_still_does_what_it_said(world: World) -> None:
    token, id_token = logout_token(world, sid="a-session"), world.token("alice", sid="a-session")

    assert [await sign_out(world, token) for _ in range(2)] == [200, 400]
    assert await opens(world, id_token) == "signed-out"


async def test_an_older_sign_out_that_comes_late_does_not_undo_a_younger_one(world: World) -> None:
    late = logout_token(world)
    world.clock.move(minutes=2)
    token = world.token("alice")
    await sign_out(world, logout_token(world))
    await sign_out(world, late)

    assert await opens(world, token) == "signed-out"


@pytest.mark.parametrize("token", ["", "a.b.c", "x" * 20_000])
async def test_garbage_is_a_bad_request(world: World, token: str) -> None:
    assert await sign_out(world, token) == 400


async def test_an_id_token_signs_nobody_out_and_a_logout_token_lets_nobody_in(world: World) -> None:
    id_token = world.token("alice", sid="a-session")

    assert await sign_out(world, id_token) == 400
    answer = await world.join({"conference": "board", "id_token": logout_token(world, sid=OTHER)})

    assert (answer["decision"], answer["reasons"][0]["code"]) == ("deny", "token-type")


async def test_a_form_that_says_it_twice_or_not_at_all_is_a_bad_request(world: World) -> None:
    token = logout_token(world)
    for form in ([("logout_token", token)] * 2, [("token", token)], []):
        async with world.session.post(f"{world.url}/v1/logout", data=form) as response:
            assert response.status == 400
    async with world.session.post(f"{world.url}/v1/logout", json={"logout_token": token}) as response:
        assert response.status == 400


async def test_what_could_not_be_noted_is_asked_for_again_and_then_counts(world: World) -> None:
    token, id_token = logout_token(world, sid="a-session"), world.token("alice", sid="a-session")
    with locked(world):
        assert await sign_out(world, token) == 503

    async with asyncio.timeout(30):
        while await sign_out(world, token) != 200:
            pass

    assert await opens(world, id_token) == "signed-out"


async def test_while_nobody_can_look_who_has_signed_out_nobody_is_let_in(world: World) -> None:
    token = world.token("alice", sid="a-session")
    with locked(world):
        answer = await world.join({"conference": "board", "id_token": token})

    assert answer["decision"] == "deny"


async def test_a_shut_gate_asks_for_another_try(world: World) -> None:
    world.gate.house = None

    assert await sign_out(world, logout_token(world)) == 503


async def test_another_method_is_told_which_is_right(world: World) -> None:
    async with world.session.get(f"{world.url}/v1/logout") as response:
        assert (response.status, response.headers["Allow"]) == (405, "POST")
