"""What outlives a house: the store, and what has been opened for the providers and the device CAs.

A house is built from one configuration and replaced with it. What stands here stays: challenges, tickets and replays
in the store, and what is known of a provider's keys or a CA's revocations while its entry is the same.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from plugin.core.errors import Unavailable
from plugin.core.reasons import Reason
from plugin.core.record import DecisionRecord
from plugin.flow.budget import ANSWER_SECONDS
from plugin.flow.group_lookup import GroupLookup
from plugin.flow.provider_keys import ProviderKeys
from plugin.flow.sign_in import Registration
from plugin.ports import Clock, DeviceCa, Store
from plugin.revocation.lists import CrlFiles
from plugin.revocation.lookup import RevocationLookup
from plugin.shell.beside import beside
from plugin.shell.check import Checked
from plugin.shell.config import Config
from plugin.shell.config_identity import IdpEntry
from plugin.shell.config_portal import PortalIdp
from plugin.shell.fetch import HttpFetch
from plugin.shell.gate import House
from plugin.shell.gauges import show_bundle, show_device_cas, show_providers
from plugin.shell.group_lookups import open_group_lookup
from plugin.shell.pexip_watching import Watching
from plugin.shell.revocation import open_crl_files, open_revocation
from plugin.shell.store_check import StoreCheck
from plugin.shell.telemetry import Telemetry
from plugin.shell.watched_store import WatchedStore, advice
from plugin.shell.wiring import Ground, furnish, pseudonym_key, utc_now
from plugin.stores.decision_log import open_decision_log
from plugin.stores.sqlite import NewerSchema, open_sqlite

log = logging.getLogger(__name__)

PURGE_SECONDS = 60
# No question that began in a house that has been replaced is still being answered then.
LEAVE_SECONDS = 2 * ANSWER_SECONDS

# What has expired stays for a day longer. A clock that runs ahead and is set back must not have made us forget what
# was used: it would be new once more.
CLOCK_MAY_ERR = timedelta(days=1)

Entry = TypeVar("Entry")
Opened = TypeVar("Opened")


@dataclass(slots=True)
class Holdings(Generic[Entry, Opened]):
    """Things opened by entries of the configuration, each kept for as long as its entry stays the same."""

    open: Callable[[Entry, AsyncExitStack], Awaitable[Opened]]
    held: list[tuple[Entry, Opened, AsyncExitStack]] = field(default_factory=list)

    async def provide(self, entries: Iterable[Entry]) -> list[Opened]:
        """Return what belongs to each entry, and open what is not open yet."""
        return [await self._provide(entry) for entry in entries]

    def take_out(self, *, but: Iterable[Entry]) -> list[AsyncExitStack]:
        """Let go of everything but what belongs to these entries. Whoever takes it closes it."""
        kept = list(but)
        gone = [stack for entry, _, stack in self.held if entry not in kept]
        self.held = [one for one in self.held if one[0] in kept]
        return gone

    async def _provide(self, entry: Entry) -> Opened:
        for known, opened, _ in self.held:
            if known == entry:
                return opened
        async with AsyncExitStack() as stack:
            opened = await self.open(entry, stack)
            self.held.append((entry, opened, stack.pop_all()))
        return opened


@dataclass(frozen=True, slots=True, kw_only=True)
class _Revocation:
    """How a CA's revocations are looked up, and its lists by the CA's name."""

    lookup: RevocationLookup
    crl_files: Mapping[str, CrlFiles]


class Estate:
    """Builds houses on one ground, and keeps between them what they share."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._keys = Holdings[IdpEntry, ProviderKeys](self._open_keys)
        self._groups = Holdings[IdpEntry, GroupLookup | None](self._open_groups)
        self._portal = Holdings[PortalIdp, Registration](self._open_registration)
        self._revocation = Holdings[DeviceCa, _Revocation](self._open_revocation)
        self._leaving: set[asyncio.Task[None]] = set()
        self._watching = Watching(ground)

    async def furnish(self, checked: Checked) -> House:
        """Build a house of a configuration. Nothing of the one that stands is touched."""
        config = checked.config
        idps = _idps(config)
        lookups = zip(idps, await self._groups.provide(idps), strict=True)
        return furnish(
            checked,
            ground=self._ground,
            lookups={idp.settings.issuer: lookup for idp, lookup in lookups if lookup is not None},
            keys=ProviderKeys.of(await self._keys.provide(_idps(config))),
            registrations={one.client.issuer: one for one in await self._portal.provide(_portal(config))},
            revocation=RevocationLookup.of(ca.lookup for ca in await self._revocation.provide(config.device_cas)),
        )

    async def show(self, checked: Checked) -> None:
        """Show in the metrics what the house of this configuration depends on, and watch Pexip by it."""
        config, metrics, clock = checked.config, self._ground.telemetry.metrics, self._ground.clock
        keys = ProviderKeys.of(await self._keys.provide(_idps(config)))
        crl_files = {
            name: files
            for ca in await self._revocation.provide(config.device_cas)
            for name, files in ca.crl_files.items()
        }
        show_bundle(metrics, checked.bundle.revision)
        show_providers(metrics, keys, issuers=[idp.settings.issuer for idp in config.idps], clock=clock)
        show_device_cas(metrics, config.device_cas, crl_files=crl_files, clock=clock)
        await self._watching.follow(checked)

    def keep_only(self, config: Config) -> None:
        """Close what this configuration has no use for, once the questions that began with another are answered."""
        idps = _idps(config)
        gone = self._keys.take_out(but=idps) + self._groups.take_out(but=idps)
        gone += self._revocation.take_out(but=config.device_cas) + self._portal.take_out(but=_portal(config))
        if gone:
            leaving = asyncio.create_task(_close_later(gone))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)

    async def close(self) -> None:
        """Close everything that has been opened for houses, at once."""
        await self._watching.close()
        leaving = tuple(self._leaving)
        for task in leaving:
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)
        gone = self._keys.take_out(but=()) + self._groups.take_out(but=())
        await _close(gone + self._revocation.take_out(but=()) + self._portal.take_out(but=()))

    async def _open_keys(self, idp: IdpEntry, stack: AsyncExitStack) -> ProviderKeys:
        fetch = open_fetch(idp)
        stack.push_async_callback(fetch.close)
        keys = ProviderKeys([idp.settings], fetch=fetch, clock=self._ground.clock)
        stack.push_async_callback(keys.close)
        return keys

    async def _open_groups(self, idp: IdpEntry, stack: AsyncExitStack) -> GroupLookup | None:
        return await open_group_lookup(idp, stack, clock=self._ground.clock)

    async def _open_registration(self, entry: PortalIdp, stack: AsyncExitStack) -> Registration:
        fetch = open_fetch(entry.idp)
        stack.push_async_callback(fetch.close)
        return Registration(client=entry.client, fetch=fetch, post=fetch.post)

    async def _open_revocation(self, ca: DeviceCa, stack: AsyncExitStack) -> "_Revocation":
        clock = self._ground.clock
        crl_files = await open_crl_files((ca,), clock=clock, stack=stack)
        lookup = open_revocation((ca,), crl_files=crl_files, clock=clock, stack=stack)
        return _Revocation(lookup=lookup, crl_files=crl_files)


