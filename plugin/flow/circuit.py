"""The circuit breaker of one provider: whether it may be asked now, after how it went the last times.

Closed = the last question went well. Open = it failed, and nothing is asked for a wait that doubles with each failure.
Half-open = the wait is over: the next question, on which all who come meanwhile wait, is a trial.

It must never be moved by what callers present, only by what the provider answers.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import Enum

from plugin.core.errors import Unavailable
from plugin.ports import Clock

log = logging.getLogger(__name__)

COOL_DOWN = timedelta(seconds=30)
FIRST_BACK_OFF = timedelta(seconds=5)
MOST_DOUBLINGS = 4
LONGEST_WAIT = FIRST_BACK_OFF * 2**MOST_DOUBLINGS


class Circuit(Enum):
    """How the way to a provider stands."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class CircuitBreaker:
    """Counts what fails in a row. `failure` is the last trial's, None where that went well."""

    def __init__(self, issuer: str, *, clock: Clock) -> None:
        self._issuer = issuer
        self._clock = clock
        self._retry_at = datetime.min.replace(tzinfo=UTC)
        self._is_on_trial = False
        self.failure: Unavailable | None = None
        self.failures = 0

    @property
    def permits(self) -> bool:
        """Say whether a trial may begin."""
        return has_come(self._retry_at, now=self._clock())

    @property
    def circuit(self) -> Circuit:
        if self.failure is None:
            return Circuit.CLOSED
        return Circuit.HALF_OPEN if self._is_on_trial or self.permits else Circuit.OPEN

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Ask within the block. Unavailable opens the circuit, and goes no further; a good end closes it.

        Anything else passes through: a bug, which whoever meets it tells by `fail`, or being cancelled.
        """
        # Whatever comes of it, it is not to be repeated at once.
        self._retry_at = self._clock() + COOL_DOWN
        self._is_on_trial = True
        if self.failure is not None:
            self._tell(Circuit.HALF_OPEN, level=logging.INFO)
        try:
            yield
        except Unavailable as failure:
            self.fail(failure)
        else:
            self._close()
        finally:
            self._is_on_trial = False

    def fail(self, failure: Unavailable) -> None:
        """Open the circuit, for longer each time."""
        self.failure = failure
        self.failures += 1
        self._retry_at = self._clock() + FIRST_BACK_OFF * 2 ** min(self.failures - 1, MOST_DOUBLINGS)
        self._tell(Circuit.OPEN, level=logging.WARNING, reason=failure.reason.code, detail=failure.detail)

    def _close(self) -> None:
        was_open = self.failure is not None
        self.failure, self.failures = None, 0
        if was_open:
            self._tell(Circuit.CLOSED, level=logging.INFO)

    def _tell(self, circuit: Circuit, *, level: int, **why: str) -> None:
        fields = {"issuer": self._issuer, "circuit": circuit.value, "failures": self.failures, **why}
        log.log(level, "circuit of an identity provider changed", extra=fields)


def has_come(moment: datetime, *, now: datetime) -> bool:
    """Say whether a wait is over; one that is longer than any we make is from before the clock was set back."""
    return now >= moment or moment - now > LONGEST_WAIT
