"""How long whoever asks now would wait for this process: measured, not guessed.

What a question needs of us is turns: of the event loop, and of the store's one thread. Time that it spends waiting for
somebody else, such as an identity provider, is no strain and keeps nobody out.
"""

import asyncio
from collections.abc import Callable

from plugin.ports import Store

BEAT_SECONDS = 0.05
# A join asks the store one to six times, one after the other, and waits for a turn of the loop each time. Whoever has
# too little time all the same is refused by the deadline: this foresees it, and spares the work.
ROUNDS = 4


class Pulse:
    """How long the event loop takes to come round: everybody who is ready gets one turn in a lap."""

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._laps = (0.0, 0.0)

    def lap(self) -> float:
        """Return the seconds of a lap: of the last two the shorter, for a single long one may have been an accident."""
        return min(self._laps)

    async def measure(self) -> None:
        """Measure one lap."""
        began = self._monotonic()
        await asyncio.sleep(0)  # everybody else who is ready has had a turn when this returns
        self._laps = (self._laps[1], self._monotonic() - began)

    async def beat(self) -> None:
        """Measure, again and again."""
        while True:
            await self.measure()
            await asyncio.sleep(BEAT_SECONDS)


def expected_wait(pulse: Pulse, *, store: Store) -> float:
    """Return the seconds that the turns of a join would take if it began now, beside its own work."""
    return ROUNDS * pulse.lap() + store.waiting(calls=ROUNDS)
