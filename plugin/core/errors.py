"""The two errors an adapter may raise. Only `flow.find` turns them into facts.

`Refused` means: looked, and it is bad. `Unavailable` means: could not look. They never carry tokens,
evidence or names of people; `detail` is for operators and holds got and expected in backticks.
"""

from plugin.core.reasons import Reason


class Refused(Exception):
    """What was presented was looked at and is bad."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason.code}: {detail}" if detail else reason.code)
        self.reason = reason
        self.detail = detail


class Unavailable(Exception):
    """What was presented could not be looked at: `source` names the thing that did not answer."""

    def __init__(self, source: str, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{source}: {reason.code}: {detail}" if detail else f"{source}: {reason.code}")
        self.source = source
        self.reason = reason
        self.detail = detail
