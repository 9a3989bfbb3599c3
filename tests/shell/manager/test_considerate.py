"""What the watch takes of others: of a manager a few requests at a time, of the answers to joins nothing."""

import asyncio
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from plugin.shell.check import CheckFailed, prepare
from plugin.shell.config_manager import ManagerEntry
from plugin.shell.pexip_manager import PAUSE_SECONDS, opened
from tests.shell.manager.guarding import Guard, somebody
from tests.shell.manager.simulated import PASSWORD, POLICY_URL, USERNAME, serving, status, well_kept
from tests.shell.parties import DeviceAuthority
from tests.shell.world import write_configuration


class Pauses:
    """Pauses that last until the loop comes round again, and how many there ever were at once."""

    def __init__(self) -> None:
        self.taken: list[float] = []
        self.now = 0
        self.most = 0

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0)
        self.now -= 1


async def test_both_looks_at_once_ask_no_faster_than_one(tmp_path: Path):
    pauses = Pauses()
    async with serving(well_kept()) as manager:
        manager.faults["configuration/v1/conference/"] = status(503)
        entry = ManagerEntry(
            url=manager.url, username=USERNAME, password=PASSWORD, ca=None, policy_url=POLICY_URL, watch_minutes=1
        )
        async with opened(entry, pause=pauses) as reader:
            await asyncio.gather(reader.estate(), reader.participants(), reader.participants())

    assert (pauses.most, set(pauses.taken)) == (1, {PAUSE_SECONDS})
    assert len(pauses.taken) == len(manager.asked)  # one before each request, be it in vain or not


class Names(dict[str, str]):
    """Names of rooms that know in which thread they are looked up."""

    def get(self, key: str, default: str | None = None) -> str | None:
        self[key] = threading.current_thread().name
        return default


async def test_whoever_is_there_is_found_out_beside_the_answers(guard: Guard):
    names = Names()
    guard.watch.hold_against(replace(guard.scale, room_names=names))
    guard.here(somebody("call-1", conference="canteen", service_tag="lunch"))
    await guard.look()

    assert names
    assert threading.current_thread().name not in names.values()


@pytest.mark.parametrize("content", ["", "\n", "no certificate\n"])
def test_a_file_without_any_authority_is_a_problem(tmp_path: Path, content: str):
    (tmp_path / "empty.pem").write_text(content)
    (tmp_path / "manager-password").write_text(PASSWORD)
    table = '[pexip.manager]\nurl = "https://manager.example.com"\nusername = "reader"\n'
    file = write_configuration(
        tmp_path,
        acme="https://sso.example.com",
        partners="https://sso.partners.example",
        authority=DeviceAuthority(),
        pexip=f'{table}password_file = "manager-password"\nca_file = "empty.pem"\n',
    )

    with pytest.raises(CheckFailed) as failed:
        prepare(file)

    assert [problem for problem in failed.value.problems if "pexip.manager.ca_file" in problem]
