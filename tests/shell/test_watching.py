"""Files that change the way editors, Kubernetes and people change them, under a running service that follows them."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import pytest

from plugin.shell.check import Checked, prepare
from plugin.shell.watch import hint
from tests.rights import nobody_in_particular
from tests.shell.reloading import CLOSED, LOADED, REFUSED, STUCK_SECONDS, Heard, edit, listening, with_own_policies
from tests.shell.world import World


@asynccontextmanager
async def followed(
    folder: Path, *, look: Callable[[Path], Checked] = prepare, asked: asyncio.Event | None = None
) -> AsyncIterator[tuple[World, Heard]]:
    async with with_own_policies(folder, look=look, asked=asked) as world:
        with listening() as heard:
            async with world.reloader.watching():
                yield world, heard


async def is_closed(world: World) -> bool:
    return (await world.service("townhall"))["action"] == "reject"


def in_place(folder: Path) -> None:
    policies = folder / "policies" / "admission.cedar"
    with policies.open("a") as file:
        file.write(CLOSED)


def renamed_over(folder: Path) -> None:
    policies = folder / "policies" / "admission.cedar"
    new = policies.with_name(".admission.cedar.new")
    new.write_text(policies.read_text() + CLOSED)
    new.rename(policies)


def moved_away_and_written_anew(folder: Path) -> None:
    policies = folder / "policies" / "admission.cedar"
    text = policies.read_text()
    policies.rename(folder / "admission.cedar.bak")
    policies.write_text(text + CLOSED)


def another_folder(folder: Path) -> None:
    shutil.copytree(folder / "policies", folder / "next")
    (folder / "next" / "closed.cedar").write_text(CLOSED)
    (folder / "policies").rename(folder / "before")
    (folder / "next").rename(folder / "policies")


def with_the_times_of_old(folder: Path) -> None:
    """As `cp -p` and archives do: the time of the last change lies in the past."""
    policies = folder / "policies" / "admission.cedar"
    new = folder / "admission.cedar.new"
    new.write_text(policies.read_text() + CLOSED)
    shutil.copystat(policies, new)
    shutil.copy2(new, policies)


WAYS = [in_place, renamed_over, moved_away_and_written_anew, another_folder, with_the_times_of_old]


@pytest.mark.parametrize("change", WAYS, ids=lambda way: way.__name__)
async def test_a_change_is_noticed_however_it_is_made(tmp_path: Path, change: Callable[[Path], None]) -> None:
    async with followed(tmp_path) as (world, heard):
        change(tmp_path)

        assert await heard.next() == LOADED
        assert await is_closed(world)


async def test_a_second_folder_in_the_place_of_the_first_is_followed_as_well(tmp_path: Path) -> None:
    async with followed(tmp_path) as (world, heard):
        another_folder(tmp_path)
        first = await heard.next()
        (tmp_path / "policies" / "closed.cedar").unlink()

        assert (first, await heard.next()) == (LOADED, LOADED)
        assert not await is_closed(world)


def config_map(volume: Path, *, version: str, files: dict[str, str]) -> None:
    """Fill a volume as the kubelet does: files behind `..data`, which is replaced by renaming a link over it."""
    (volume / version).mkdir(parents=True)
    for name, text in files.items():
        (volume / version / name).write_text(text)
        if not (volume / name).is_symlink():
            (volume / name).symlink_to(f"..data/{name}")
    (volume / "..data_tmp").symlink_to(version)
    old = (volume / "..data").resolve() if (volume / "..data").is_symlink() else None
    (volume / "..data_tmp").rename(volume / "..data")
    if old:
        shutil.rmtree(old)


async def test_the_link_that_kubernetes_swaps_is_followed(tmp_path: Path) -> None:
    async with with_own_policies(tmp_path) as world:
        files = {file.name: file.read_text() for file in (tmp_path / "policies").iterdir() if file.is_file()}
        shutil.rmtree(tmp_path / "policies")
        config_map(tmp_path / "policies", version="..2026_11_24", files=files)
        with listening() as heard:
            async with world.reloader.watching():
                mounted = await heard.next()
                config_map(tmp_path / "policies", version="..2026_11_25", files={**files, "closed.cedar": CLOSED})
                swapped = await heard.next()

                assert (mounted, swapped) == (LOADED, LOADED)
                assert await is_closed(world)


async def test_a_secret_behind_a_link_is_followed(tmp_path: Path) -> None:
    async with with_own_policies(tmp_path) as world:
        shutil.rmtree(tmp_path / "secrets" / "pexip", ignore_errors=True)
        (tmp_path / "secrets" / "pexip").unlink()
        config_map(tmp_path / "mounted", version="..1", files={"pexip": "first-password\n"})
        (tmp_path / "secrets" / "pexip").symlink_to(tmp_path / "mounted" / "pexip")
        with listening() as heard:
            async with world.reloader.watching():
                await heard.next()
                config_map(tmp_path / "mounted", version="..2", files={"pexip": "second-password\n"})
                await heard.next()

                answer = await world.pexip("service/configuration", password="first-password")
                assert answer["reason"] == "caller-unauthenticated"


async def test_a_broken_state_in_between_is_refused_and_the_good_one_after_it_counts(tmp_path: Path) -> None:
    async with followed(tmp_path) as (world, heard):
        policies = tmp_path / "policies" / "admission.cedar"
        whole = policies.read_text() + CLOSED
        policies.write_text(whole[: len(whole) - len(CLOSED) // 2])
        broken = await heard.next()
        meanwhile = await is_closed(world)
        policies.write_text(whole)

        assert (broken.startswith(REFUSED), meanwhile) == (True, False)
        assert await heard.next() == LOADED
        assert await is_closed(world)


async def test_a_file_that_has_gone_is_a_problem_and_its_return_is_noticed(tmp_path: Path) -> None:
    async with followed(tmp_path) as (world, heard):
        file = tmp_path / "vestibule.toml"
        text = file.read_text()
        file.unlink()
        gone = await heard.next()
        meanwhile = await is_closed(world)
        file.write_text(text)

        assert ("cannot read the file" in gone, meanwhile) == (True, False)
        assert await heard.next() == LOADED


async def test_a_secret_that_is_named_before_it_is_there_counts_when_it_comes(tmp_path: Path) -> None:
    async with followed(tmp_path) as (_, heard):
        edit(tmp_path / "vestibule.toml", old="secrets/pexip", new="later/pexip")
        missing = await heard.next()
        (tmp_path / "later").mkdir()
        (tmp_path / "later" / "pexip").write_text("another-password\n")

        assert "cannot read `later/pexip`" in missing
        assert await heard.next() == LOADED


async def test_in_a_storm_of_changes_there_is_one_check_at_a_time_and_the_last_state_counts(tmp_path: Path) -> None:
    under_way, most, asked = 0, 0, asyncio.Event()

    def counted(file: Path) -> Checked:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        try:
            return prepare(file)
        finally:
            under_way -= 1

    async with followed(tmp_path, look=counted, asked=asked) as (world, heard):
        policies = tmp_path / "policies" / "admission.cedar"
        whole = policies.read_text()
        for count in range(200):
            policies.write_text(f"{whole}// {count}\n")
            asked.set()
            await world.challenge("board")
        policies.write_text(whole + CLOSED)
        while not await is_closed(world):
            await heard.next()

    assert most == 1


async def test_what_lies_beside_the_files_is_nobodys_business(tmp_path: Path) -> None:
    async with followed(tmp_path) as (world, heard):
        (tmp_path / ".vestibule.toml.swp").write_text("x")
        (tmp_path / "policies" / ".admission.cedar.swp").write_text("x")
        await world.service("townhall")  # writes to the store, which is beside them
        in_place(tmp_path)

        assert await heard.next() == LOADED
        assert world.gate.standing.generation == 2


async def test_what_is_written_beside_the_files_all_the_time_keeps_no_look_at_them_back(tmp_path: Path) -> None:
    (tmp_path / "vestibule.toml").touch()
    busy = asyncio.create_task(write_again_and_again(tmp_path / "some.log"))

    async with asyncio.timeout(STUCK_SECONDS):
        seen = await hint([tmp_path / "vestibule.toml"], until=asyncio.Event(), look_seconds=0.5)

    busy.cancel()
    assert seen is False


async def write_again_and_again(file: Path) -> None:
    for number in count():
        await asyncio.to_thread(file.write_text, str(number))
        await asyncio.sleep(0.05)


async def test_a_folder_that_nobody_may_look_into_costs_hints_and_nothing_else(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    (closed / "vestibule.toml").touch()
    closed.chmod(0o000)
    with nobody_in_particular():
        seen = await hint([closed / "vestibule.toml"], until=asyncio.Event(), look_seconds=0.2)
    closed.chmod(0o700)

    assert seen is False
