"""Servers as processes on a core of their own, and the processor time that they and their children take."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that listens on `port`."""

    process: subprocess.Popen[bytes]
    port: int

    def cpu(self) -> float:
        """Return the seconds of user and system time that its processes have taken, all threads, to the nanosecond."""
        return sum(map(_cpu, _family(self.process.pid)))


def separate_cores() -> tuple[set[int], set[int]]:
    """Return the cores of the servers and those of the load: the same ones where there is only one."""
    first, *others = sorted(os.sched_getaffinity(0))
    return {first}, set(others[:1]) or {first}


@contextmanager
def serving(
    command: Sequence[str], *, log: Path, listening: str, cores: set[int], environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Run a server until the block ends. `listening` finds the port in what it logs, to standard error and a file."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            ["taskset", "--cpu-list", ",".join(map(str, cores)), sys.executable, *command],
            stdout=subprocess.DEVNULL,
            stderr=file,
            env={**os.environ, **(environment or {})},
        )
    try:
        yield Server(process=process, port=_port(process, log=log, listening=listening))
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()


def _port(process: subprocess.Popen[bytes], *, log: Path, listening: str) -> int:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        found = re.search(listening, log.read_text())
        if found:
            return int(found[1])
        time.sleep(0.05)
    raise RuntimeError(f"server did not start: {log.read_text()[-2000:]}")


def _family(pid: int) -> Iterator[int]:
    yield pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield from _family(int(child))


def _cpu(pid: int) -> float:
    # The clock of another process, as clock_getcpuclockid(3) names it on Linux: the id's complement, and 2 for
    # "scheduled time of all threads".
    return time.clock_gettime((~pid << 3) | 2)