@asynccontextmanager
async def open_estate(
    config: Config,
    *,
    telemetry: Telemetry,
    clock: Clock = utc_now,
    listeners: tuple[Callable[[DecisionRecord], None], ...] = (),
) -> AsyncIterator[Estate]:
    """Open what every house stands on, and close it again after all of them."""
    async with AsyncExitStack() as stack:
        metrics = telemetry.metrics
        store = WatchedStore(await _open_store(config), clock=clock, metrics=metrics)
        stack.push_async_callback(store.close)
        purging = beside(_purge_now_and_then(store, clock=clock), gone="the store is not purged any more")
        await stack.enter_async_context(purging)
        store_check = StoreCheck(store, clock=clock, monotonic=time.monotonic)
        stack.push_async_callback(store_check.close)
        decision_log = await open_decision_log(config.decision_log) if config.decision_log else None
        if decision_log:
            stack.push_async_callback(decision_log.close)
        worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="shadow")
        stack.callback(worker.shutdown, wait=False, cancel_futures=True)
        ground = Ground(
            store=store,
            store_check=store_check,
            decision_log=decision_log,
            telemetry=telemetry,
            clock=clock,
            listeners=listeners,
            shadow_worker=worker,
            pseudonym_key=pseudonym_key(config.pseudonym_key),
        )
        estate = Estate(ground)
        stack.push_async_callback(estate.close)
        yield estate


def _idps(config: Config) -> list[IdpEntry]:
    """Return the providers' entries without the place in the file, which changes when another one goes."""
    return [replace(idp, place="") for idp in config.idps]


def _portal(config: Config) -> list[PortalIdp]:
    return [replace(entry, idp=replace(entry.idp, place="")) for entry in config.portal]


async def _close_later(stacks: list[AsyncExitStack]) -> None:
    try:
        await asyncio.sleep(LEAVE_SECONDS)
    finally:
        await _close(stacks)


async def _close(stacks: list[AsyncExitStack]) -> None:
    for stack in stacks:
        await stack.aclose()


async def _purge_now_and_then(store: Store, *, clock: Clock) -> None:
    """Enforce retention: what has expired leaves the disk a day later, on a quiet system too."""
    while True:
        try:
            removed = await store.purge(now=clock() - CLOCK_MAY_ERR)
        except Unavailable as unavailable:
            log.warning("store not purged", extra={"detail": unavailable.detail})
            removed = 0
        await asyncio.sleep(0 if removed else PURGE_SECONDS)


async def _open_store(config: Config) -> Store:
    try:
        return await open_sqlite(config.store_url)
    except NewerSchema as newer:
        detail = str(newer)
    except Unavailable as unavailable:
        detail = unavailable.detail
    raise Unavailable(f"store `{config.store_url}`", Reason.STORE_UNAVAILABLE, f"{detail}; {advice(detail)}")


def open_fetch(idp: IdpEntry) -> HttpFetch:
    """Allow the provider's own hosts, at private addresses only where it is on our own network.

    Of a provider whose keys lie in a file, nothing is asked.
    """
    if idp.settings.keys_file is not None:
        return HttpFetch(hosts=frozenset())
    hosts = frozenset((urlsplit(idp.settings.issuer).hostname or "", *idp.settings.key_hosts))
    if idp.private:
        return HttpFetch(hosts=frozenset(), private_hosts=hosts)
    return HttpFetch(hosts=hosts)
