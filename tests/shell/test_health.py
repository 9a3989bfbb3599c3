"""`/livez` and `/readyz`: what takes a service out of a balancer, what does not, and what cannot look alive."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from plugin.ports import Json
from plugin.shell.store_check import StoreCheck
from tests.fakes import HandClock, MemoryStore
from tests.shell.scraping import scrape
from tests.shell.test_outages import locked
from tests.shell.world import World, opened

METRICS = '[metrics]\nlisten = "127.0.0.1:0"'


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, metrics=METRICS) as everything:
        yield everything


async def ask(world: World, path: str, *, at: str = "") -> tuple[int, Json]:
    async with world.session.get(f"{at or world.url}{path}") as response:
        return response.status, await response.json()


async def test_a_service_that_decides_is_live_and_ready_at_both_listeners(world: World) -> None:
    checks = {"gate": "ok", "bundle": "ok", "store": "ok"}
    ready = {"ready": True, "checks": checks, "configuration": "current"}

    for at in (world.url, world.metrics_url):
        assert await ask(world, "/livez", at=at) == (200, {"live": True})
        assert await ask(world, "/readyz", at=at) == (200, ready)


async def test_a_shut_gate_is_live_and_not_ready(world: World) -> None:
    world.gate.house = None

    status, body = await ask(world, "/readyz")

    assert (status, body["ready"]) == (503, False)
    assert body["checks"] == {"gate": "fails", "bundle": "fails", "store": "fails"}
    assert (await ask(world, "/livez"))[0] == 200


async def test_a_store_that_cannot_be_written_to_is_not_ready_until_it_can(world: World) -> None:
    with locked(world):
        status, body = await ask(world, "/readyz")
        assert (status, body["checks"]) == (503, {"gate": "ok", "bundle": "ok", "store": "fails"})

    async with asyncio.timeout(30):
        while status != 200:
            status, _ = await ask(world, "/readyz")


async def test_providers_that_are_down_leave_the_service_ready(world: World) -> None:
    world.acme.down = world.partners.hanging = True
    await world.join(await world.proofs("board", token=world.token("alice")))

    assert (await ask(world, "/readyz"))[0] == 200


async def test_what_is_ready_is_a_metric_too(world: World) -> None:
    found = await scrape(world.session, world.metrics_url)

    assert {one.labels["check"]: one.value for one in found.all("vestibule_ready")} == {
        "gate": 1,
        "bundle": 1,
        "store": 1,
    }


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_no_other_method_reads_as_ready(world: World, method: str) -> None:
    async with world.session.request(method, f"{world.url}/readyz") as response:
        assert response.status == 404


@pytest.mark.parametrize("target", ["/readyz/policy/v1/service/configuration", "//readyz", "/readyz/"])
async def test_no_policy_question_is_answered_by_a_check(world: World, target: str) -> None:
    async with world.session.get(f"{world.url}{target}") as response:
        assert '"ready"' not in await response.text()


class SlowStore(MemoryStore):
    """Counts what is written, and writes when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0
        self.may_write = asyncio.Event()

    async def put(self, kind: str, key: str, value: Json, *, expires_at: datetime, synced: bool = True) -> None:
        self.writes += 1
        await self.may_write.wait()
        await super().put(kind, key, value, expires_at=expires_at, synced=synced)


async def test_a_crowd_that_asks_costs_one_write() -> None:
    store = SlowStore()
    store.may_write.set()
    check = StoreCheck(store, clock=HandClock(), monotonic=lambda: 5.0)

    answers = await asyncio.gather(*(check.is_writable() for _ in range(100)))
    again = await check.is_writable()

    assert (set(answers), again, store.writes) == ({True}, True, 1)


async def test_an_answer_is_not_kept_for_longer_than_a_second() -> None:
    store, seconds = MemoryStore(), [5.0]
    check = StoreCheck(store, clock=HandClock(), monotonic=lambda: seconds[0])
    first = await check.is_writable()
    store.broken = True

    within = await check.is_writable()
    seconds[0] += 1
    after = await check.is_writable()

    assert (first, within, after) == (True, True, False)


async def test_a_write_that_hangs_is_no_yes_and_nothing_is_queued_behind_it() -> None:
    store, seconds = SlowStore(), [5.0]
    check = StoreCheck(store, clock=HandClock(), monotonic=lambda: seconds[0])

    hanging = await check.is_writable()
    seconds[0] += 100
    still = await check.is_writable()
    store.may_write.set()

    assert (hanging, still, store.writes) == (False, False, 1)
    await check.close()
