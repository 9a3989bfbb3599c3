"""Asks a vendor's service for the groups of somebody whose verified token does not tell them.

Groups that nobody could look up stay unknown, which is not the same as none, and it is told why. It must never ask for
anybody who is not verified, nor at another place than the configuration leads to, nor keep an answer beyond its age.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cachetools import TTLCache

from plugin.core.errors import Refused, Unavailable
from plugin.core.identity import GroupsGap, Identity
from plugin.core.reasons import Reason
from plugin.flow.circuit import Circuit, CircuitBreaker
from plugin.group_ports import Exchange, GroupService, Page
from plugin.jose.strict_json import read_object
from plugin.ports import Clock, Fetched, Json

log = logging.getLogger(__name__)

# All pages together, and the token for them: the rest of the budget belongs to the keys and to the record.
SECONDS = 1.0
MOST_PAGES = 20
MOST_GROUPS = 11_000  # what Graph tells at most
MAX_BYTES = 1024 * 1024
MOST_KEPT = 10_000
MAX_DETAIL = 256
# Before its end, so that no token ends on its way.
TOKEN_MARGIN = timedelta(seconds=60)
LONGEST_TOKEN = timedelta(hours=1)

OK, UNAUTHORIZED, NOT_FOUND, TOO_MANY = 200, 401, 404, 429
SERVER_ERRORS = range(500, 600)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    text: str
    until: datetime


class GroupLookup:
    """The groups of one provider's people. `kept` is how old an answer may become."""

    def __init__(
        self, service: GroupService, *, issuer: str, exchange: Exchange, clock: Clock, kept: timedelta
    ) -> None:
        self._service = service
        self._issuer = issuer
        self._exchange = exchange
        self._clock = clock
        self._breaker = CircuitBreaker(f"groups of {issuer}", clock=clock)
        self._kept: TTLCache[str, frozenset[str], datetime] = TTLCache(MOST_KEPT, ttl=kept, timer=clock)
        self._token: _Token | None = None

    async def groups(self, subject: str) -> frozenset[str]:
        """Return the groups of a person. Raises Refused for one whom the service does not know, and Unavailable."""
        kept = self._kept.get(subject)
        if kept is not None:
            return kept
        if self._breaker.circuit is Circuit.OPEN:
            raise self._outage()
        found: frozenset[str] | Refused = Refused(Reason.GROUPS_UNKNOWN_PERSON)
        with self._breaker.trial():
            found = await self._within_time(subject)
        if self._breaker.failure is not None:
            raise self._outage()
        if isinstance(found, Refused):
            raise found
        self._kept[subject] = found
        return found

    def _outage(self) -> Unavailable:
        failure = self._breaker.failure
        reason = failure.reason if failure else Reason.GROUPS_UNREACHABLE
        return Unavailable(self._issuer, reason, failure.detail if failure else "")

    async def _within_time(self, subject: str) -> frozenset[str] | Refused:
        """Ask. A person whom nobody knows is an answer like any other: the service works."""
        try:
            async with asyncio.timeout(SECONDS):
                return await self._ask(subject)
        except Refused as refused:
            return refused
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
            if len(groups) > MOST_GROUPS:
                break
            if page.more is None:
                return groups
            ask = page.more
        raise self._misconfigured(f"got more than {MOST_PAGES} pages or {MOST_GROUPS} groups of one person")

    def _page(self, fetched: Fetched, *, subject: str, token: str) -> Page:
        if fetched.status == NOT_FOUND:
            raise Refused(Reason.GROUPS_UNKNOWN_PERSON, "the service of groups does not know this person")
        if fetched.status == UNAUTHORIZED:
            self._token = None
        answer = self._read(fetched)
        try:
            return self._service.read(answer, subject=subject, token=token)
        except ValueError as error:
            raise self._misconfigured(str(error)) from None

    async def _our_token(self) -> str:
        if self._token is None or self._clock() >= self._token.until:
            asked_at = self._clock()
            answer = self._read(await self._exchange(self._service.for_token(now=asked_at), limit=MAX_BYTES))
            text, seconds = answer.get("access_token"), answer.get("expires_in")
            if not isinstance(text, str) or not text.isascii() or not text.isprintable():
                raise self._misconfigured("got no `access_token`")
            lifetime = timedelta(seconds=seconds) if isinstance(seconds, int) and 0 < seconds < 10**6 else timedelta(0)
            self._token = _Token(text=text, until=asked_at + min(lifetime, LONGEST_TOKEN) - TOKEN_MARGIN)
        return self._token.text

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


async def with_groups(identity: Identity, *, lookups: Mapping[str, GroupLookup]) -> Identity:
    """Look up what a token did not tell. Where that fails, groups stay unknown, and the identity says why."""
    lookup = lookups.get(identity.issuer)
    if identity.groups is not None or lookup is None:
        return identity
    try:
        return replace(identity, groups=await lookup.groups(identity.subject))
    except (Refused, Unavailable) as failure:
        log.warning("groups not looked up", extra={"issuer": identity.issuer, "reason": failure.reason.code})
        gap = next((gap for gap in GroupsGap if gap.reason is failure.reason), GroupsGap.UNREACHABLE)
        return replace(identity, groups_gap=gap)
