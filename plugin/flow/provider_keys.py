"""The keys of the configured providers: found by discovery, kept, and renewed before anybody has to wait for them.

A set of keys is served at once while it is fresh. Once stale it is still served, and a renewal runs behind it. After
a day without a successful renewal it is dropped, and nobody can be verified until the provider answers again.

It must never ask an issuer that is not configured, nor let what callers present decide how often a provider is asked.
"""

import asyncio
import logging
from collections import ChainMap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from authlib.oidc.discovery import OpenIDProviderMetadata
from cachetools import TTLCache

from plugin.core.errors import Refused, Unavailable
from plugin.core.reasons import Reason
from plugin.jose.keys import MAX_BYTES, KeySet, parse_jwks
from plugin.jose.strict_json import read_object
from plugin.jose.verify import LEEWAY
from plugin.ports import Clock, Fetch, Fetched, IdpSettings

log = logging.getLogger(__name__)

# What a provider says about caching counts between these two. The longest leaves as long again for renewals that
# fail, before the keys are dropped.
SHORTEST_FRESH = timedelta(minutes=5)
LONGEST_FRESH = timedelta(hours=12)
KEPT = timedelta(hours=24)

COOL_DOWN = timedelta(seconds=30)
FIRST_BACK_OFF = timedelta(seconds=5)
MOST_DOUBLINGS = 4
LONGEST_WAIT = FIRST_BACK_OFF * 2**MOST_DOUBLINGS

# A key id that the provider does not know is believed to be unknown for this long, and this many are remembered.
UNKNOWN_FOR = timedelta(minutes=2)
MOST_UNKNOWN = 1024

OK = 200
TOO_MANY_REQUESTS = 429
SERVER_ERRORS = range(500, 600)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderHealth:
    """How asking a provider for its keys has gone. `failure` is the last fetch's, and `failures` are those in a row."""

    fetched_at: datetime | None
    failures: int
    failure: Reason | None


