"""A house whose files can be changed, and a way to wait for what it says of them."""

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from plugin.shell.check import Checked, prepare
from tests.shell.world import REPOSITORY, World, opened

LOADED = "configuration loaded"
REFUSED = "configuration refused, the one before goes on deciding"
CLOSED = """
@id("closed-for-now") @message("Closed for now.")
forbid (principal, action == Action::"join", resource);
"""
STUCK_SECONDS = 30


@asynccontextmanager
async def with_own_policies(
    folder: Path, *, look: Callable[[Path], Checked] = prepare, asked: asyncio.Event | None = None, **parts: str
) -> AsyncIterator[World]:
    """Run a house that has its own copy of the policies, in `policies`."""
    shutil.copytree(REPOSITORY / "deploy" / "policies", folder / "policies")
    async with opened(folder, look=look, asked=asked, bundle="policies", **parts) as world:
        yield world


def edit(file: Path, *, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


class Heard(logging.Handler):
    """What the service says of its configuration."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._said: asyncio.Queue[logging.LogRecord] = asyncio.Queue()

    def emit(self, record: logging.LogRecord) -> None:
        self._said.put_nowait(record)

    async def next(self) -> str:
        """Wait for the next thing that is said, and return it with the problem that it is about."""
        async with asyncio.timeout(STUCK_SECONDS):
            record = await self._said.get()
        return " ".join(filter(None, (record.getMessage(), vars(record).get("problem"))))


@contextmanager
def listening() -> Iterator[Heard]:
    logger, heard = logging.getLogger("plugin.shell.reload"), Heard()
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(heard)
    try:
        yield heard
    finally:
        logger.removeHandler(heard)
        logger.setLevel(level)
