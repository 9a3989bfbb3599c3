"""Bad tokens without end: none is accepted, and none decides how often a provider is asked."""

from datetime import datetime

import pytest

from plugin.flow.circuit import COOL_DOWN
from tests.bench.flood import ready
from tests.fakes import HandClock
from tests.jose.garbage import GARBAGE
from tests.shell.world import World

SIZE = 200


class RunningClock(HandClock):
    """Runs a little with each look: a flood of two hundred takes some cool-downs."""

    def __call__(self) -> datetime:
        self.move(milliseconds=100)
        return self.now


@pytest.mark.parametrize("kind", GARBAGE)
async def test_garbage_is_refused_and_asks_a_provider_no_more_than_the_cool_down_allows(kind: str) -> None:
    async with ready(clock=RunningClock()) as flood:
        wave = await flood.wave(kind, size=SIZE)

    assert wave.wrong == 0
    assert wave.asked <= wave.may_ask


async def test_a_new_key_id_in_each_token_asks_the_provider_once_in_a_cool_down(world: World) -> None:
    minutes, each = 2, 5  # seconds
    await world.join(await world.proofs("board", token=world.token("alice")))
    before = world.acme.times_asked

    decisions = []
    for _ in range(minutes * 60 // each):
        world.clock.move(seconds=each)
        forged = GARBAGE["a key id each"](world.acme, world.clock())
        decisions.append((await world.join(await world.proofs("board", token=forged)))["decision"])

    assert set(decisions) == {"deny"}
    assert 0 < (world.acme.times_asked - before) // 2 <= minutes * 60 / COOL_DOWN.total_seconds()
