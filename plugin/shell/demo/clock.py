"""The demo's clock: real time, shifted by whole minutes so that it begins on a weekday morning in Oslo.

Partners have agreed hours, so without the shift their fate would depend on when somebody runs the demo.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Oslo")
TUESDAY = 1
BEGINS = "Tuesday 10:00, Europe/Oslo"


def shift_to_morning(now: datetime) -> timedelta:
    """Return what takes `now` to this week's or last week's Tuesday, 10:00 and the same second, in Oslo."""
    today = now.astimezone(ZONE).date()
    day = today - timedelta(days=(today.weekday() - TUESDAY) % 7)
    morning = datetime(day.year, day.month, day.day, 10, tzinfo=ZONE)
    # In UTC: within one zone, the difference of two datetimes ignores that clocks change in between.
    return morning.astimezone(UTC) - now.replace(second=0, microsecond=0)


def shifted(clock: Callable[[], datetime], *, by: timedelta) -> Callable[[], datetime]:
    """Return the clock, shifted."""
    return lambda: clock() + by
