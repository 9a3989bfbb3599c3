"""A whole house for each test that asks for `world`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.shell.world import World, opened


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path) as everything:
        yield everything
