"""Who may scrape, and where: a listener of its own, which keeps the door that platforms reach waiting for nothing."""

import asyncio
import socket
from ipaddress import ip_network
from pathlib import Path

import pytest
from aiohttp import ClientSession

from plugin.shell.check import CheckFailed, prepare
from plugin.shell.config_listeners import MetricsEntry
from plugin.shell.health import Health
from plugin.shell.metrics import Metrics
from plugin.shell.metrics_listener import listening
from tests.shell.parties import DeviceAuthority
from tests.shell.world import World, opened, write_configuration

ELSEWHERE = ip_network("198.51.100.0/24")


def problems(folder: Path, metrics: str) -> tuple[str, ...]:
    parts = {"acme": "https://a.example", "partners": "https://b.example", "authority": DeviceAuthority()}
    file = write_configuration(folder, metrics=metrics, **parts)
    file.write_text(file.read_text().replace("127.0.0.1:0", "127.0.0.1:8080"))
    try:
        prepare(file)
    except CheckFailed as failed:
        return failed.problems
    return ()


def own_address() -> str:
    """Find an address of this machine that is not loopback. No packet is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but loopback")
        return str(probe.getsockname()[0])


async def status_from(host: str, *, world: World, networks: tuple[str, ...]) -> int:
    """Scrape over an address of this machine, which is then the peer's as well."""
    entry = MetricsEntry(host=host, port=0, networks=tuple(map(ip_network, networks)))
    metrics = Metrics()
    async with (
        listening(entry, metrics=metrics, health=Health(gate=world.gate, metrics=metrics)) as port,
        ClientSession() as session,
        session.get(f"http://{host}:{port}/metrics", headers={"X-Forwarded-For": "127.0.0.1"}) as response,
    ):
        return response.status


async def test_this_machine_itself_may_always_scrape(world: World) -> None:
    assert await status_from("127.0.0.1", world=world, networks=()) == 200


async def test_an_address_that_is_listed_may_scrape_and_no_other_whatever_it_says_of_itself(world: World) -> None:
    address = own_address()

    assert await status_from(address, world=world, networks=(f"{address}/32",)) == 200
    assert await status_from(address, world=world, networks=(str(ELSEWHERE),)) == 403


def test_a_listener_that_others_can_reach_needs_to_know_whom_to_answer(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, '[metrics]\nlisten = "0.0.0.0:9464"')

    assert "metrics.networks: missing" in problem


@pytest.mark.parametrize("listen", ["127.0.0.1:8080", "0.0.0.0:8080"])
def test_the_door_that_platforms_reach_is_no_place_for_metrics(tmp_path: Path, listen: str) -> None:
    (problem,) = problems(tmp_path, f'[metrics]\nlisten = "{listen}"\nnetworks = ["198.51.100.0/24"]')

    assert "metrics.listen: got port `8080`" in problem


def test_a_misspelt_setting_is_a_problem(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, '[metrics]\nlisten = "127.0.0.1:9464"\nnetwork = []')

    assert "metrics.network: unknown key" in problem


async def test_an_address_that_cannot_be_had_keeps_nobody_from_a_decision(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        metrics = f'[metrics]\nlisten = "127.0.0.1:{taken.getsockname()[1]}"'
        async with opened(tmp_path, metrics=metrics) as world:
            assert (await world.service("townhall"))["action"] == "continue"

    assert "metrics are not served" in caplog.text


async def test_scrapers_that_come_in_a_crowd_and_never_read_keep_no_platform_waiting(tmp_path: Path) -> None:
    async with opened(tmp_path, metrics='[metrics]\nlisten = "127.0.0.1:0"') as world:
        host, _, port = world.metrics_url.removeprefix("http://").partition(":")
        crowd = [(await asyncio.open_connection(host, int(port)))[1] for _ in range(50)]
        for writer in crowd:
            writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")

        room = await world.service("townhall")

        assert room["action"] == "continue"
        for writer in crowd:
            writer.close()
