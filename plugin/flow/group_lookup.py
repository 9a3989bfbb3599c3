"""Asks a vendor's service for the groups of somebody whose verified token does not tell them.

Groups that nobody could look up stay unknown, which is not the same as none, and it is told why. It must never ask for
anybody who is not verified, nor at another place than the configuration leads to, nor keep an answer beyond its age.
What comes of one person must never keep others from their groups.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cachetools import LRUCache

from plugin.core.errors import Refused, Unavailable
from plugin.core.identity import GroupsGap, Identity
from plugin.core.reasons import Reason
from plugin.flow.circuit import CircuitBreaker
from plugin.group_ports import Exchange, GroupService, Page
from plugin.jose.strict_json import read_object
from plugin.jose.verify import LEEWAY
from plugin.ports import Clock, Fetched, Json

log = logging.getLogger(__name__)

# All pages together, and the token for them, whoever waits for it.
SECONDS = 1.0
MOST_PAGES = 5
# As of those that a token tells: judging takes the longer the more there are.
MOST_GROUPS = 1_000
MAX_GROUP = 255
MAX_BYTES = 256 * 1024
MOST_KEPT = 200_000  # groups, of all people together
MAX_DETAIL = 256
# Before its end, so that no token ends on its way.
TOKEN_MARGIN = timedelta(seconds=60)
LONGEST_TOKEN = timedelta(hours=1)

OK, UNAUTHORIZED, TOO_MANY = 200, 401, 429
CLIENT_ERRORS, SERVER_ERRORS = range(400, 500), range(500, 600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The groups of one person, or why they are not told; and when that was asked."""

    asked_at: datetime
    groups: frozenset[str] = frozenset()
    refused: Refused | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    until: datetime
    text: str = field(repr=False)


