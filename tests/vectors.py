"""Samples and test vectors that live in the folder `shared` beside the repository."""

from pathlib import Path

import pytest


def shared_folder() -> Path:
    """Return the folder; a test, or a module of tests, that needs it is skipped where it is not there."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("no folder `shared` beside the repository", allow_module_level=True)
    return folder
