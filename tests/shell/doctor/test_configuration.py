"""`vestibule doctor` on an installation: what is well, and what each fault looks like, with advice."""

import sqlite3
from pathlib import Path

import pytest

from plugin.shell.cli import main
from plugin.shell.doctor.command import examine
from plugin.shell.doctor.report import Level, Line
from tests.shell.doctor.asking import options
from tests.shell.parties import DeviceAuthority
from tests.shell.world import World, write_configuration

ACME, PARTNERS = "https://sso.acme.example", "https://sso.partners.example"


async def lines_of(world: World) -> dict[str, Line]:
    for secret in (world.folder / "secrets").iterdir():
        secret.chmod(0o600)
    lines = await examine(options(world.folder / "vestibule.toml"))
    return {line.subject: line for line in lines}


async def test_an_installation_in_order_has_no_faults(world: World):
    lines = await lines_of(world)

    assert [line for line in lines.values() if line.level is not Level.OK] == []
    assert lines.keys() >= {
        "configuration",
        "store",
        "disk",
        f"idp {world.acme.url} keys",
        f"idp {world.acme.url} clock",
    }


async def test_a_provider_that_is_down_is_told_from_one_that_is_misconfigured(world: World):
    world.acme.down = True

    lines = await lines_of(world)

    assert lines[f"idp {world.acme.url} keys"].found.startswith("idp-unreachable")
    assert lines[f"idp {world.partners.url} keys"].level is Level.OK


async def test_usable_keys_are_told_by_id_and_algorithm_and_how_long_they_do(world: World):
    lines = await lines_of(world)

    found = lines[f"idp {world.acme.url} keys"].found
    assert found == f'1 usable: `"{world.acme.key.kid}"` for ES256; kept for 24 h while it does not answer'


async def test_a_store_that_another_process_holds_is_a_fault_and_examining_it_changes_nothing(world: World):
    file = world.folder / "state" / "vestibule.db"
    rival = sqlite3.connect(file, isolation_level=None)
    rival.execute("PRAGMA user_version = 99")
    rival.close()

    lines = await lines_of(world)

    assert "schema version `99`" in lines["store"].found
    assert lines["store"].level is Level.FAULT


async def test_a_secret_that_others_can_read_is_a_warning(world: World):
    lines = await lines_of(world)
    assert lines["secret permissions"].level is Level.OK
    (world.folder / "secrets" / "pexip").chmod(0o644)

    told = await examine(options(world.folder / "vestibule.toml"))

    (line,) = [line for line in told if line.level is not Level.OK]
    assert (line.level, line.subject) == (Level.WARNING, "secret permissions")
    assert "0644" in line.found


def test_a_faulty_configuration_is_a_fault_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = write_configuration(tmp_path, acme=ACME, partners=PARTNERS, authority=DeviceAuthority())
    file.write_text(file.read_text().replace("[policy]", "[policy]\nhouses = 1"))

    assert main(["doctor", "--config", str(file)]) == 1
    assert f"FAIL configuration: {file}: policy.houses: " in capsys.readouterr().out


def test_what_is_wrong_is_never_said_without_advice():
    with pytest.raises(ValueError, match="advice"):
        Line(level=Level.WARNING, subject="store", found="it is slow")
