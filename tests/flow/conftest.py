from collections.abc import AsyncIterator

import pytest

from plugin.flow.provider_keys import ProviderKeys
from tests.flow.provider import HandClock, House, Provider, settings


@pytest.fixture
async def house() -> AsyncIterator[House]:
    provider, clock = Provider(), HandClock()
    keys = ProviderKeys([settings()], fetch=provider, clock=clock)
    yield House(provider=provider, clock=clock, keys=keys)
    await keys.close()
