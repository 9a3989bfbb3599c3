"""What files looked like just before they were read: how a change is noticed, also one while they were being read.

A stamp never follows what a file says, only what the file system says of it.
"""

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from stat import S_ISDIR

from plugin.core.stamp import Stamp, stamp_of

Stamps = Mapping[Path, Stamp | None]
"""By path as it was named; None = there was nothing that could be read."""

# A folder that is no bundle may hold anything: it is looked at so far and no further.
MOST_ENTRIES = 1_000
LEVELS = 2


def stamp(path: Path, *, levels: int = LEVELS) -> Stamp | None:
    """Take a file's stamp, or a folder's with all that is in it but hidden files. Links are followed."""
    try:
        status = path.stat()
        if not S_ISDIR(status.st_mode):
            return stamp_of(status)
        within: tuple[object, ...] = ()
        if levels:
            entries = sorted(entry for entry in islice(path.iterdir(), MOST_ENTRIES) if not entry.name.startswith("."))
            within = tuple((entry.name, stamp(entry, levels=levels - 1)) for entry in entries)
    except (OSError, ValueError):  # such as a name with a zero byte in it
        return None
    # Its own times would change with every hidden file that an editor keeps in it.
    return (status.st_dev, status.st_ino, *within)


def differ(stamps: Stamps) -> bool:
    """Say whether any of these files is not as it was."""
    return any(stamp(path) != before for path, before in stamps.items())
