"""Cedar's duration literals, such as `8h` or `1d12h30m`."""

import re
from datetime import timedelta

_DURATION = re.compile(r"(-?)(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?", re.ASCII)
_UNITS = (timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1), timedelta(milliseconds=1))


def read_duration(text: str) -> timedelta:
    """Read a literal. Raises ValueError where it is none, or longer than can be counted."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"unusable duration `{text}`, expected for example `8h` or `1d12h`")
    sign, *amounts = match.groups(default="0")
    try:
        total = sum((int(amount) * unit for amount, unit in zip(amounts, _UNITS, strict=True)), timedelta())
    except OverflowError:
        raise ValueError(f"unusable duration `{text}`, it is too long") from None
    return -total if sign == "-" else total


def round_up(duration: timedelta) -> timedelta:
    """Round to whole milliseconds, which is what Cedar counts in: nothing old is made younger."""
    return -(-duration // _UNITS[-1]) * _UNITS[-1]


def write_duration(duration: timedelta) -> str:
    """Write a literal, rounded up."""
    return f"{round_up(duration) // _UNITS[-1]}ms"
