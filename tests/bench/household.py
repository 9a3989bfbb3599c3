"""A whole house within this process, whose store is counted and whose spans are encoded and then thrown away."""

import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from plugin.core import base64url
from plugin.core.transcript import Purpose
from plugin.flow.provider_keys import ProviderKeys
from plugin.policy.bundle import Bundle
from plugin.ports import Fetched, Json, Store
from plugin.shell import telemetry
from plugin.shell.check import Checked, prepare
from plugin.shell.gate import House
from plugin.shell.revocation import open_crl_files, open_revocation
from plugin.shell.store_check import StoreCheck
from plugin.shell.telemetry import Telemetry
from plugin.shell.wiring import Ground, furnish, origin_of, utc_now
from plugin.stores.sqlite import open_sqlite
from tests.bench.questions import CONFERENCE, Crowd
from tests.shell.parties import DeviceAuthority, Issuer
from tests.shell.world import write_configuration

ACME = "http://127.0.0.1:9"


class CountedStore:
    """A store, and how often each of its methods was called."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.calls: Counter[str] = Counter()

    async def put(self, kind: str, key: str, value: Json, *, expires_at: datetime, synced: bool = True) -> None:
        self.calls["put" if synced else "later"] += 1
        await self._store.put(kind, key, value, expires_at=expires_at, synced=synced)

    async def put_all(self, entries: Mapping[tuple[str, str], Json], *, expires_at: datetime) -> None:
        self.calls["put"] += 1
        await self._store.put_all(entries, expires_at=expires_at)

    async def get(self, kind: str, key: str, *, now: datetime) -> Json | None:
        self.calls["get"] += 1
        return await self._store.get(kind, key, now=now)

    async def take(self, kind: str, key: str, *, now: datetime) -> Json | None:
        self.calls["take"] += 1
        return await self._store.take(kind, key, now=now)

    async def claim(self, kind: str, key: str, *, expires_at: datetime, now: datetime) -> bool:
        self.calls["claim"] += 1
        return await self._store.claim(kind, key, expires_at=expires_at, now=now)

    async def swap(self, kind: str, key: str, *, old: Json, new: Json, expires_at: datetime, now: datetime) -> bool:
        self.calls["swap"] += 1
        return await self._store.swap(kind, key, old=old, new=new, expires_at=expires_at, now=now)

    async def purge(self, *, now: datetime) -> int:
        return await self._store.purge(now=now)

    def waiting(self, *, calls: int) -> float:
        return self._store.waiting(calls=calls)

    async def close(self) -> None:
        await self._store.close()


class Shredder(SpanExporter):
    """Encodes spans as the real exporter does, counts them, and sends them nowhere."""

    def __init__(self) -> None:
        self.spans = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        encode_spans(spans).SerializeToString()
        self.spans += len(spans)
        return SpanExportResult.SUCCESS


@dataclass(slots=True, kw_only=True)
class Household:
    """The house, what it was made of, and who comes to it."""

    house: House
    checked: Checked
    keys: ProviderKeys
    store: CountedStore
    traces: Telemetry
    another_bundle: Bundle
    processor: BatchSpanProcessor
    shredder: Shredder
    crowd: Crowd

    def challenge(self, nonce: bytes) -> dict[str, object]:
        """Make a challenge that this house knows nothing of."""
        origin = origin_of(self.checked.config.public_url)
        return _as_answered(nonce, tenant=self.checked.config.tenant, origin=origin)

    async def challenge_of_the_house(self, conference: str) -> dict[str, object]:
        """Have a challenge made."""
        made = (await self.house.challenges.issue(conference, purpose=Purpose.JOIN)).transcript
        return _as_answered(made.nonce, tenant=made.tenant, origin=made.origin)


def _as_answered(nonce: bytes, *, tenant: str, origin: str) -> dict[str, object]:
    name = base64url.encode(nonce)
    return {
        "challenge_id": name,
        "nonce": name,
        "purpose": "join",
        "tenant": tenant,
        "origin": origin,
        "conference": CONFERENCE,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Documents:
    """What a provider publishes."""

    issuer: Issuer
    asked: list[str] = field(default_factory=list)

    async def __call__(self, url: str, *, limit: int) -> Fetched:
        self.asked.append(url)
        metadata = {"issuer": ACME, "jwks_uri": f"{ACME}/jwks"}
        keys = {"keys": [self.issuer.key.as_dict(private=False)]}
        body = json.dumps(keys if url.endswith("/jwks") else metadata).encode()
        return Fetched(status=200, body=body[:limit], max_age=None)


def _ground(store: CountedStore, *, traces: telemetry.Telemetry, worker: ThreadPoolExecutor) -> Ground:
    return Ground(
        store=store,
        store_check=StoreCheck(store, clock=utc_now, monotonic=time.monotonic),
        decision_log=None,
        telemetry=traces,
        clock=utc_now,
        listeners=(),
        shadow_worker=worker,
        pseudonym_key=bytes(32),
    )


@asynccontextmanager
async def furnished(folder: Path) -> AsyncIterator[Household]:
    """Furnish a house that speaks to nobody."""
    authority, acme = DeviceAuthority(), Issuer("acme")
    acme.url = ACME
    file = write_configuration(folder, acme=ACME, partners="https://p.example", authority=authority)
    checked = prepare(file)
    shredder = Shredder()
    processor = BatchSpanProcessor(shredder)
    traces = telemetry.start(None, processors=(processor,))
    async with AsyncExitStack() as stack:
        store = CountedStore(await open_sqlite(f"sqlite:///{folder}/ladder.db"))
        stack.push_async_callback(store.close)
        keys = ProviderKeys([idp.settings for idp in checked.config.idps], fetch=_Documents(issuer=acme), clock=utc_now)
        stack.push_async_callback(keys.close)
        cas = checked.config.device_cas
        crl_files = await open_crl_files(cas, clock=utc_now, stack=stack)
        revocation = open_revocation(cas, crl_files=crl_files, clock=utc_now, stack=stack)
        worker = stack.enter_context(ThreadPoolExecutor(max_workers=1))
        house = furnish(
            checked,
            lookups={},
            registrations={},
            ground=_ground(store, traces=traces, worker=worker),
            keys=keys,
            revocation=revocation,
        )
        yield Household(
            house=house,
            checked=checked,
            keys=keys,
            store=store,
            traces=traces,
            another_bundle=prepare(file).bundle,
            processor=processor,
            shredder=shredder,
            crowd=Crowd(acme=acme, stranger=None, authority=authority),
        )
    traces.shutdown()
