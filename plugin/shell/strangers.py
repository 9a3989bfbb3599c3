"""Connections that have not shown whose they are: bounded in number, and in how long they may say nothing.

A platform and a listed proxy are no strangers. So whoever opens connections by the thousand, or sends a request byte
by byte, takes room from other strangers alone: the one that has been quiet for longest has to go. A platform that is
not listed is a stranger until its first question, which it sends at once.

Connections of those who are known are never closed for being idle. A question that crosses such an end on its way is
lost, and a platform that gets no answer admits by itself.
"""

import resource
from collections.abc import Callable
from typing import Protocol

# A whole request is answered within half of it. It is also how long a client may keep its connection without a use.
QUIET_SECONDS = 5.0
MOST = 1_000
# What this process may have open at once: beside strangers there are platforms, proxies, the store and providers.
DESCRIPTORS = 65_536


class Connection(Protocol):
    """What a stranger's connection has to be able to do."""

    def turn_away(self) -> None:
        """Say no, whatever was going to be asked, and close."""


class Strangers:
    """The strangers' connections, longest quiet first."""

    def __init__(self, *, monotonic: Callable[[], float], most: int, seconds: float = QUIET_SECONDS) -> None:
        self._monotonic = monotonic
        self._most = most
        self._seconds = seconds
        self._heard: dict[Connection, float] = {}

    def __len__(self) -> int:
        return len(self._heard)

    def add(self, connection: Connection) -> None:
        """Take a new connection in; where there are too many, another one has to go."""
        self._heard[connection] = self._monotonic()
        if len(self._heard) > self._most:
            self._turn_away(next(iter(self._heard)))

    def hear(self, connection: Connection) -> None:
        """Note that a stranger has sent a whole request: it is the last who would have to go."""
        if self._heard.pop(connection, None) is not None:
            self._heard[connection] = self._monotonic()

    def forget(self, connection: Connection) -> None:
        """Let go of a connection that has ended, or is a stranger's no more."""
        self._heard.pop(connection, None)

    def turn_away_quiet(self) -> None:
        """Turn away whoever has said nothing whole for too long."""
        now = self._monotonic()
        for connection, heard in list(self._heard.items()):
            if now - heard < self._seconds:
                return
            self._turn_away(connection)

    def _turn_away(self, connection: Connection) -> None:
        del self._heard[connection]
        connection.turn_away()


def raise_limit() -> None:
    """Let this process open as many connections as it may: the usual limit is low, and at it nobody is let in."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def most_strangers() -> int:
    """Return how many strangers this process has room for: never more than half of what it may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if soft == resource.RLIM_INFINITY else min(MOST, soft // 2)