class ProviderKeys:
    """The keys of all configured providers."""

    def __init__(self, providers: Iterable[IdpSettings], *, fetch: Fetch, clock: Clock) -> None:
        self._providers = {settings.issuer: _Provider(settings, fetch=fetch, clock=clock) for settings in providers}

    @classmethod
    def of(cls, parts: Iterable["ProviderKeys"]) -> "ProviderKeys":
        """Look up in all of these, of which each stays its owner's to close."""
        whole = cls.__new__(cls)
        held = [part._providers for part in parts]  # noqa: SLF001 - of this class
        whole._providers = dict(ChainMap(*held))  # noqa: SLF001 - of this class
        return whole

    async def keys(self, issuer: str, *, key_id: str | None) -> KeySet:
        """Return the issuer's keys, looked up anew where `key_id` is not among them. Raises Refused or Unavailable."""
        provider = self._providers.get(issuer)
        if provider is None:
            raise Refused(Reason.TOKEN_ISSUER, "the issuer is not among the configured ones")
        return await provider.keys(key_id)

    def health(self, issuer: str) -> ProviderHealth:
        """Say how a configured provider is, without asking it anything."""
        return self._providers[issuer].health

    async def close(self) -> None:
        """Cancel the renewals that are under way."""
        await asyncio.gather(*(provider.close() for provider in self._providers.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    keys: KeySet
    fetched_at: datetime
    stale_at: datetime
    dropped_at: datetime

    def is_usable(self, now: datetime) -> bool:
        """Keys from the future are of no known age: the clock has been set back since, and nobody knows how far."""
        return self.fetched_at - LEEWAY <= now < self.dropped_at


class _Provider:
    """One issuer's keys, the outcome of the last renewal, and the one renewal that may be under way."""

    def __init__(self, settings: IdpSettings, *, fetch: Fetch, clock: Clock) -> None:
        self._settings = settings
        self._fetch = fetch
        self._clock = clock
        self._held: _Held | None = None
        self._renewal: asyncio.Task[None] | None = None
        self._failure: Unavailable | None = None
        self._failures = 0
        self._retry_at = datetime.min.replace(tzinfo=UTC)
        self._cool_at = datetime.min.replace(tzinfo=UTC)
        self._unknown: TTLCache[str, None, datetime] = TTLCache(MOST_UNKNOWN, ttl=UNKNOWN_FOR, timer=clock)

    @property
    def health(self) -> ProviderHealth:
        return ProviderHealth(
            fetched_at=self._held.fetched_at if self._held else None,
            failures=self._failures,
            failure=self._failure.reason if self._failure else None,
        )

    async def keys(self, key_id: str | None) -> KeySet:
        now = self._clock()
        if self._held is None or not self._held.is_usable(now):
            await self._renew(due=_has_come(self._retry_at, now=now))
        elif now >= self._held.stale_at and _has_come(self._retry_at, now=now):
            self._begin_renewal()
        keys = self._usable_keys()
        if key_id is None or keys.has(key_id) or key_id in self._unknown:
            return keys
        return await self._look_for(key_id)

    async def close(self) -> None:
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.wait([self._renewal])

    def _usable_keys(self) -> KeySet:
        if self._held is not None and self._held.is_usable(self._clock()):
            return self._held.keys
        raise self._outage()

    def _outage(self) -> Unavailable:
        if self._failure is None:
            return Unavailable(self._settings.issuer, Reason.IDP_UNREACHABLE)
        return Unavailable(self._settings.issuer, self._failure.reason, self._failure.detail)

    async def _look_for(self, key_id: str) -> KeySet:
        """Look for a key id that may be new: renew once, then cool down, so that forged ones cannot hammer the IdP."""
        asked = await self._renew(due=_has_come(self._cool_at, now=self._clock()))
        keys = self._usable_keys()
        if keys.has(key_id):
            return keys
        if self._failure is not None:
            raise self._outage()  # nobody could look, so nobody knows that the key id is forged
        if asked:
            self._unknown[key_id] = None
        return keys

    async def _renew(self, *, due: bool) -> bool:
        """Wait for the renewal under way, or for a new one if it is due; say whether there was one."""
        if self._renewal is None and not due:
            return False
        # Shielded: the first of many who wait may give up without taking the renewal from the others.
        await asyncio.shield(self._begin_renewal())
        return True

    def _begin_renewal(self) -> asyncio.Task[None]:
        if self._renewal is None:
            self._renewal = asyncio.create_task(self._run_renewal())
            self._renewal.add_done_callback(self._end_renewal)
        return self._renewal

    def _end_renewal(self, _: asyncio.Task[None]) -> None:
        self._renewal = None

    async def _run_renewal(self) -> None:
        """Renew, and keep the outcome for whoever asks next: what is held stays where the provider fails."""
        self._retry_at = self._cool_at = self._clock() + COOL_DOWN
        try:
            self._held = await self._load()
        except Unavailable as failure:
            self._failure = failure
            self._failures += 1
            back_off = FIRST_BACK_OFF * 2 ** min(self._failures - 1, MOST_DOUBLINGS)
            self._retry_at = self._clock() + back_off
            fields = {"issuer": self._settings.issuer, "reason": failure.reason.code, "detail": failure.detail}
            log.warning("provider keys not renewed", extra=fields)
        else:
            self._failure = None
            self._failures = 0

    async def _load(self) -> _Held:
        """Discover and fetch. The metadata is read each time: providers move their keys rarely, but unannounced."""
        # OIDC Discovery 4: a slash at the end goes before the path is appended.
        url = f"{self._settings.issuer.removesuffix('/')}/.well-known/openid-configuration"
        metadata = await self._document(url)
        try:
            key_set_url = _find_key_set_url(read_object(metadata.body), settings=self._settings)
            document = await self._document(key_set_url)
            keys = parse_jwks(document.body)
        except ValueError as error:
            raise Unavailable(self._settings.issuer, Reason.IDP_MISCONFIGURED, str(error)) from None
        now = self._clock()
        fresh = min(max(timedelta(seconds=document.max_age or 0), SHORTEST_FRESH), LONGEST_FRESH)
        return _Held(keys=keys, fetched_at=now, stale_at=now + fresh, dropped_at=now + KEPT)

    async def _document(self, url: str) -> Fetched:
        fetched = await self._fetch(url, limit=MAX_BYTES)
        if fetched.status == OK:
            return fetched
        passing = fetched.status == TOO_MANY_REQUESTS or fetched.status in SERVER_ERRORS
        reason = Reason.IDP_UNREACHABLE if passing else Reason.IDP_MISCONFIGURED
        raise Unavailable(self._settings.issuer, reason, f"got status `{fetched.status}` from `{url}`, expected `{OK}`")


def _has_come(moment: datetime, *, now: datetime) -> bool:
    """Say whether a wait is over; one that is longer than any we make is from before the clock was set back."""
    return now >= moment or moment - now > LONGEST_WAIT


def _find_key_set_url(metadata: Mapping[str, object], *, settings: IdpSettings) -> str:
    """Find where the keys are. Raises ValueError for metadata that is another's, or that leads elsewhere."""
    if metadata.get("issuer") != settings.issuer:  # OIDC Discovery 4.3: identical
        raise ValueError(f"metadata names another issuer, expected `{settings.issuer}`")
    url = metadata.get("jwks_uri")
    if not isinstance(url, str):
        raise ValueError("metadata has no text in `jwks_uri`")  # noqa: TRY004 - a fault of the text, like the others
    OpenIDProviderMetadata(metadata).validate_jwks_uri()
    issuer, parts = urlsplit(settings.issuer), urlsplit(url)
    if parts.scheme not in ("https", issuer.scheme):
        raise ValueError("got keys over http, expected https as for the issuer")
    hosts = settings.key_hosts | {issuer.hostname}
    if parts.hostname not in hosts:
        raise ValueError(f"got keys at host `{parts.hostname!s:.64}`, expected one of {sorted(filter(None, hosts))}")
    return url
