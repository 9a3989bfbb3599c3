"""A password that is replaced: nodes come with the old and the new one side by side, and one can see which is used."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import encode_basic_auth

from tests.shell.world import PASSWORD, World, caller, opened

NEXT = "next-password-of-the-tests"
JOIN = caller("townhall", ticket="", address="192.0.2.7")


@pytest_asyncio.fixture
async def rotating(tmp_path: Path) -> AsyncIterator[World]:
    (tmp_path / "next").write_text(NEXT + "\n")
    async with opened(tmp_path, pexip='next_username = "node"\nnext_password_file = "next"') as world:
        yield world


async def ask(world: World, username: str, password: str) -> object:
    headers = {"Authorization": encode_basic_auth(username, password, encoding="utf-8")}
    url = f"{world.url}/policy/v1/service/configuration"
    async with world.session.get(url, params=JOIN, headers=headers) as response:
        return (await response.json())["action"]


@pytest.mark.parametrize(("pair", "name"), [(("pexip", PASSWORD), "current"), (("node", NEXT), "next")])
async def test_both_pairs_count_and_the_log_says_which_one_was_used(
    rotating: World, pair: tuple[str, str], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    action = await ask(rotating, *pair)

    used = [vars(record)["credential"] for record in caplog.records if record.message == "policy question"]
    assert (action, used) == ("continue", [name])


@pytest.mark.parametrize(
    "pair", [("pexip", NEXT), ("node", PASSWORD), ("node", ""), ("", NEXT), ("pexip", PASSWORD + NEXT), ("", "")]
)
async def test_a_user_name_counts_with_its_own_password_alone(rotating: World, pair: tuple[str, str]) -> None:
    assert await ask(rotating, *pair) == "reject"


async def test_the_old_user_name_goes_with_the_new_password_where_no_other_is_given(tmp_path: Path) -> None:
    (tmp_path / "next").write_text(NEXT + "\n")
    async with opened(tmp_path, pexip='next_password_file = "next"') as world:
        actions = [await ask(world, "pexip", PASSWORD), await ask(world, "pexip", NEXT)]

    assert actions == ["continue", "continue"]


async def test_nothing_is_said_of_credentials_where_there_is_one_pair_only(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    await ask(world, "pexip", PASSWORD)

    assert [record for record in caplog.records if "credential" in vars(record)] == []
