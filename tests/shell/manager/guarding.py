"""A watch over a running service, whose looks are taken by hand, so that nothing waits for a clock."""

import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from plugin.flow.admissions import Admissions
from plugin.shell.check import prepare
from plugin.shell.config_manager import ManagerEntry
from plugin.shell.pexip_expected import examine_estate, room_names_of
from plugin.shell.pexip_manager import opened as opened_manager
from plugin.shell.pexip_watch import Scale, Watch
from plugin.stores.sqlite import open_sqlite
from tests.shell.manager.simulated import (
    PASSWORD,
    POLICY_URL,
    USERNAME,
    Simulated,
    sample,
    serving,
    well_kept,
)
from tests.shell.world import World, opened
from tests.vectors import shared_folder

SAMPLES = shared_folder() / "samples" / "pexip"
PARTICIPANTS = "status/v1/participant/"
DOCUMENTED = sample(SAMPLES)
ALARM = "somebody is in a meeting whom no decision admitted"
DRIFT = "pexip is configured otherwise than expected: see `doctor --pexip-manager`"


@dataclass(slots=True, kw_only=True)
class Guard:
    """A watch over a world, with its manager at hand."""

    world: World
    manager: Simulated
    watch: Watch
    scale: Scale

    def here(self, *calls: dict[str, object]) -> None:
        """Have these calls, and no others, be in conferences now."""
        self.manager.lists[PARTICIPANTS] = [*calls]

    async def look(self, *, times: int = 1) -> float:
        """Look at the participants, and return how many are unadmitted."""
        for _ in range(times):
            await self.watch.look_at_participants()
        return self.value("vestibule_pexip_unadmitted")

    async def drift(self, kind: str) -> float:
        await self.watch.look_at_configuration()
        return self.value("vestibule_pexip_drift", kind=kind, level="fault")

    def value(self, name: str, **labels: str) -> float:
        value = self.world.traces.metrics.registry.get_sample_value(name, labels)
        assert value is not None
        return value


async def without_pause(_seconds: float) -> None:
    """Ask at once."""


@asynccontextmanager
async def guarding(
    folder: Path, *, monotonic: Callable[[], float] = time.monotonic, **parts: str
) -> AsyncIterator[Guard]:
    async with opened(folder, **parts) as world, serving(well_kept()) as manager:
        entry = ManagerEntry(
            url=manager.url, username=USERNAME, password=PASSWORD, ca=None, policy_url=POLICY_URL, watch_minutes=1
        )
        checked = prepare(folder / "vestibule.toml")
        assert checked.config.pexip is not None
        store = await open_sqlite(checked.config.store_url)
        scale = Scale(
            examine=partial(examine_estate, config=checked.config, pexip=checked.config.pexip),
            directory=checked.directory,
            room_names=room_names_of(checked.config),
            admissions=Admissions(store=store, clock=world.clock),
            pseudonym=lambda call: f"pseudonym of {len(call)} characters",
        )
        async with opened_manager(entry, pause=without_pause) as reader:
            watch = Watch(reader, scale=scale, metrics=world.traces.metrics, monotonic=monotonic)
            yield Guard(world=world, manager=manager, watch=watch, scale=scale)
        await store.close()


def somebody(call: str, room: dict[str, object] | None = None, **fields: object) -> dict[str, object]:
    """Return a participant as the manager documents it, in a room of an answer."""
    result = room["result"] if room else {"name": "a room", "service_tag": ""}
    assert isinstance(result, dict)
    entered = {"conference": result["name"], "service_tag": result["service_tag"]}
    return {**DOCUMENTED, "id": f"id-of-{call}", "call_uuid": call, **entered, **fields}


async def admitted(world: World, *, call: str) -> dict[str, object]:
    """Have a guest be admitted to the town hall, and return the room."""
    room = await world.service("townhall")
    assert (await world.participant(room, call=call))["action"] == "continue"
    return room


def said(caplog: pytest.LogCaptureFixture, message: str) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.getMessage() == message]
