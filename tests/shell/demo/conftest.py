"""One running demo and one running browser for all tests that look at the page, and a client for who asks over HTTP."""

from collections.abc import AsyncIterator, Iterator

import pytest
from aiohttp import ClientSession

from tests.shell.demo import chromium, process


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a page on which the six have joined, and perhaps more since."""
    with process.running(tmp_path_factory.mktemp("demo")) as (_, address):
        yield address


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address that the browser is driven at."""
    with chromium.running(tmp_path_factory.mktemp("browser")) as address:
        yield address


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session
