"""The sockets of group look-ups: where a token does not tell somebody's groups, the vendor's own service does.

A vendor's file writes questions and reads answers, and does nothing else: the house asks, within its bounds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from plugin.ports import Fetched, IdpSettings, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSettings:
    """One `[idp.groups]` table: in whose name this house asks, with which secret, and how old an answer may become."""

    account: str
    secret: str = field(repr=False)
    kept: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One question over HTTP. `body` None = GET, else POST; `headers` hold what nobody else may read."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Groups, as policies name them, and the question for more; None = these were the last."""

    groups: frozenset[str]
    more: Ask | None = None


class Exchange(Protocol):
    """Put a question to a configured host, bounded as Fetch is. Raises Unavailable."""

    async def __call__(self, ask: Ask, *, limit: int) -> Fetched: ...


class GroupService(Protocol):
    """A vendor's service of groups. `hosts` are all that it is ever asked at."""

    @property
    def hosts(self) -> frozenset[str]: ...

    def for_token(self, *, now: datetime) -> Ask:
        """Ask for an access token of our own (RFC 6749 4.4, RFC 7523 2.1)."""

    def for_groups(self, subject: str, *, token: str) -> Ask:
        """Ask for the groups of a person, who is verified."""

    def read(self, answer: Json, *, subject: str, token: str) -> Page:
        """Read one page. Raises ValueError for an answer that is not one."""


BuildGroupService = Callable[[IdpSettings, GroupSettings], GroupService]
"""Raises ValueError for settings that could never work."""
