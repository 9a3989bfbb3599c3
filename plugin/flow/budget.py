"""How long the answer to one question may take, and by when each part of it has to be over.

A platform that waits too long admits by its own database, so an answer in time is part of the decision. The parts end
by moments, not after durations: what one does not use, the next one has, and no sum of them is ever late.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

# Pexip gives up after 5 s and then admits by its own database; half of that leaves room for the network.
ANSWER_SECONDS = 2.5


class Share(Enum):
    """Seconds after the question came by which a part is over. What remains of `ANSWER_SECONDS` is for saying it.

    The device is proven before the person, and a responder that does not answer must leave time for the person's keys.
    Judging takes milliseconds; with both proofs late there is half a second for it and for the store.
    """

    DEVICE = 1.2
    IDENTITY = 1.8
    SHADOW = 2.0
    RECORD = 2.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """One question's time. It came at `since` (nanoseconds since 1970), which was `began` by the `monotonic` clock."""

    since: int
    began: float
    monotonic: Callable[[], float]

    def spent(self) -> float:
        """Return the seconds that are gone since the question came."""
        return self.monotonic() - self.began

    def due(self) -> float:
        """Return the seconds until the answer has to be out; 0 = it is late."""
        return max(0.0, ANSWER_SECONDS - self.spent())

    def left(self, share: Share) -> float:
        """Return the seconds that a part has left; 0 = it has to be over."""
        return max(0.0, self.began + share.value - self.monotonic())
