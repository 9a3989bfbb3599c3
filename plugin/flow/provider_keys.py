"""The keys of the configured providers: looked up, kept, and renewed before anybody has to wait for them.

A set of keys is served at once while it is fresh. Once stale it is still served, and a renewal runs behind it. At its
declared age, a day by default, it is dropped, and nobody can be verified until the provider answers again. Keys whose
file is gone are dropped by the next look at it.

It must never ask an issuer that is not configured, nor let what callers present decide how often a provider is asked.
"""

import asyncio
import logging
from collections import ChainMap
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cachetools import TTLCache

from plugin.core.errors import Refused, Unavailable
from plugin.core.reasons import Reason
from plugin.flow.circuit import COOL_DOWN, Circuit, CircuitBreaker, has_come
from plugin.flow.key_sources import KeyFile, KeySource, Loaded, Published, Withdrawn
from plugin.jose.keys import Key, KeySet
from plugin.jose.verify import LEEWAY
from plugin.ports import Clock, Fetch, IdpSettings

log = logging.getLogger(__name__)

# A key id that the provider does not know is believed to be unknown for this long, and this many are remembered.
UNKNOWN_FOR = timedelta(minutes=2)
MOST_UNKNOWN = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderHealth:
    """How asking a provider for its keys has gone, and which are held.

    `failure` is the last fetch's, and `failures` are those in a row. `changed_at` is when a renewal last brought other
    keys than were held, None where none has.
    """

    fetched_at: datetime | None
    changed_at: datetime | None
    keys: int
    circuit: Circuit
    failures: int
    failure: Reason | None


class ProviderKeys:
    """The keys of all configured providers."""

    def __init__(self, providers: Iterable[IdpSettings], *, fetch: Fetch, clock: Clock) -> None:
        self._providers = {
            settings.issuer: _Provider(settings, source=_source(settings, fetch=fetch), clock=clock)
            for settings in providers
        }

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
    """One issuer's keys, how looking for them goes, and the one renewal that may be under way."""

    def __init__(self, settings: IdpSettings, *, source: KeySource, clock: Clock) -> None:
        self._settings = settings
        self._source = source
        self._clock = clock
        self._breaker = CircuitBreaker(settings.issuer, clock=clock)
        self._held: _Held | None = None
        self._changed_at: datetime | None = None
        self._renewal: asyncio.Task[None] | None = None
        self._cool_at = datetime.min.replace(tzinfo=UTC)
        self._unknown: TTLCache[str, None, datetime] = TTLCache(MOST_UNKNOWN, ttl=UNKNOWN_FOR, timer=clock)

    @property
    def health(self) -> ProviderHealth:
        failure = self._breaker.failure
        return ProviderHealth(
            fetched_at=self._held.fetched_at if self._held else None,
            changed_at=self._changed_at,
            keys=len(self._held.keys.keys) if self._held else 0,
            circuit=self._breaker.circuit,
            failures=self._breaker.failures,
            failure=failure.reason if failure else None,
        )

    async def keys(self, key_id: str | None) -> KeySet:
        held, now = self._held, self._clock()
        if held is None or not held.is_usable(now) or (self._source.is_near and now >= held.stale_at):
            await self._renew(due=self._breaker.permits)
        elif now >= held.stale_at and self._breaker.permits:
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
        failure = self._breaker.failure
        if failure is None:
            return Unavailable(self._settings.issuer, Reason.IDP_UNREACHABLE)
        return Unavailable(self._settings.issuer, failure.reason, failure.detail)

    async def _look_for(self, key_id: str) -> KeySet:
        """Look for a key id that may be new: renew once, then cool down, so that forged ones cannot hammer the IdP."""
        has_cooled = has_come(self._cool_at, now=self._clock())
        asked = await self._renew(due=has_cooled and self._breaker.permits)
        keys = self._usable_keys()
        if keys.has(key_id):
            return keys
        if self._breaker.failure is not None:
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

    def _end_renewal(self, renewal: asyncio.Task[None]) -> None:
        self._renewal = None
        bug = None if renewal.cancelled() else renewal.exception()
        if bug is not None:
            # Of its text nobody knows what is in it.
            self._breaker.fail(Unavailable(self._settings.issuer, Reason.INTERNAL_ERROR, type(bug).__name__))

    async def _run_renewal(self) -> None:
        """Renew, and keep the outcome for whoever asks next: what is held stays where the provider fails."""
        self._cool_at = self._clock() + COOL_DOWN
        with self._breaker.trial():
            loaded = await self._load()
            now = self._clock()
            self._tell_of_change(loaded.keys, now=now)
            self._held = _Held(
                keys=loaded.keys,
                fetched_at=now,
                stale_at=now + loaded.fresh,
                dropped_at=now + self._settings.keys_kept,
            )

    async def _load(self) -> Loaded:
        try:
            return await self._source.load()
        except Withdrawn:
            self._withdraw()
            raise

    def _withdraw(self) -> None:
        """Drop what is held, however young it is."""
        if self._held is None:
            return
        fields = {"issuer": self._settings.issuer, "withdrawn": len(self._held.keys.keys)}
        log.warning("keys of an identity provider withdrawn", extra=fields)
        self._held, self._changed_at = None, self._clock()

    def _tell_of_change(self, keys: KeySet, *, now: datetime) -> None:
        """Remember and log that the provider has changed its keys."""
        before = self._held.keys.keys if self._held else keys.keys
        added, withdrawn = _beyond(keys.keys, before), _beyond(before, keys.keys)
        if added or withdrawn:
            self._changed_at = now
            fields = {"issuer": self._settings.issuer, "added": added, "withdrawn": withdrawn}
            log.info("keys of an identity provider changed", extra=fields)


def _source(settings: IdpSettings, *, fetch: Fetch) -> KeySource:
    if settings.keys_file is not None:
        return KeyFile(settings.keys_file, issuer=settings.issuer)
    return Published(settings, fetch=fetch)


def _beyond(keys: Iterable[Key], others: tuple[Key, ...]) -> int:
    """Count the keys that are not among the others."""
    return sum(key not in others for key in keys)
