"""How long whoever asks now would wait for this process: measured, not guessed.

What a question needs of us is turns: of the event loop, and of the store's one thread. Time that it spends waiting for
somebody else, such as an identity provider, is no strain and keeps nobody out.
"""

import asyncio
from collections.abc import Callable

from plugin.ports import Store

BEAT_SECONDS = 0.05
# A join with a ticket asks the store this often, one after the other, and waits for a turn of the loop each time.
ROUNDS = 6


class Pulse:
    """How long the event loop takes to come round: everybody who is ready gets one turn in a lap."""

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lap = 0.0
        self._due: float | None = None

    def lap(self) -> float:
        """Return the seconds of the last lap that was measured, or for how long the next one is overdue."""
        overdue = 0.0 if self._due is None else self._monotonic() - self._due
        return max(self._lap, overdue)

    async def beat(self) -> None:
        """Measure, again and again."""
        while True:
            began = self._monotonic()
            await asyncio.sleep(0)  # everybody else who is ready has had a turn when this returns
            self._lap = self._monotonic() - began
            self._due = self._monotonic() + BEAT_SECONDS
            await asyncio.sleep(BEAT_SECONDS)


def expected_wait(pulse: Pulse, *, store: Store) -> float:
    """Return the seconds that the turns of a join would take if it began now, beside its own work."""
    return ROUNDS * pulse.lap() + store.waiting(calls=ROUNDS)
