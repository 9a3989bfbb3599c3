"""The store of a real process fails under it: explicit rejects in time, one line in the log, recovery by itself."""

import errno
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import pytest

from plugin.stores.sqlite import MIGRATIONS
from tests.shell.faults.process import Running, Site, site

ANSWER_DEADLINE = 3.0


@contextmanager
def locked(place: Site) -> Iterator[None]:
    rival = sqlite3.connect(place.store, isolation_level=None)
    rival.execute("BEGIN EXCLUSIVE")
    yield
    rival.execute("ROLLBACK")
    rival.close()


@contextmanager
def moved_away(place: Site) -> Iterator[None]:
    elsewhere = place.store.with_name("elsewhere.db")
    place.store.rename(elsewhere)
    yield
    elsewhere.rename(place.store)


@contextmanager
def replaced(place: Site) -> Iterator[None]:
    """Put another store in its place, which has never heard of what was used."""
    empty = place.store.with_name("empty.db")
    connection = sqlite3.connect(empty)
    connection.executescript(";".join((*chain.from_iterable(MIGRATIONS), f"PRAGMA user_version = {len(MIGRATIONS)}")))
    connection.close()
    with moved_away(place):
        empty.rename(place.store)
        yield


@contextmanager
def failing(place: Site) -> Iterator[None]:
    armed = place.world.folder / "armed"
    armed.touch()
    yield
    armed.unlink()


Fault = Callable[[Site], "contextmanager[None]"]


async def see_it_through(place: Site, running: Running, *, fault: Fault) -> dict[str, object]:
    """See that nobody gets in while the store fails, and everybody does before and after. Returns the log's line."""
    world = place.world
    assert (await world.service("townhall"))["action"] == "continue"
    proofs = await world.proofs("board", token=world.token("alice"))
    assert (await world.join(proofs))["decision"] == "redirect"
    with fault(place):
        for _ in range(3):
            started = time.monotonic()
            during = await world.service("townhall")
            assert time.monotonic() - started < ANSWER_DEADLINE
            assert during["action"] == "reject"
        replay = await world.join(proofs)
    assert replay["decision"] == "deny"
    assert (await world.service("townhall"))["action"] == "continue"
    assert await running.says("store recovered") is not None
    lines = [line for line in running.log if line["message"] == "store failing"]
    assert len(lines) == 1
    return lines[0]


@pytest.mark.parametrize(
    ("fault", "advice"),
    [(locked, "another process"), (moved_away, "put the same file back"), (replaced, "put the same file back")],
)
async def test_a_store_that_fails_refuses_everybody_and_recovers_without_a_restart(
    tmp_path: Path, fault: Fault, advice: str
) -> None:
    async with site(tmp_path) as place, place.running() as running:
        await running.says("serving")
        line = await see_it_through(place, running, fault=fault)

    assert advice in str(line["advice"])
    assert line["level"] == "error"


@pytest.mark.component("cc")
@pytest.mark.parametrize(
    ("error", "advice"), [(errno.ENOSPC, "disk"), (errno.EROFS, "read-only"), (errno.EIO, "kernel's log")]
)
async def test_a_disk_that_takes_nothing_refuses_everybody_and_recovers_without_a_restart(
    tmp_path: Path, stumble: Path, error: int, advice: str
) -> None:
    async with site(tmp_path) as place:
        environment = {"STUMBLE_ERROR": str(error), "STUMBLE_WHILE": str(tmp_path / "armed")}
        async with place.running(environment={"LD_PRELOAD": str(stumble), **environment}) as running:
            await running.says("serving")
            line = await see_it_through(place, running, fault=failing)

    assert advice in str(line["advice"])


def corrupt(place: Site) -> None:
    place.store.write_bytes(b"no database, and never one" * 1000)


def make_newer(place: Site) -> None:
    with sqlite3.connect(place.store) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()


def make_a_folder(place: Site) -> None:
    place.store.mkdir()


@pytest.mark.parametrize(
    ("spoil", "advice"),
    [(corrupt, "put the right one back"), (make_newer, "run that release"), (make_a_folder, "put the same file back")],
)
async def test_a_store_that_is_spoiled_starts_nothing_and_says_what_to_do(
    tmp_path: Path, spoil: Callable[[Site], None], advice: str
) -> None:
    async with site(tmp_path) as place:
        place.store.parent.mkdir()
        spoil(place)
        async with place.running() as running:
            assert running.process.stderr is not None
            said = (await running.process.stderr.read()).decode()
            code = await running.process.wait()

    assert code == 1
    assert said.splitlines()[-1].startswith("cannot start: store `sqlite:///")
    assert advice in said.splitlines()[-1]
    assert "Traceback" not in said
