"""The time that one answer may take, and what each step of its path gets of it.

One `Budget` is made at the door for each question and passed down. All shares are declared here and nowhere else: no
step has a timeout of its own that could push another one past the end. Pure: the clock is a parameter.
"""

from collections.abc import Callable
from dataclasses import dataclass

# Pexip gives up after 5 s and then admits by its own database; half of that leaves room for the network.
ANSWER_SECONDS = 2.5
# Kept for the end: to put the answer into words and send it.
ANSWER = 0.2
# Kept as well, until nothing is left to prove: to judge, and to write the decision down. A store that is locked says
# so within this.
JUDGE_AND_WRITE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What a step may take: a `part` of what is left when it begins, after `keep` seconds for what comes behind it."""

    part: float
    keep: float


TICKET = Share(part=0.4, keep=JUDGE_AND_WRITE + ANSWER)
"""To find the ticket that a question belongs to."""
TRACE = Share(part=0.2, keep=JUDGE_AND_WRITE + ANSWER)
"""To find the trace that the ticket was issued in, which is worth little waiting."""
DEVICE = Share(part=0.6, keep=JUDGE_AND_WRITE + ANSWER)
"""Challenge, evidence and revocation. The person is proven after it, and must not go short."""
IDENTITY = Share(part=1.0, keep=JUDGE_AND_WRITE + ANSWER)
"""A ticket, or keys and token."""
JUDGE = Share(part=1.0, keep=ANSWER)
"""Judging takes milliseconds and cannot be interrupted: it is begun while some of this is left."""
WRITE = Share(part=1.0, keep=ANSWER)
"""To have the decision on the disk."""

# A responder that hangs is told from other trouble: it is given up while some of a whole device share is left.
RESPONDER_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The seconds of one answer, counted by `monotonic` from when its question had `arrived`."""

    arrived: float
    monotonic: Callable[[], float]
    seconds: float = ANSWER_SECONDS

    def spent(self) -> float:
        """Return the seconds that are gone."""
        return self.monotonic() - self.arrived

    def left(self) -> float:
        """Return the seconds until the answer is due, never less than none."""
        return max(0.0, self.seconds - self.spent())

    def share(self, share: Share) -> float:
        """Return the seconds that a step may take which begins now."""
        return max(0.0, self.left() - share.keep) * share.part
