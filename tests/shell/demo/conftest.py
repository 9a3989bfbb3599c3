"""One running demo and one running browser for all tests that look at the page."""

from collections.abc import Iterator

import pytest

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
