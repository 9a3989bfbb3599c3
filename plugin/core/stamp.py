"""What the file system says of a file, by which a change is noticed: never what the file says of itself.

It must never hold less than what a change cannot leave as it was.
"""

import os

Stamp = tuple[object, ...]


def stamp_of(status: os.stat_result) -> Stamp:
    """Take a file's stamp."""
    # The time of the last change to the inode shows a copy that keeps the time of the last change to the text.
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
