"""`vestibule demo` as a process of its own, in a folder of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

COMMAND = [sys.executable, "-c", "from plugin.shell.cli import main; raise SystemExit(main())", "demo"]
SECONDS = 90


def environment(folder: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if name != "VESTIBULE_CONFIG"}
    return {**clean, "TMPDIR": str(folder)}


@contextmanager
def running(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A demo that has played once and stays, and the address of its page."""
    arguments = [*COMMAND, "--port", "0"]
    with subprocess.Popen(arguments, cwd=folder, env=environment(folder), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            address = next(line.split()[3] for line in process.stdout if "Watch it at" in line)
            yield process, address.rstrip("/")
        finally:
            process.kill()
