"""What ends: said before it does, and no reason for the service to stay down when it has."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from plugin.shell.check import check
from plugin.shell.check_devices import Ends, check_device_cas
from plugin.shell.cli import main
from plugin.shell.toml_reader import Problems
from tests.attestation.pki import NOON, Issued, authority, trust
from tests.revocation.authority import DAY, HOUR, ISSUING, ROOT, crl
from tests.shell.parties import DeviceAuthority
from tests.shell.world import write_configuration

SHORT = authority("Short-lived CA", until=NOON + 10 * DAY)


def checked(folder: Path, *anchors: Issued, crls: bytes = b"", now: datetime = NOON, **settings: object) -> Ends:
    (folder / "device-ca.crl").write_bytes(crls)
    files = (folder / "device-ca.crl",) if crls else ()
    problems = Problems(file="vestibule.toml", folder=folder)
    ends = check_device_cas((trust(*anchors, crl_files=files, **settings),), now=now, problems=problems)
    assert problems.found == []
    return ends


def test_what_lasts_is_not_mentioned(tmp_path: Path) -> None:
    assert checked(tmp_path, ROOT, crls=crl(by=ROOT)) == Ends()


@pytest.mark.parametrize(("warn_days", "mentioned"), [(14, True), (10, True), (9, False)])
def test_an_anchor_that_ends_soon_is_mentioned(tmp_path: Path, warn_days: int, mentioned: bool) -> None:
    ends = checked(tmp_path, ROOT, SHORT, warn_days=warn_days)

    assert bool(ends.soon) == mentioned
    assert all(text.startswith("device_ca[0].certificates_file: the anchor") for text in ends.soon)


def test_a_list_in_the_last_quarter_of_its_time_is_mentioned_an_intermediates_too(tmp_path: Path) -> None:
    crls = crl(by=ROOT, since=NOON - DAY, until=NOON + 7 * DAY) + crl(
        by=ISSUING, since=NOON - 3 * HOUR, until=NOON + HOUR
    )

    ends = checked(tmp_path, ROOT, crls=crls)

    assert ends.expired == ()
    assert ends.soon == ("device_ca[0].crl_file: a list ends on 2026-06-01T13:00+00:00",)


def test_a_list_that_has_ended_is_an_error(tmp_path: Path) -> None:
    ends = checked(tmp_path, ROOT, crls=crl(by=ROOT, since=NOON - DAY, until=NOON))

    assert ends.soon == ()
    assert len(ends.expired) == 1


def test_an_expired_anchor_needs_no_list(tmp_path: Path) -> None:
    old = authority("Old CA", until=NOON - DAY)

    assert checked(tmp_path, ROOT, old, crls=crl(by=ROOT)).expired == ()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    acme, partners = "https://sso.acme.example", "https://sso.partners.example"
    return write_configuration(
        tmp_path, acme=acme, partners=partners, authority=DeviceAuthority(), device_ca='crl_file = "own.crl"'
    )


def set_list(file: Path, *, until: datetime) -> None:
    """Put the CA itself and a list of its own into the configuration's folder."""
    (file.parent / "device-ca.pem").write_bytes(ROOT.pem)
    (file.parent / "own.crl").write_bytes(crl(by=ROOT, since=datetime.now(UTC) - 9 * DAY, until=until))


def test_check_prints_what_ends_soon_and_exits_with_0(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    set_list(file, until=datetime.now(UTC) + timedelta(hours=1))

    code = main(["check", "--config", str(file)])

    assert code == 0
    assert "warning: device_ca[0].crl_file: a list ends on" in capsys.readouterr().out


def test_check_calls_an_expired_list_an_error_but_the_service_may_start(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    set_list(file, until=datetime.now(UTC) - timedelta(hours=1))

    code = main(["check", "--config", str(file)])

    assert code == 1
    assert "device_ca[0].crl_file: a list has expired on" in capsys.readouterr().err
    assert check(file).ends.expired
