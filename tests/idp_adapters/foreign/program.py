"""A foreign program that listens on a port of this machine, started and killed as often as a test wants."""

import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

PAUSE_SECONDS = 0.02


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Program:
    """One process, which is there once it listens on `port`."""

    def __init__(self, *, port: int, patience: float) -> None:
        self._port = port
        self._patience = patience
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> None:
        """Start it, and wait until it listens, which may be a little after it has said so."""
        self._process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + self._patience
        while self._process.poll() is None and time.monotonic() < until:
            with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", self._port)):
                return
            time.sleep(PAUSE_SECONDS)
        self.stop()
        raise AssertionError(f"{command[0]} did not start")

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None
