"""The system clock is set: nothing counts twice for it, nothing from before outlives its time, and service goes on."""

from datetime import timedelta

import pytest

from plugin.shell import telemetry
from plugin.shell.app import running
from plugin.shell.check import prepare
from tests.shell.world import World

HOURS = timedelta(hours=5)


async def start_and_stop_another_process(world: World) -> dict[str, object]:
    """Run a second process on the same store, which purges as soon as it starts; return its answer to a guest."""
    checked = prepare(world.folder / "vestibule.toml")
    url = world.url
    async with running(checked, telemetry=telemetry.start(None), clock=world.clock) as second:
        world.url = f"http://127.0.0.1:{second.port}"
        answer = await world.service("townhall")
    world.url = url
    return answer


async def ticket_for(world: World) -> str:
    device = world.authority.device("alice")
    return await world.ticket(await world.proofs("board", token=world.token("alice"), device=device))


async def test_a_token_stays_used_though_a_clock_that_ran_ahead_had_it_purged(world: World) -> None:
    proofs = await world.proofs("board", token=world.token("alice"))
    first = await world.join(proofs)
    world.clock.now += HOURS
    ahead = await start_and_stop_another_process(world)
    world.clock.now -= HOURS

    again = await world.join(proofs)

    assert (first["decision"], ahead["action"]) == ("redirect", "continue")
    assert (again["decision"], again["reasons"][0]["code"]) == ("deny", "token-replayed")


async def test_a_challenge_stays_spent_though_the_clock_ran_ahead(world: World) -> None:
    device = world.authority.device("alice")
    proofs = await world.proofs("board", token=world.token("alice"), device=device)
    first = await world.join(proofs)
    world.clock.now += HOURS
    await start_and_stop_another_process(world)
    world.clock.now -= HOURS

    again = await world.join(proofs)

    assert (first["decision"], again["decision"]) == ("allow", "deny")


async def test_a_ticket_that_is_burned_stays_burned_though_the_clock_ran_ahead(world: World) -> None:
    ticket = await ticket_for(world)
    await world.service("board", ticket=ticket)
    await world.service("board", ticket=ticket, address="192.0.2.99")
    world.clock.now += HOURS
    await start_and_stop_another_process(world)
    world.clock.now -= HOURS

    room = await world.service("board", ticket=ticket)

    assert room["action"] == "reject"


async def test_a_ticket_from_a_clock_that_ran_ahead_does_not_outlive_its_time(world: World) -> None:
    world.clock.now += HOURS
    ticket = await ticket_for(world)
    world.clock.now -= HOURS

    room = await world.service("board", ticket=ticket)

    assert room["action"] == "reject"


async def test_a_challenge_from_a_clock_that_ran_ahead_does_not_outlive_its_time(world: World) -> None:
    world.clock.now += HOURS
    challenge = await world.challenge("board")
    world.clock.now -= HOURS
    token = world.token("alice")
    evidence = world.authority.device("alice").evidence(challenge, token=token)

    body = await world.join({"conference": "board", "id_token": token, "evidence": [evidence]})

    assert (body["decision"], body["reasons"][0]["code"]) == ("deny", "evidence-challenge")


@pytest.mark.parametrize("jump", [HOURS, -HOURS])
async def test_whom_the_new_time_proves_is_admitted_at_once(world: World, jump: timedelta) -> None:
    await world.join(await world.proofs("board", token=world.token("alice")))
    world.clock.now += jump

    body = await world.join(await world.proofs("board", token=world.token("bob")))

    assert body["decision"] == "redirect"


@pytest.mark.parametrize("jump", [HOURS, -HOURS])
async def test_a_token_of_the_old_time_is_refused(world: World, jump: timedelta) -> None:
    proofs = await world.proofs("board", token=world.token("alice"))
    world.clock.now += jump

    body = await world.join(proofs)

    assert body["decision"] == "deny"


async def test_keys_from_a_clock_that_ran_ahead_are_fetched_again(world: World) -> None:
    """Nobody knows their age, and a provider that has withdrawn them could not say so for hours."""
    world.clock.now += HOURS
    await world.join(await world.proofs("board", token=world.token("alice")))
    world.clock.now -= HOURS
    world.acme.down = True

    during = await world.join(await world.proofs("board", token=world.token("bob")))

    assert during["reasons"][0]["code"] == "idp-unreachable"


async def test_an_outage_at_a_clock_that_ran_ahead_ends_with_the_provider(world: World) -> None:
    """What waits before it asks again must not wait for a time that has been taken back."""
    world.clock.now += HOURS
    world.acme.down = True
    await world.join(await world.proofs("board", token=world.token("alice")))
    world.acme.down = False
    world.clock.now -= HOURS

    after = await world.join(await world.proofs("board", token=world.token("bob")))

    assert after["decision"] == "redirect"
