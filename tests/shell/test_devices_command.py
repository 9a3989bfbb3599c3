"""`vestibule devices`, as a process of its own beside the running service.

Its clock is the machine's, so the service has the same.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from plugin.core.reasons import Reason
from tests.devices import FORMAT, KeyedDevice
from tests.shell.test_enrolment import EVIDENCE, enrol, join, reason
from tests.shell.world import World, opened


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, now=datetime.now(UTC), enrolment=EVIDENCE) as opening:
        yield opening


async def devices(world: World, *arguments: str) -> tuple[int, str]:
    """Run the command, with a configuration of the same store that names no format of the tests."""
    file = world.folder / "vestibule.toml"
    text = file.read_text().replace(f'[[evidence]]\nname = "keys"\nformat = "{FORMAT}"\n', "")
    (world.folder / "command.toml").write_text(text)
    run = "import sys; from plugin.shell.cli import main; sys.exit(main())"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", run, "devices", arguments[0], "--config", str(world.folder / "command.toml"),
        *arguments[1:], stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def test_an_approved_device_proves_itself_until_it_is_revoked(world: World) -> None:
    device = KeyedDevice()
    await enrol(world, device)

    assert (await devices(world, "approve", device.id))[0] == 0
    approved = await join(world, device)
    assert (await devices(world, "revoke", device.id))[0] == 0
    revoked = await join(world, device)

    assert approved["decision"] == "allow", approved
    assert reason(revoked) == Reason.DEVICE_REVOKED.code


async def test_a_revoked_device_cannot_be_approved_again(world: World) -> None:
    device = KeyedDevice()
    await enrol(world, device)
    await devices(world, "revoke", device.id)

    code, said = await devices(world, "approve", device.id)

    assert (code, Reason.DEVICE_REVOKED.sentence in said) == (1, True)


async def test_devices_are_listed_with_what_an_administrator_decides_by(world: World) -> None:
    device = KeyedDevice()
    await enrol(world, device, name="laptop\x1b[2J")

    _, said = await devices(world, "list", "--json")
    _, table = await devices(world, "list")

    (row,) = json.loads(said)
    assert (row["id"], row["state"], row["owner"]) == (device.id, "pending", f"{world.acme.url}#alice")
    assert device.id in table
    assert "\x1b" not in said + table


async def test_an_invitation_enrols_one_device_of_one_person(world: World) -> None:
    _, said = await devices(world, "invite", f"{world.acme.url}#alice")
    invitation = said.strip()

    first = await enrol(world, KeyedDevice(), invitation=invitation)
    second = await enrol(world, KeyedDevice(), invitation=invitation)

    assert (first[0], first[1]["state"]) == (201, "active")
    assert (second[0], reason(second[1])) == (403, Reason.INVITATION_REFUSED.code)


async def test_an_invitation_that_somebody_else_presents_is_burnt(world: World) -> None:
    _, said = await devices(world, "invite", f"{world.acme.url}#alice")

    thief = await enrol(world, KeyedDevice(), person="mallory", invitation=said.strip())
    alice = await enrol(world, KeyedDevice(), invitation=said.strip())

    assert [reason(thief[1]), reason(alice[1])] == [Reason.INVITATION_REFUSED.code] * 2


async def test_the_inventory_approves_what_it_lists_and_refuses_what_is_somebody_elses(tmp_path: Path) -> None:
    async with opened(tmp_path, now=datetime.now(UTC), enrolment=EVIDENCE + 'approval = "inventory"') as world:
        (tmp_path / "inventory.csv").write_text(f"serial,owner\nS-1,{world.acme.url}#alice\nS-2,\n")
        code, said = await devices(world, "import", str(tmp_path / "inventory.csv"))
        assert code == 0, said

        listed = await enrol(world, KeyedDevice(serial="S-1"))
        anybodys = await enrol(world, KeyedDevice(serial="S-2"), person="bob")
        stolen = await enrol(world, KeyedDevice(serial="S-1"), person="mallory")
        unlisted = await enrol(world, KeyedDevice(serial="S-3"))

    assert [answer[1].get("state") for answer in (listed, anybodys, unlisted)] == ["active", "active", "pending"]
    assert reason(stolen[1]) == Reason.INVENTORY_OWNER.code


@pytest.mark.parametrize("text", ["serial,owner\n,\n", "serial,owner\nS-1,nobody\n", "name\nlaptop\n"])
async def test_an_inventory_with_a_fault_is_not_imported(world: World, text: str) -> None:
    (world.folder / "inventory.csv").write_text(text)

    code, said = await devices(world, "import", str(world.folder / "inventory.csv"))

    assert (code, "expected `serial`" in said) == (1, True)
