"""The demo's clock."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.shell.demo.clock import ZONE, shift_to_morning, shifted

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


@pytest.mark.parametrize("minutes", [0, 17])
def test_it_runs_as_fast_as_the_real_one(minutes: int) -> None:
    now = datetime(2026, 11, 24, 9, tzinfo=UTC)
    clock = shifted(lambda: now + timedelta(minutes=minutes), by=timedelta(hours=-3))

    assert clock() == datetime(2026, 11, 24, 6, minutes, tzinfo=UTC)
