"""What the service keeps on this machine: the store, and the files with its secrets. Nothing is changed or locked."""

import shutil
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

from plugin.shell.check import Checked
from plugin.shell.doctor.report import Level, Line
from plugin.stores.sqlite import SCHEME, schema_problem

LEAST_FREE = 256 * 1024 * 1024
MOST_LOG = 256 * 1024 * 1024
BUSY_SECONDS = 2.0
READ_OR_WRITE, WRITE = 0o077, 0o022
ADVICE = {
    READ_OR_WRITE: "others on this machine can read it: chmod go-rwx, and replace a secret that they may have read",
    WRITE: "others on this machine can write keys of their own into it, and then sign as the provider: chmod go-w",
}


def examine(checked: Checked) -> Iterator[Line]:
    """Look at the store and at the permissions of what should be this service's alone."""
    file = Path(checked.config.store_url.removeprefix(SCHEME))
    if not file.exists():
        yield Line(level=Level.OK, subject="store", found=f"{file} is not there yet, the first start makes it")
    else:
        yield _store(file)
        yield _log(file)
        yield permissions(file, subject="store permissions")
    yield _space(file.parent if file.parent.exists() else checked.config.file.parent)
    for path in checked.config.secret_files:
        yield permissions(path, subject="secret permissions")


def _store(file: Path) -> Line:
    try:
        connection = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)
        try:
            problem = schema_problem(connection)
            kinds = connection.execute("SELECT count(*) FROM entry").fetchone()[0] if not problem else 0
        finally:
            connection.close()
    except sqlite3.Error as error:
        found = f"{file}: {getattr(error, 'sqlite_errorname', type(error).__name__)}"
        advice = "no question can be allowed now; free the lock, or restore the file from a backup and restart"
        return Line(level=Level.FAULT, subject="store", found=found, advice=advice)
    if problem:
        return Line(level=Level.FAULT, subject="store", found=problem, advice="start the release that wrote it")
    return Line(level=Level.OK, subject="store", found=f"{file} can be read, {kinds} entries")


def _log(file: Path) -> Line:
    log = file.with_name(f"{file.name}-wal")
    size = log.stat().st_size if log.exists() else 0
    found = f"{size / 1024 / 1024:.0f} MiB wait in the write-ahead log"
    if size < MOST_LOG:
        return Line(level=Level.OK, subject="store log", found=found)
    advice = "something reads the store for very long, so that it cannot be written back: end it"
    return Line(level=Level.WARNING, subject="store log", found=found, advice=advice)


def _space(folder: Path) -> Line:
    free = shutil.disk_usage(folder).free
    found = f"{free / 1024 / 1024:.0f} MiB free in {folder}"
    if free >= LEAST_FREE:
        return Line(level=Level.OK, subject="disk", found=found)
    advice = "make room: without it nothing can be written down, and nobody is admitted"
    return Line(level=Level.FAULT, subject="disk", found=found, advice=advice)


def permissions(file: Path, *, subject: str, others: int = READ_OR_WRITE) -> Line:
    """Say whether others on this machine may do with a file what they must not."""
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
    except OSError as error:
        return Line(level=Level.FAULT, subject=subject, found=f"{file}: {error.strerror}", advice="restore the file")
    found = f"{file} has mode {mode:04o}"
    if not mode & others:
        return Line(level=Level.OK, subject=subject, found=found)
    return Line(level=Level.WARNING, subject=subject, found=found, advice=ADVICE[others])
