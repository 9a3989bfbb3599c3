"""Puts the parts together: from a checked configuration to a house that answers."""

import secrets
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from urllib.parse import urlsplit

from plugin.core.record import DecisionRecord
from plugin.flow.admission import Admission
from plugin.flow.assertions import Recognition
from plugin.flow.challenges import Challenges
from plugin.flow.device_proofs import DeviceProofs
from plugin.flow.devices import Devices
from plugin.flow.enrolment import Enrolment
from plugin.flow.exchange import Exchange
from plugin.flow.group_lookup import GroupLookup
from plugin.flow.identity_proofs import IdentityProofs
from plugin.flow.keeping import Keeping
from plugin.flow.ledger import Ledger
from plugin.flow.logout import Logout
from plugin.flow.provider_keys import ProviderKeys
from plugin.flow.registrar import Registrar
from plugin.flow.shadow import Policies, Shadow, tell_difference
from plugin.flow.sign_in import Registration, SignIns
from plugin.flow.sign_outs import SignOuts
from plugin.flow.ticketing import Ticketing
from plugin.flow.tracer import Tracing
from plugin.flow.verification import Verification
from plugin.ports import Clock, DecisionLog, Revocation, Store
from plugin.shell.check import Checked
from plugin.shell.gate import House
from plugin.shell.store_check import StoreCheck
from plugin.shell.telemetry import Telemetry

PSEUDONYM_KEY_BYTES = 32


def utc_now() -> datetime:
    """Return the time now. The one clock of the service."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What every house of this process stands on, whatever its configuration says."""

    store: Store
    store_check: StoreCheck
    decision_log: DecisionLog | None
    telemetry: Telemetry
    clock: Clock
    listeners: tuple[Callable[[DecisionRecord], None], ...]
    shadow_worker: Executor
    pseudonym_key: bytes = field(repr=False)


def furnish(
    checked: Checked,
    *,
    ground: Ground,
    keys: ProviderKeys,
    lookups: Mapping[str, GroupLookup],
    revocation: Revocation,
    registrations: Mapping[str, Registration],
) -> House:
    """Put a house together from what has been opened for it."""
    config, store, clock = checked.config, ground.store, ground.clock
    shadow = Shadow(checked.shadow, worker=ground.shadow_worker) if checked.shadow else None
    challenges = Challenges(
        store=store,
        clock=clock,
        random_bytes=secrets.token_bytes,
        tenant=config.tenant,
        origin=origin_of(config.public_url),
    )
    devices = Devices(store=store, clock=clock)
    identities = IdentityProofs(
        providers=checked.providers, keys=keys, challenges=challenges, store=store, clock=clock, lookups=lookups
    )
    verification = Verification(
        identities=identities,
        verifiers=checked.verifiers,
        revocation=revocation,
        challenges=challenges,
        clock=clock,
        device_proofs=DeviceProofs(
            formats=checked.enrolment_formats,
            tiers={name: settings.tier for name, settings in config.evidence.items()},
            reattest=config.enrolment.reattest,
            devices=devices,
            clock=clock,
        ),
        tell_of_end=lambda ca: ground.telemetry.metrics.device_certificates_ending.labels(ca).inc(),
    )
    ticketing = Ticketing(
        store=store,
        clock=clock,
        random_bytes=secrets.token_bytes,
        tell=lambda event: ground.telemetry.metrics.tickets.labels(event).inc(),
    )
    ledger = Ledger(
        store=store,
        clock=clock,
        pseudonym_key=ground.pseudonym_key,
        random_bytes=secrets.token_bytes,
        keep=config.keep_records,
        listeners=(ground.telemetry.metrics.record, tell_difference, *ground.listeners),
        decision_log=ground.decision_log,
        locations=frozenset(location.name.casefold() for location in config.locations),
    )
    tracing = Tracing(ground.telemetry.tracer, monotonic=time.perf_counter)
    return House(
        config=config,
        admission=Admission(
            policies=Policies(bundle=checked.bundle, shadow=shadow),
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
        origin=origin_of(config.public_url),
        sign_ins=SignIns(
            registrations=registrations,
            redirect_uri=f"{config.public_url.removesuffix('/')}/enrol/callback",
            recognise=partial(identities.recognise, login_age=config.enrolment.login_age),
            store=store,
            clock=clock,
            random_bytes=secrets.token_bytes,
        ),
        enrolment=Enrolment(
            formats=checked.enrolment_formats,
            settings=config.evidence,
            rules=config.enrolment,
            login=identities.log_in,
            challenges=challenges,
            devices=devices,
            store=store,
            clock=clock,
        ),
        keeping=Keeping(devices=devices, identities=identities, login_age=config.enrolment.login_age),
        logout=Logout(
            providers=checked.providers, keys=keys, sign_outs=SignOuts(store=store, clock=clock), clock=clock
        ),
        registrar=Registrar(
            entries=config.pexip.settings.registrations if config.pexip else (),
            ledger=ledger,
            tracing=tracing,
            clock=clock,
        ),
        rooms=checked.rooms,
        store=store,
        clock=clock,
        store_check=ground.store_check,
    )


def origin_of(public_url: str) -> str:
    """Return scheme and authority (RFC 6454), which is what a device's signature covers."""
    parts = urlsplit(public_url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def pseudonym_key(secret: str | None) -> bytes:
    """Without a configured key, people are unlinkable across restarts."""
    return sha256(secret.encode()).digest() if secret else secrets.token_bytes(PSEUDONYM_KEY_BYTES)
