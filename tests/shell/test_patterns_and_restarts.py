"""Conferences by pattern, and what outlives the process: proofs are spent once, whichever process they meet."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from plugin.shell import telemetry
from plugin.shell.app import running
from plugin.shell.check import prepare
from tests.shell.world import World, opened

TEAMS = """
[[conference]]
alias_pattern = "team-*"
zones = ["core", "meetme"]
classification = "internal"
owner = "{acme}#bob"
invited = ["org:acme"]
"""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, conferences=TEAMS) as everything:
        yield everything


async def ticket_for(world: World, conference: str) -> str:
    device = world.authority.device("alice")
    return await world.ticket(await world.proofs(conference, token=world.token("alice"), device=device))


async def test_each_alias_of_a_pattern_is_a_conference_by_itself(world: World) -> None:
    seven = await world.service("team-7", ticket=await ticket_for(world, "team-7"))
    eight = await world.service("team-8", ticket=await ticket_for(world, "team-8"))

    assert seven["result"]["service_tag"] == "vestibule:core:team-7"
    assert eight["result"]["service_tag"] == "vestibule:core:team-8"
    assert seven["result"]["name"] != eight["result"]["name"]


async def test_a_ticket_for_one_alias_of_a_pattern_is_refused_for_another(world: World) -> None:
    ticket = await ticket_for(world, "team-7")

    room = await world.service("team-8", ticket=ticket)

    assert room["action"] == "reject"


async def test_another_process_knows_what_was_spent_and_what_was_issued(world: World) -> None:
    token = world.token("alice")
    await world.join(await world.proofs("board", token=token))
    ticket = await ticket_for(world, "board")
    checked = prepare(world.folder / "vestibule.toml")

    async with running(checked, telemetry=telemetry.start(None), clock=world.clock) as second:
        world.url = f"http://127.0.0.1:{second.port}"
        replayed = await world.join(await world.proofs("board", token=token))
        room = await world.service("board", ticket=ticket)

    assert replayed["reasons"][0]["code"] == "token-replayed"
    assert room["action"] == "continue"
