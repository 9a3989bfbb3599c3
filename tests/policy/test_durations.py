from datetime import timedelta

import cedarpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.policy.durations import read_duration, write_duration


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("8h", timedelta(hours=8)),
        ("1d12h30m5s7ms", timedelta(days=1, hours=12, minutes=30, seconds=5, milliseconds=7)),
        ("500ms", timedelta(milliseconds=500)),
        ("-1m", timedelta(minutes=-1)),
        ("0s", timedelta()),
    ],
)
def test_a_literal_is_read(text: str, duration: timedelta):
    assert read_duration(text) == duration


@pytest.mark.parametrize("text", ["", "-", "8", "8 h", "h", "1h1d", "1.5h", "٨h", "99999999999d", "8h\n"])
def test_what_is_no_literal_is_refused(text: str):
    with pytest.raises(ValueError, match="unusable duration"):
        read_duration(text)


def test_nothing_old_is_made_younger():
    assert write_duration(timedelta(hours=8, microseconds=1)) == "28800001ms"


@given(st.timedeltas(min_value=timedelta(), max_value=timedelta(days=1000)))
def test_cedar_understands_what_is_written(duration: timedelta):
    rule = f'permit (principal, action, resource) when {{ duration("{write_duration(duration)}") >= duration("0s") }};'

    assert cedarpy.PolicySet.from_str(rule)
    assert read_duration(write_duration(duration)) - duration < timedelta(milliseconds=1)
