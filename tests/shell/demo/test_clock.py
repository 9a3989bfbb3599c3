"""The demo's clock."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.shell.demo.clock import ZONE, DemoClock, shift_to_morning

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


@given(MOMENTS)
def test_it_begins_on_a_tuesday_at_ten_in_oslo(now: datetime) -> None:
    begins = (now + shift_to_morning(now)).astimezone(ZONE)

    assert (begins.weekday(), begins.hour, begins.minute) == (1, 10, 0)


@given(MOMENTS)
def test_it_is_shifted_by_whole_minutes_and_less_than_a_week(now: datetime) -> None:
    shift = shift_to_morning(now)

    assert shift % timedelta(minutes=1) == timedelta()
    assert abs(shift) < timedelta(days=8)


class RealTime:
    """Real time, as a test lets it pass."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def test_it_runs_as_fast_as_the_real_one() -> None:
    real = RealTime(datetime(2026, 11, 26, 15, 30, 12, tzinfo=UTC))
    clock = DemoClock(real)

    real.now += timedelta(minutes=17)

    assert clock() == datetime(2026, 11, 24, 9, 17, 12, tzinfo=UTC)


@given(MOMENTS, st.integers(0, 20))
def test_a_moment_is_counted_from_the_day_on_which_the_demo_began(now: datetime, days_later: int) -> None:
    real = RealTime(now)
    clock = DemoClock(real)
    real.now += timedelta(days=days_later)

    with clock.moved(days=5, at=time(12)):
        moved = clock().astimezone(ZONE)

    began = (now + shift_to_morning(now)).astimezone(ZONE)
    assert (moved.date() - began.date(), moved.hour, moved.minute) == (timedelta(days=5), 12, 0)


def test_it_runs_on_at_another_moment() -> None:
    real = RealTime(datetime(2026, 11, 26, 15, tzinfo=UTC))
    clock = DemoClock(real)

    with clock.moved(days=1, at=time(21)):
        began = clock()
        real.now += timedelta(seconds=9)

        assert clock() - began == timedelta(seconds=9)


def test_it_goes_on_where_it_was_also_after_a_failure() -> None:
    clock = DemoClock(RealTime(datetime(2026, 11, 26, 15, tzinfo=UTC)))
    before = clock()

    with pytest.raises(ValueError, match="failed"), clock.moved(days=1, at=time(21)):
        raise ValueError("failed")

    assert clock() == before
