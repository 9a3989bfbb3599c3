"""The running service behind a conferencing platform, for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from plugin.shell.demo.node import Node
from tests.shell.whole_joins.platform import configuration, node_of
from tests.shell.world import World, opened


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, **configuration(tmp_path)) as everything:
        yield everything


@pytest.fixture
def node(world: World) -> Node:
    return node_of(world)
