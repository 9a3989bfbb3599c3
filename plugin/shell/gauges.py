"""Connects gauges to what they show, looked up at the moment of a scrape.

Looking is all: nothing here waits, asks anybody, or fails. Each function is called again when a house is replaced, and
shows the new one's issuers and CAs alone.
"""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial

from plugin.core.reasons import Reason
from plugin.flow.circuit import Circuit
from plugin.flow.provider_keys import ProviderHealth, ProviderKeys
from plugin.ports import Clock, DeviceCa
from plugin.revocation.lists import CrlFiles
from plugin.shell.check_devices import anchors_of
from plugin.shell.gate import Lane
from plugin.shell.metrics import Metrics

OK = "ok"
NEVER = "never"
OUTCOMES = (OK, NEVER, *(why.code for why in (Reason.IDP_UNREACHABLE, Reason.IDP_MISCONFIGURED, Reason.INTERNAL_ERROR)))
DAY = timedelta(days=1)


def show_lanes(metrics: Metrics, lanes: Iterable[Lane]) -> None:
    """Show how full each lane is, and how many it has refused."""
    for lane in lanes:
        metrics.lane_answering.labels(lane.name).set_function(partial(_answering, lane))
        metrics.lane_most.labels(lane.name).set(lane.most)
        metrics.refused_at_once.labels(lane.name)


def show_bundle(metrics: Metrics, revision: str) -> None:
    """Show which policies are asked."""
    metrics.bundle.clear()
    metrics.bundle.labels(revision).set(1)


def show_providers(metrics: Metrics, keys: ProviderKeys, *, issuers: Iterable[str], clock: Clock) -> None:
    """Show which keys of each provider are held, how old they are, and how asking for them goes."""
    keyed = (metrics.idp_keys_age, metrics.idp_keys_changed, metrics.idp_keys)
    for gauge in (*keyed, metrics.idp_failures, metrics.idp_last_fetch, metrics.idp_circuit):
        gauge.clear()
    for issuer in issuers:
        metrics.idp_keys.labels(issuer).set_function(partial(_count, keys, issuer))
        metrics.idp_keys_changed.labels(issuer).set_function(partial(_since_change, keys, issuer, clock))
        for circuit in Circuit:
            metrics.idp_circuit.labels(issuer, circuit.value).set_function(partial(_is_circuit, keys, issuer, circuit))
        metrics.idp_keys_age.labels(issuer).set_function(partial(_age, keys, issuer, clock))
        metrics.idp_failures.labels(issuer).set_function(partial(_failures, keys, issuer))
        for outcome in OUTCOMES:
            metrics.idp_last_fetch.labels(issuer, outcome).set_function(partial(_is_last, keys, issuer, outcome))


def show_device_cas(
    metrics: Metrics, cas: tuple[DeviceCa, ...], *, crl_files: Mapping[str, CrlFiles], clock: Clock
) -> None:
    """Show how long the anchors and the revocation lists of each CA are still good."""
    for gauge in (metrics.device_ca_days_left, metrics.crl_days_left):
        gauge.clear()
    for ca in cas:
        ends_at = min(anchor.not_valid_after_utc for anchor in anchors_of(ca))
        metrics.device_ca_days_left.labels(ca.name).set_function(partial(_days_until, ends_at, clock))
        metrics.device_certificates_ending.labels(ca.name)
    for name, files in crl_files.items():
        metrics.crl_days_left.labels(name).set_function(partial(_days_of_lists, files, clock))


def _answering(lane: Lane) -> float:
    return lane.answering


def _age(keys: ProviderKeys, issuer: str, clock: Clock) -> float:
    return _seconds_since(keys.health(issuer).fetched_at, clock)


def _since_change(keys: ProviderKeys, issuer: str, clock: Clock) -> float:
    return _seconds_since(keys.health(issuer).changed_at, clock)


def _seconds_since(moment: datetime | None, clock: Clock) -> float:
    return math.nan if moment is None else (clock() - moment).total_seconds()


def _count(keys: ProviderKeys, issuer: str) -> float:
    return keys.health(issuer).keys


def _is_circuit(keys: ProviderKeys, issuer: str, circuit: Circuit) -> float:
    return float(keys.health(issuer).circuit is circuit)


def _failures(keys: ProviderKeys, issuer: str) -> float:
    return keys.health(issuer).failures


def _is_last(keys: ProviderKeys, issuer: str, outcome: str) -> float:
    return float(outcome == _outcome(keys.health(issuer)))


def _outcome(health: ProviderHealth) -> str:
    if health.failure is not None:
        return health.failure.code
    return NEVER if health.fetched_at is None else OK


def _days_until(moment: datetime, clock: Clock) -> float:
    return (moment - clock()) / DAY


def _days_of_lists(files: CrlFiles, clock: Clock) -> float:
    return math.nan if files.until is None else _days_until(files.until, clock)
