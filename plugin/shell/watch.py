"""Waits for a hint that files may have changed. Whether they have is told by their stamps, never by the hint.

Watched are folders, not files: editors and Kubernetes replace files, and a watch would stay with the one that is gone.
Where the system gives no hints (some network file systems, or no watches left), and for what happens further up, the
files are looked at every few seconds all the same.
"""

import asyncio
import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from watchfiles import Change, awatch

log = logging.getLogger(__name__)
# It would log every hint, also those that come to nothing.
logging.getLogger("watchfiles").setLevel(logging.WARNING)

# How often at least.
LOOK_SECONDS = 5.0
# As many links as Linux follows.
MOST_LINKS = 40


async def hint(files: Iterable[Path], *, until: asyncio.Event, look_seconds: float) -> bool:
    """Return True when one of these files may have changed, False when the event is set or `look_seconds` are over."""
    # watchfiles begins its own time anew with everything that happens beside these files, so it is ended from here.
    over = asyncio.Event()
    waiting = asyncio.create_task(_end_when(until, over=over, seconds=look_seconds))
    try:
        spots, folders = await asyncio.to_thread(_places, tuple(files))
        return await _hint_of(folders, spots=spots, over=over)
    except (OSError, RuntimeError, ExceptionGroup) as error:
        # A folder that has just gone or is closed, or no watches left, which may last. (watchfiles has RuntimeErrors of
        # its own, and may gather what happens in groups.)
        log.warning("files are not watched, only looked at now and then", extra={"exception": type(error).__name__})
        await over.wait()
        return False
    finally:
        waiting.cancel()


async def _end_when(until: asyncio.Event, *, over: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(until.wait(), seconds)
    over.set()


async def _hint_of(folders: frozenset[Path], *, spots: frozenset[Path], over: asyncio.Event) -> bool:
    def concerns(_: Change, path: str) -> bool:
        return Path(path) in spots or Path(path).parent in spots

    hints = awatch(*folders, watch_filter=concerns, stop_event=over, recursive=False)
    try:
        return bool(await anext(hints, None))
    finally:
        await hints.aclose()


def _places(files: tuple[Path, ...]) -> tuple[frozenset[Path], frozenset[Path]]:
    """Return what would matter if it changed, and the folders in which that would be seen."""
    named = [spot for file in files for spot in _spots(file.absolute())]
    missing = (folder for spot in named for folder in spot.parents if not folder.is_dir())
    spots = frozenset((*named, *missing, *(spot / "cases" for spot in named)))
    return spots, frozenset((*filter(Path.is_dir, spots), *map(_nearest_folder, spots)))


def _spots(file: Path) -> Iterator[Path]:
    """Yield a file, every link on the way to it, and where that way ends: each can be replaced by itself."""
    yield file
    at, ahead, links = Path(file.anchor), list(reversed(file.parts[1:])), MOST_LINKS
    while ahead:
        part = at / ahead.pop()
        if part.name == ".." or not (links and part.is_symlink()):
            at = part.parent.parent if part.name == ".." else part
            continue
        links -= 1
        yield part
        target = part.readlink()
        at = Path(target.anchor) if target.is_absolute() else at
        ahead += reversed(target.parts[1:] if target.is_absolute() else target.parts)
    yield at


def _nearest_folder(spot: Path) -> Path:
    """Return the folder that something lies in, or would lie in as far as there is one."""
    return next(folder for folder in spot.parents if folder.is_dir())
