"""`vestibule doctor --pexip` through each shipped proxy, as a node would come: every trial holds."""

import asyncio
import json
import os
import socket
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.deploy.test_haproxy import shipped_proxy
from tests.deploy.test_nginx import shipped_nginx
from tests.shell.parties import DeviceAuthority
from tests.shell.world import opened

VESTIBULE = str(Path(sys.executable).with_name("vestibule"))
SERVER = 'proxies = ["127.0.0.0/8"]'

Proxied = Callable[[Path, int, int], AbstractContextManager[object]]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def behind_nginx(folder: Path, service: int, own: int) -> AbstractContextManager[object]:
    folder.mkdir()
    return shipped_nginx(folder, upstream=f"127.0.0.1:{service}", own_port=own)


def behind_haproxy(folder: Path, service: int, own: int) -> AbstractContextManager[object]:
    return shipped_proxy(folder, port=service, authority=DeviceAuthority(), own_port=own)


@pytest.mark.component("openssl")
@pytest.mark.parametrize(
    ("proxied", "certificate"),
    [
        pytest.param(behind_nginx, "fullchain.pem", marks=pytest.mark.component("nginx")),
        pytest.param(behind_haproxy, "server.pem", marks=pytest.mark.component("haproxy")),
    ],
)
async def test_through_a_shipped_proxy_every_trial_of_a_node_holds(
    tmp_path: Path, proxied: Proxied, certificate: str
) -> None:
    (tmp_path / "house").mkdir()
    own = free_port()
    async with opened(tmp_path / "house", server=SERVER) as world:
        with proxied(tmp_path / "proxy", int(world.url.rpartition(":")[2]), own):
            doctor = await asyncio.create_subprocess_exec(
                *(VESTIBULE, "doctor", "--json", "--pexip", f"https://localhost:{own}"),
                *("--config", str(world.folder / "vestibule.toml")),
                stdout=PIPE,
                env={**os.environ, "SSL_CERT_FILE": str(tmp_path / "proxy" / certificate)},
            )
            said, _ = await doctor.communicate()

    lines = {line["subject"]: (line["level"], line["found"]) for line in json.loads(said)}
    # The certificate of the test ends tomorrow.
    assert lines.pop("pexip transport")[0] == "warning"
    assert {subject: line for subject, line in lines.items() if line[0] != "ok"} == {}
    assert doctor.returncode == 0
    assert {record.outcome for record in world.records} == {"deny"}