class GroupLookup:
    """The groups of one provider's people. `kept` is how old an answer may become."""

    def __init__(
        self, service: GroupService, *, issuer: str, exchange: Exchange, clock: Clock, kept: timedelta
    ) -> None:
        self.kept = kept
        self._service = service
        self._issuer = issuer
        self._exchange = exchange
        self._clock = clock
        self._breaker = CircuitBreaker(f"groups of {issuer}", clock=clock)
        self._told: LRUCache[str, Told] = LRUCache(MOST_KEPT, getsizeof=lambda told: 1 + len(told.groups))
        self._asking: dict[str, asyncio.Task[Told]] = {}
        self._token: _Token | None = None
        self._token_turn = asyncio.Lock()

    async def groups(self, subject: str) -> Told:
        """Return the groups of a person. Raises Refused for one of whom the service tells none, and Unavailable."""
        told = self._told.get(subject)
        if told is None or not told.asked_at - LEEWAY <= self._clock() < told.asked_at + self.kept:
            # Shielded: the first of many who wait may give up without taking the answer from the others.
            told = await asyncio.shield(self._begin(subject))
        if told.refused is not None:
            raise told.refused
        return told

    async def close(self) -> None:
        """Cancel the questions that are under way."""
        asking = tuple(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    def _begin(self, subject: str) -> asyncio.Task[Told]:
        """Ask, or join whoever is asking for the same person."""
        task = self._asking.get(subject)
        if task is None:
            task = self._asking[subject] = asyncio.create_task(self._look(subject))
            task.add_done_callback(lambda done: self._end(subject, done))
        return task

    def _end(self, subject: str, done: asyncio.Task[Told]) -> None:
        self._asking.pop(subject, None)
        if not done.cancelled():
            done.exception()  # whoever waited has heard it, and nobody may be left who did

    async def _look(self, subject: str) -> Told:
        """Look, as the circuit permits. Open, one trial at a time may try it; closed, one failure counts once."""
        failures = self._breaker.failures
        if self._breaker.failure is not None:
            if not self._breaker.permits:
                raise self._outage()
            told: Told | None = None
            with self._breaker.trial():
                told = await self._within_time(subject)
            if told is None:
                raise self._outage()
        else:
            try:
                told = await self._within_time(subject)
            except Unavailable as failure:
                if self._breaker.failures == failures:
                    self._breaker.fail(failure)
                raise
        self._told[subject] = told
        return told

    def _outage(self) -> Unavailable:
        failure = self._breaker.failure
        reason = failure.reason if failure else Reason.GROUPS_UNREACHABLE
        return Unavailable(self._issuer, reason, failure.detail if failure else "")

    async def _within_time(self, subject: str) -> Told:
        """Ask. A person of whom nothing is told is an answer like any other: the service works."""
        asked_at = self._clock()
        try:
            async with asyncio.timeout(SECONDS):
                return Told(asked_at=asked_at, groups=await self._ask(subject))
        except Refused as refused:
            return Told(asked_at=asked_at, refused=refused)
        except TimeoutError:
            raise Unavailable(self._issuer, Reason.GROUPS_UNREACHABLE, f"no answer within {SECONDS} s") from None
        except Unavailable as unavailable:
            misconfigured = unavailable.reason in (Reason.IDP_MISCONFIGURED, Reason.GROUPS_MISCONFIGURED)
            reason = Reason.GROUPS_MISCONFIGURED if misconfigured else Reason.GROUPS_UNREACHABLE
            raise Unavailable(self._issuer, reason, unavailable.detail) from None

    async def _ask(self, subject: str) -> frozenset[str]:
        token = await self._our_token()
        groups, ask = frozenset[str](), self._service.for_groups(subject, token=token)
        for _ in range(MOST_PAGES):
            page = self._page(await self._exchange(ask, limit=MAX_BYTES), subject=subject, token=token)
            groups |= page.groups
            if len(groups) > MOST_GROUPS or any(len(group) > MAX_GROUP for group in page.groups):
                break
            if page.more is None:
                return groups
            ask = page.more
        raise Refused(Reason.GROUPS_UNKNOWN_PERSON, f"more than {MOST_GROUPS} groups, or of {MAX_GROUP} characters")

    def _page(self, fetched: Fetched, *, subject: str, token: str) -> Page:
        if fetched.status == UNAUTHORIZED:
            self._token = None
        elif fetched.status in CLIENT_ERRORS and fetched.status != TOO_MANY:
            # Of this person: unknown (404), with more groups than are told (400), or not ours to ask about (403).
            raise Refused(Reason.GROUPS_UNKNOWN_PERSON, f"got status `{fetched.status}`")
        answer = self._read(fetched)
        try:
            return self._service.read(answer, subject=subject, token=token)
        except ValueError as error:
            raise self._misconfigured(str(error)) from None

    async def _our_token(self) -> str:
        async with self._token_turn:
            if self._token is None or not self._clock() < self._token.until <= self._clock() + LONGEST_TOKEN:
                self._token = await self._new_token()
            return self._token.text

    async def _new_token(self) -> _Token:
        asked_at = self._clock()
        answer = self._read(await self._exchange(self._service.for_token(now=asked_at), limit=MAX_BYTES))
        text, seconds = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(text, str) or not text.isascii() or not text.isprintable():
            raise self._misconfigured("got no `access_token`")
        lifetime = timedelta(seconds=seconds) if isinstance(seconds, int) and 0 < seconds < 10**6 else timedelta(0)
        return _Token(text=text, until=asked_at + min(lifetime, LONGEST_TOKEN) - TOKEN_MARGIN)

    def _read(self, fetched: Fetched) -> Json:
        if fetched.status == TOO_MANY or fetched.status in SERVER_ERRORS:
            raise Unavailable(self._issuer, Reason.GROUPS_UNREACHABLE, f"got status `{fetched.status}`")
        if fetched.status != OK:  # an account that may not ask, or a question that is not understood
            raise self._misconfigured(f"got status `{fetched.status}`, expected `{OK}`")
        try:
            return read_object(fetched.body)
        except ValueError as error:
            raise self._misconfigured(f"{error!s:.{MAX_DETAIL}}") from None

    def _misconfigured(self, detail: str) -> Unavailable:
        return Unavailable(self._issuer, Reason.GROUPS_MISCONFIGURED, detail)


async def with_groups(identity: Identity, *, lookups: Mapping[str, GroupLookup], seconds: float = SECONDS) -> Identity:
    """Look up what a token did not tell, for so long. Where that fails, groups stay unknown, and it is said why."""
    lookup = lookups.get(identity.issuer)
    if identity.groups is not None or lookup is None:
        return identity
    try:
        async with asyncio.timeout(seconds):
            told = await lookup.groups(identity.subject)
    except (Refused, Unavailable) as failure:
        gap = next((gap for gap in GroupsGap if gap.reason is failure.reason), GroupsGap.UNREACHABLE)
    except TimeoutError:
        gap = GroupsGap.UNREACHABLE
    else:
        return replace(identity, groups=told.groups, groups_until=told.asked_at + lookup.kept)
    log.warning("groups not looked up", extra={"issuer": identity.issuer, "reason": gap.reason.code})
    return replace(identity, groups_gap=gap)
