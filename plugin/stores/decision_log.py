"""The decision log: JSON lines, one for each decision, in a file that others rotate, or on standard output.

A line is handed to the system in one write before the answer leaves, so that a crash leaves whole lines behind. It is
not synced: the store's commit is what lasts through a power failure. A file that was renamed or removed is opened anew
at the next line, without a signal. It never waits in the event loop: one thread writes, in the order of the calls.
"""

import asyncio
import errno
import os
import select
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from plugin.core.errors import Unavailable
from plugin.core.reasons import Reason

STANDARD_OUTPUT = "-"
SOURCE = "decision log"
# A pipe takes this much at once or nothing (POSIX, PIPE_BUF on Linux).
CHUNK = 4096
BLOCKED_SECONDS = 0.5


async def open_decision_log(target: str) -> "FileDecisionLog":
    """Open a file, made for this user alone where it is missing, or `-`. Raises Unavailable."""
    log = FileDecisionLog(target)
    await log.append(b"")
    return log


class FileDecisionLog:
    """A `DecisionLog`. Only its thread touches the descriptor."""

    def __init__(self, target: str) -> None:
        self._path = None if target == STANDARD_OUTPUT else Path(target)
        self._descriptor: int | None = None
        self._is_torn = False
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="decision-log")

    async def append(self, line: bytes) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._append, line)
        except OSError as error:
            detail = errno.errorcode.get(error.errno or 0, type(error).__name__)
            raise Unavailable(SOURCE, Reason.STORE_UNAVAILABLE, f"{SOURCE}: {detail}") from error

    async def close(self) -> None:
        """End what has begun, then close."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)

    def _append(self, line: bytes) -> None:
        descriptor = self._open()
        # What a full disk has cut off is a line of its own, and not the head of the next one.
        whole = b"\n" + line if self._is_torn and line else line
        written = 0
        try:
            written = _write(descriptor, whole)
        finally:
            if line:
                self._is_torn = 0 < written < len(whole) or (self._is_torn and not written)
        if written < len(whole):
            raise OSError(errno.EIO, "cut off")

    def _open(self) -> int:
        if self._path is None:
            return 1
        if self._descriptor is not None and not _is_at(self._path, self._descriptor):
            self._close()
        if self._descriptor is None:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._descriptor = os.open(self._path, flags, 0o600)
            self._is_torn = _ends_torn(self._path)
        return self._descriptor

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with suppress(OSError):
                os.close(descriptor)


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except OSError:
        return False


def _ends_torn(path: Path) -> bool:
    """Say whether a file ends within a line, which another process has left so."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        if not size:
            return False
        file.seek(size - 1)
        return file.read(1) != b"\n"


def _write(descriptor: int, line: bytes) -> int:
    """Write a line at once to a file; to a pipe piece by piece, and no longer than somebody reads."""
    if not line or stat.S_ISREG(os.fstat(descriptor).st_mode):
        return os.write(descriptor, line)
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    written = 0
    while written < len(line) and poll.poll(BLOCKED_SECONDS * 1000):
        written += os.write(descriptor, line[written : written + CHUNK])
    return written
