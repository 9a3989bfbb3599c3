"""Giving up the rights of root, who may read and write everything, so that permissions count in tests as elsewhere."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

NOBODY = 65_534


@contextmanager
def nobody_in_particular() -> Iterator[None]:
    """Be nobody within the block, where this is root."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)
