"""The command `vestibule serve` as an operator meets it: a process that is started, asked, and told to stop."""

import json
import signal
import socket
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.shell.parties import DeviceAuthority
from tests.shell.world import PASSWORD, caller, write_configuration

STUCK_SECONDS = 30
SERVE = [str(Path(sys.executable).with_name("vestibule")), "serve", "--config"]


class Serving:
    """A running `vestibule serve`."""

    def __init__(self, process: subprocess.Popen[str], *, port: int) -> None:
        self.process = process
        self.port = port

    def ask(self) -> dict[str, object]:
        """Ask for a room that takes guests."""
        query = urlencode(caller("townhall", ticket="", address="192.0.2.7"))
        url = f"/policy/v1/service/configuration?{query}"
        credential = b64encode(f"pexip:{PASSWORD}".encode()).decode()
        connection = HTTPConnection("127.0.0.1", self.port, timeout=STUCK_SECONDS)
        connection.request("GET", url, headers={"Authorization": f"Basic {credential}"})
        response = connection.getresponse()
        assert response.status == 200
        answer: dict[str, object] = json.load(response)
        return answer

    def log_until(self, message: str) -> list[dict[str, object]]:
        """Read the log up to a message."""
        assert self.process.stderr is not None
        lines = []
        for line in self.process.stderr:
            lines.append(json.loads(line))
            if lines[-1]["message"] == message:
                return lines
        raise AssertionError(lines)


@contextmanager
def serving(folder: Path) -> Iterator[Serving]:
    authority = DeviceAuthority()
    file = write_configuration(folder, acme="https://a.example", partners="https://b.example", authority=authority)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    file.write_text(file.read_text().replace("127.0.0.1:0", f"127.0.0.1:{port}"))
    process = subprocess.Popen([*SERVE, str(file)], stderr=subprocess.PIPE, text=True)
    try:
        yield Serving(process, port=port)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.communicate()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Serving]:
    with serving(tmp_path) as running:
        running.log_until("serving")
        yield running


def test_it_answers_as_soon_as_it_says_so(service: Serving) -> None:
    assert service.ask()["action"] == "continue"


def test_told_to_stop_it_rejects_until_it_is_gone_and_exits_with_0(service: Serving) -> None:
    service.process.send_signal(signal.SIGTERM)
    service.log_until("draining")

    while_draining = service.ask()
    code = service.process.wait(STUCK_SECONDS)

    assert (while_draining["action"], while_draining["reason"], code) == ("reject", "not-serving", 0)


def test_the_log_holds_nothing_that_was_asked(service: Serving) -> None:
    service.ask()
    service.process.send_signal(signal.SIGTERM)

    log = json.dumps(service.log_until("draining"))

    for text in ("A Person", "townhall", "192.0.2.7", PASSWORD):
        assert text not in log


def test_a_faulty_configuration_starts_nothing(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        running.process.kill()
        running.process.wait()
    file = tmp_path / "vestibule.toml"
    file.write_text(file.read_text().replace("sqlite:///", "mysql:///"))

    done = subprocess.run(
        [*SERVE, str(file)],
        capture_output=True,
        text=True,
        timeout=STUCK_SECONDS,
        check=False,
    )

    assert done.returncode == 1
    assert "store.url" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_store_that_cannot_be_opened_is_said_in_one_line(tmp_path: Path) -> None:
    file = write_configuration(
        tmp_path, acme="https://a.example", partners="https://b.example", authority=DeviceAuthority()
    )
    (tmp_path / "state").write_text("in the way")

    done = subprocess.run([*SERVE, str(file)], capture_output=True, text=True, timeout=STUCK_SECONDS, check=False)

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("cannot start: store `sqlite:///")
    assert "Traceback" not in done.stderr
