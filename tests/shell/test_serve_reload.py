"""Reloading as an operator meets it: `vestibule serve` as a process, files, and SIGHUP."""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shell.reloading import CLOSED, LOADED, REFUSED, edit
from tests.shell.test_serve import Serving, serving
from tests.shell.world import REPOSITORY


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Serving]:
    with serving(tmp_path) as running:
        running.log_until("serving")
        yield running


def own_policies(folder: Path) -> None:
    """Have the service decide by a copy of the policies that can be changed."""
    shutil.copytree(REPOSITORY / "deploy" / "policies", folder / "policies")
    edit(folder / "vestibule.toml", old=str(REPOSITORY / "deploy" / "policies"), new="policies")


@pytest.fixture(params=["", "1"], ids=["the system tells of changes", "it does not"])
def polling(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHFILES_FORCE_POLLING", request.param)


def test_what_is_written_counts_and_what_is_faulty_does_not(polling: None, service: Serving, tmp_path: Path) -> None:
    own_policies(tmp_path)
    service.log_until(LOADED)
    assert service.ask()["action"] == "continue"

    (tmp_path / "policies" / "closed.cedar").write_text("forbid (principal, action")
    refused = service.log_until(REFUSED)[-1]
    assert ("error" in refused["level"], "closed.cedar:1" in refused["problem"]) == (True, True)
    assert service.ask()["action"] == "continue"

    (tmp_path / "policies" / "closed.cedar").write_text(CLOSED)
    service.log_until(LOADED)
    assert service.ask()["action"] == "reject"


def test_sighup_has_everything_read_again_though_nothing_has_changed(service: Serving) -> None:
    service.process.send_signal(signal.SIGHUP)

    loaded = service.log_until(LOADED)[-1]

    assert loaded["generation"] == 2
    assert service.ask()["action"] == "continue"


def survives_sighup(pid: int) -> bool:
    """Say whether the process ignores or catches SIGHUP by now; as a new one it would end of it."""
    status = Path(f"/proc/{pid}/status").read_text()
    masks = [int(line.split()[1], 16) for line in status.splitlines() if line.startswith(("SigIgn", "SigCgt"))]
    return any(mask & 1 << signal.SIGHUP - 1 for mask in masks)


def test_sighup_before_there_is_anything_to_reload_stops_nothing(tmp_path: Path) -> None:
    with serving(tmp_path) as starting:
        while not survives_sighup(starting.process.pid):
            assert starting.process.poll() is None
        starting.process.send_signal(signal.SIGHUP)
        starting.log_until("serving")

        assert starting.ask()["action"] == "continue"


def test_the_service_stops_as_ever_while_it_follows_its_files(service: Serving) -> None:
    service.process.send_signal(signal.SIGTERM)
    service.log_until("stopped")

    assert service.process.wait(timeout=30) == 0
