"""`vestibule doctor` on the configuration alone."""

from pathlib import Path

import pytest

from plugin.shell.cli import main
from plugin.shell.doctor.report import Level, Line
from tests.shell.parties import DeviceAuthority
from tests.shell.world import write_configuration


@pytest.fixture
def file(tmp_path: Path) -> Path:
    acme, partners = "https://sso.acme.example", "https://sso.partners.example"
    return write_configuration(tmp_path, acme=acme, partners=partners, authority=DeviceAuthority())


def test_a_good_configuration_is_said_to_be_one(file: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["doctor", "--config", str(file)]) == 0
    assert capsys.readouterr().out.startswith("ok   configuration: ")


def test_a_faulty_configuration_is_a_fault_with_its_place(file: Path, capsys: pytest.CaptureFixture[str]):
    file.write_text(file.read_text().replace("[policy]", "[policy]\nhouses = 1"))

    assert main(["doctor", "--config", str(file)]) == 1
    assert f"FAIL configuration: {file}: policy.houses: " in capsys.readouterr().out


def test_what_is_wrong_is_never_said_without_advice():
    with pytest.raises(ValueError, match="advice"):
        Line(level=Level.WARNING, subject="store", found="it is slow")
