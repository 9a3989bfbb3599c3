"""The watch that most tests of it begin with."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.shell.manager.guarding import Guard, guarding


@pytest.fixture
async def guard(tmp_path: Path) -> AsyncIterator[Guard]:
    async with guarding(tmp_path) as everything:
        yield everything
