"""Local time around the shifts to and from summer time: what a policy sees of it."""

from dataclasses import replace
from datetime import datetime

import pytest

from plugin.policy.judge import judge
from tests.policy.people import FACTS, bundle, is_denied


@pytest.mark.parametrize(
    ("now", "weekday", "hour", "minute"),
    [
        ("2026-10-24T23:59:00Z", 7, 1, 59),
        ("2026-10-25T00:00:00Z", 7, 2, 0),
        ("2026-10-25T00:59:59Z", 7, 2, 59),
        ("2026-10-25T01:00:00Z", 7, 2, 0),
        ("2026-10-25T01:59:00Z", 7, 2, 59),
        ("2026-10-25T02:00:00Z", 7, 3, 0),
        ("2026-10-25T22:59:00Z", 7, 23, 59),
        ("2026-10-25T23:00:00Z", 1, 0, 0),
        ("2027-03-27T22:59:00Z", 6, 23, 59),
        ("2027-03-27T23:00:00Z", 7, 0, 0),
        ("2027-03-28T00:59:59Z", 7, 1, 59),
        ("2027-03-28T01:00:00Z", 7, 3, 0),
        ("2027-03-28T22:00:00Z", 1, 0, 0),
    ],
)
def test_policies_read_the_clock_on_the_wall(now: str, weekday: int, hour: int, minute: int):
    wall = f'Clock::"Europe/Oslo".weekday == {weekday} && Clock::"Europe/Oslo".minuteOfDay == {hour * 60 + minute}'
    rule = f'@id("now") permit (principal, action, resource) when {{ {wall} }};'

    assert not is_denied(judge(bundle(rule), replace(FACTS, now=datetime.fromisoformat(now))))
