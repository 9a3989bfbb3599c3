"""`serve` with a watch: it looks by itself and shows what it sees; whatever the manager does, answers go on."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from tests.shell.manager.simulated import PASSWORD, USERNAME, Simulated, serving, status, well_kept
from tests.shell.reloading import edit
from tests.shell.scraping import scrape
from tests.shell.world import opened

PARTICIPANTS = "status/v1/participant/"
METRICS = '[metrics]\nlisten = "127.0.0.1:0"\n'
SECONDS = 30.0
"""Until a test gives up on an event that has to come; none waits for it to pass."""


def watched(folder: Path, manager: Simulated, *, minutes: int = 1) -> dict[str, str]:
    """Return the parts of a configuration that watches a manager."""
    (folder / "manager-password").write_text(f"{PASSWORD}\n")
    table = f'[pexip.manager]\nurl = "{manager.url}"\nusername = "{USERNAME}"\npassword_file = "manager-password"\n'
    return {"pexip": f"{table}watch_minutes = {minutes}\n", "metrics": METRICS}


async def test_a_running_service_looks_by_itself_and_shows_what_it_sees(tmp_path: Path):
    manager = well_kept()
    manager.change("policy_server", enable_service_lookup=False)
    async with serving(manager), opened(tmp_path, **watched(tmp_path, manager)) as world:
        async with asyncio.timeout(SECONDS):
            while not await drift_of(world.session, world.metrics_url):
                pass  # the service looks in its own time
        scraped = await scrape(world.session, world.metrics_url)

    assert {sample.labels["what"] for sample in scraped.all("vestibule_pexip_look_age_seconds")} == {
        "configuration",
        "participants",
    }


@pytest.mark.parametrize(("manager_stays", "shown"), [(True, 1), (False, 0)])
async def test_a_reload_forgets_what_was_seen_only_where_another_manager_is_watched(
    tmp_path: Path, manager_stays: bool, shown: int
):
    manager = well_kept()
    manager.change("policy_server", enable_service_lookup=False)
    async with serving(manager), opened(tmp_path, **watched(tmp_path, manager)) as world:
        async with asyncio.timeout(SECONDS):
            while not await drift_of(world.session, world.metrics_url):
                pass  # the service looks in its own time
        change = ('"budget"', '"budget-2"') if manager_stays else (manager.url, "http://127.0.0.1:9")
        edit(world.folder / "vestibule.toml", old=change[0], new=change[1])
        await world.reloader.reload()

        assert world.gate.standing.generation == 2
        assert await drift_of(world.session, world.metrics_url) == shown


async def drift_of(session: ClientSession, url: str) -> float:
    found = (await scrape(session, url)).all("vestibule_pexip_drift", kind="switch", level="fault")
    return found[0].value if found else 0


@pytest.mark.parametrize("minutes", [0, 1])
async def test_only_a_watch_that_is_set_asks_the_manager(tmp_path: Path, minutes: int):
    manager, asked = well_kept(), asyncio.Event()

    async def note(_request: web.Request) -> web.StreamResponse:
        asked.set()
        return web.Response(status=503)

    manager.faults[PARTICIPANTS] = note
    async with serving(manager), opened(tmp_path, **watched(tmp_path, manager, minutes=minutes)) as world:
        if minutes:
            async with asyncio.timeout(SECONDS):
                await asked.wait()
        await world.service("townhall")

    assert bool(manager.asked) is bool(minutes)


async def test_a_manager_that_hangs_holds_up_neither_an_answer_nor_the_end(tmp_path: Path):
    manager, asked = well_kept(), asyncio.Event()

    async def hang(_request: web.Request) -> web.StreamResponse:
        asked.set()
        await manager.ended.wait()
        return web.Response()

    manager.faults |= dict.fromkeys((*manager.lists, PARTICIPANTS), hang)
    async with serving(manager), opened(tmp_path, **watched(tmp_path, manager)) as world:
        async with asyncio.timeout(SECONDS):
            await asked.wait()
        answer = await world.service("townhall")

    assert answer["action"] == "continue"


async def test_a_manager_that_refuses_everything_keeps_nobody_out(tmp_path: Path):
    manager = well_kept()
    manager.faults |= dict.fromkeys((*manager.lists, PARTICIPANTS), status(500))
    async with serving(manager), opened(tmp_path, **watched(tmp_path, manager)) as world:
        room = await world.service("townhall")
        entered = await world.participant(room, call="call-1")

    assert (room["action"], entered["action"]) == ("continue", "continue")
