"""Puts the parts together: from a checked configuration to a house that answers, and back to nothing."""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from urllib.parse import urlsplit

from plugin.core.errors import Unavailable
from plugin.core.reasons import Reason
from plugin.core.record import DecisionRecord
from plugin.flow.admission import Admission
from plugin.flow.admissions import Admissions
from plugin.flow.assertions import Recognition
from plugin.flow.challenges import Challenges
from plugin.flow.exchange import Exchange
from plugin.flow.ledger import Ledger
from plugin.flow.provider_keys import ProviderKeys
from plugin.flow.registrar import Registrar
from plugin.flow.ticketing import Ticketing
from plugin.flow.tracer import Tracing
from plugin.flow.verification import Verification
from plugin.ports import Clock, DecisionLog, Revocation, Store
from plugin.shell.check import Checked
from plugin.shell.config import Config
from plugin.shell.fetch import HttpFetch
from plugin.shell.gate import House
from plugin.shell.gauges import show_bundle, show_device_cas, show_providers
from plugin.shell.metered_store import MeteredStore
from plugin.shell.pexip_watch import open_watch
from plugin.shell.revocation import open_crl_files, open_revocation
from plugin.shell.store_check import StoreCheck
from plugin.shell.telemetry import Telemetry
from plugin.shell.watched_store import WatchedStore, advice
from plugin.stores.decision_log import open_decision_log
from plugin.stores.sqlite import NewerSchema, open_sqlite

log = logging.getLogger(__name__)

PSEUDONYM_KEY_BYTES = 32
PURGE_SECONDS = 60
# What has expired stays for a day longer. A clock that runs ahead and is set back must not have made us forget what
# was used: it would be new once more.
CLOCK_MAY_ERR = timedelta(days=1)


def utc_now() -> datetime:
    """Return the time now. The one clock of the service."""
    return datetime.now(UTC)


@asynccontextmanager
async def open_house(
    checked: Checked,
    *,
    telemetry: Telemetry,
    clock: Clock = utc_now,
    listeners: tuple[Callable[[DecisionRecord], None], ...] = (),
) -> AsyncIterator[House]:
    """Open everything that a house holds, and close it again in the reverse order."""
    config = checked.config
    async with AsyncExitStack() as stack:
        metrics = telemetry.metrics
        store = MeteredStore(WatchedStore(await _open_store(config), clock=clock), metrics=metrics)
        stack.push_async_callback(store.close)
        purging = asyncio.create_task(_purge_now_and_then(store, clock=clock))
        purging.add_done_callback(_say_how_it_ended)
        stack.push_async_callback(_cancel, purging)
        decision_log = await open_decision_log(config.decision_log) if config.decision_log else None
        if decision_log:
            stack.push_async_callback(decision_log.close)
        fetch = open_fetch(config)
        stack.push_async_callback(fetch.close)
        keys = ProviderKeys([idp.settings for idp in config.idps], fetch=fetch, clock=clock)
        stack.push_async_callback(keys.close)
        crl_files = await open_crl_files(config.device_cas, clock=clock, stack=stack)
        revocation = open_revocation(config.device_cas, crl_files=crl_files, clock=clock, stack=stack)
        house = furnish(
            checked,
            store=store,
            decision_log=decision_log,
            keys=keys,
            revocation=revocation,
            telemetry=telemetry,
            clock=clock,
            listeners=listeners,
        )
        stack.push_async_callback(house.store_check.close)
        admissions = Admissions(store=store, clock=clock)
        await open_watch(checked, admissions=admissions, house=house, metrics=metrics, stack=stack)
        show_bundle(metrics, checked.bundle.revision)
        show_providers(metrics, keys, issuers=[idp.settings.issuer for idp in config.idps], clock=clock)
        show_device_cas(metrics, config.device_cas, crl_files=crl_files, clock=clock)
        yield house


def furnish(
    checked: Checked,
    *,
    store: Store,
    decision_log: DecisionLog | None,
    keys: ProviderKeys,
    revocation: Revocation,
    telemetry: Telemetry,
    clock: Clock,
    listeners: tuple[Callable[[DecisionRecord], None], ...],
) -> House:
    """Put a house together from what has been opened for it."""
    config = checked.config
    challenges = Challenges(
        store=store,
        clock=clock,
        random_bytes=secrets.token_bytes,
        tenant=config.tenant,
        origin=origin_of(config.public_url),
    )
    verification = Verification(
        providers=checked.providers,
        keys=keys,
        verifiers=checked.verifiers,
        revocation=revocation,
        challenges=challenges,
        store=store,
        clock=clock,
        tell_of_end=lambda ca: telemetry.metrics.device_certificates_ending.labels(ca).inc(),
    )
    ticketing = Ticketing(
        store=store,
        clock=clock,
        random_bytes=secrets.token_bytes,
        tell=lambda event: telemetry.metrics.tickets.labels(event).inc(),
    )
    ledger = Ledger(
        store=store,
        clock=clock,
        pseudonym_key=pseudonym_key(config.pseudonym_key),
        random_bytes=secrets.token_bytes,
        keep=config.keep_records,
        listeners=(telemetry.metrics.record, *listeners),
        decision_log=decision_log,
        locations=frozenset(location.name.casefold() for location in config.locations),
    )
    tracing = Tracing(telemetry.tracer, monotonic=time.perf_counter)
    return House(
        admission=Admission(
            bundle=checked.bundle,
            directory=checked.directory,
            recognition=Recognition(
                trunks=config.trunks, idps={idp.id: idp for idp in config.pexip.idps} if config.pexip else {}
            ),
            verification=verification,
            ticketing=ticketing,
            ledger=ledger,
            tracing=tracing,
            clock=clock,
        ),
        exchange=Exchange(
            directory=checked.directory,
            verification=verification,
            ticketing=ticketing,
            ledger=ledger,
            tracing=tracing,
        ),
        challenges=challenges,
        registrar=Registrar(
            entries=config.pexip.settings.registrations if config.pexip else (),
            ledger=ledger,
            tracing=tracing,
            clock=clock,
        ),
        rooms=checked.rooms,
        clock=clock,
        store_check=StoreCheck(store, clock=clock, monotonic=time.monotonic),
        pseudonym=ledger.pseudonym,
    )


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


def _say_how_it_ended(purging: asyncio.Task[None]) -> None:
    if not purging.cancelled():
        log.error("the store is not purged any more", extra={"exception": type(purging.exception()).__name__})


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


def origin_of(public_url: str) -> str:
    """Return scheme and authority (RFC 6454), which is what a device's signature covers."""
    parts = urlsplit(public_url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def open_fetch(config: Config) -> HttpFetch:
    """Allow the hosts of the providers, at private addresses only those of providers on our own network."""
    public, private = set[str](), set[str]()
    for idp in config.idps:
        hosts = {urlsplit(idp.settings.issuer).hostname or "", *idp.settings.key_hosts}
        (private if idp.private else public).update(hosts)
    return HttpFetch(hosts=frozenset(public), private_hosts=frozenset(private))


def pseudonym_key(secret: str | None) -> bytes:
    """Without a configured key, people are unlinkable across restarts."""
    return sha256(secret.encode()).digest() if secret else secrets.token_bytes(PSEUDONYM_KEY_BYTES)
