"""`vestibule doctor` beside a service that runs: what it says of itself, and whether its collector takes spans."""

import socket
from pathlib import Path

from plugin.shell.doctor.command import examine
from plugin.shell.doctor.report import Level, Line
from plugin.shell.doctor.running import COLLECTOR, SERVICE
from tests.shell.collector import Collector
from tests.shell.doctor.asking import options
from tests.shell.reloading import CLOSED, with_own_policies
from tests.shell.test_outages import locked
from tests.shell.world import World, opened


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def metrics_at(port: int) -> str:
    return f'[metrics]\nlisten = "127.0.0.1:{port}"'


async def line_of(world: World, *, subject: str = SERVICE) -> Line:
    lines = await examine(options(world.folder / "vestibule.toml"))
    (line,) = [line for line in lines if line.subject == subject]
    return line


async def test_a_service_that_decides_by_these_files_is_in_order(tmp_path: Path) -> None:
    async with opened(tmp_path, metrics=metrics_at(free_port())) as world:
        line = await line_of(world)

    assert (line.level, line.found[:18]) == (Level.OK, "ready, asks bundle")


async def test_a_service_that_is_not_there_is_a_warning(tmp_path: Path) -> None:
    async with opened(tmp_path, metrics=metrics_at(free_port())) as world:
        pass

    line = await line_of(world)

    assert (line.level, "no service answers" in line.found) == (Level.WARNING, True)


async def test_a_service_that_cannot_decide_is_a_fault_and_says_what_fails(tmp_path: Path) -> None:
    async with opened(tmp_path, metrics=metrics_at(free_port())) as world:
        with locked(world):
            line = await line_of(world)

    assert (line.level, line.found) == (Level.FAULT, "not ready: store")


async def test_policies_that_the_service_has_not_taken_up_are_a_warning(tmp_path: Path) -> None:
    async with with_own_policies(tmp_path, metrics=metrics_at(free_port())) as world:
        (tmp_path / "policies" / "closed.cedar").write_text(CLOSED)
        line = await line_of(world)

    assert (line.level, "the files hold" in line.found) == (Level.WARNING, True)


async def test_a_collector_that_takes_spans_is_told_from_one_that_does_not(tmp_path: Path) -> None:
    async with (
        Collector().running() as collector,
        opened(tmp_path, telemetry=f'endpoint = "{collector.url}"') as world,
    ):
        taken = await line_of(world, subject=COLLECTOR)

    lost = await line_of(world, subject=COLLECTOR)

    assert (taken.level, lost.level) == (Level.OK, Level.WARNING)
