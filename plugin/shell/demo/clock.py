"""The demo's clock: real time, shifted by whole minutes so that it begins on a weekday morning in Oslo.

Partners have agreed hours, so without the shift their fate would depend on when somebody runs the demo.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Oslo")
TUESDAY = 1
MORNING = time(10)
BEGINS = "Tuesday 10:00, Europe/Oslo"


def shift_to_morning(now: datetime) -> timedelta:
    """Return what takes `now` to this week's or last week's Tuesday, 10:00 and the same second, in Oslo."""
    today = now.astimezone(ZONE).date()
    day = today - timedelta(days=(today.weekday() - TUESDAY) % 7)
    return _shift(now, to=datetime.combine(day, MORNING, tzinfo=ZONE))


def _shift(now: datetime, *, to: datetime) -> timedelta:
    # In UTC: within one zone, the difference of two datetimes ignores that clocks change in between.
    return to.astimezone(UTC) - now.replace(second=0, microsecond=0)


class DemoClock:
    """What everybody in the demo looks at: the providers, the service and the players. `real` is real time."""

    def __init__(self, real: Callable[[], datetime]) -> None:
        self._real = real
        self._shift = shift_to_morning(real())
        self._first_day = self().astimezone(ZONE).date()

    def __call__(self) -> datetime:
        return self._real() + self._shift

    @contextmanager
    def moved(self, *, days: int, at: time) -> Iterator[None]:
        """Let it be another moment within the block, so many days after the demo's first one, and then go on."""
        kept = self._shift
        moment = datetime.combine(self._first_day + timedelta(days=days), at, tzinfo=ZONE)
        self._shift = _shift(self._real(), to=moment)
        try:
            yield
        finally:
            self._shift = kept
