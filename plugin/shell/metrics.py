"""What is counted and measured, each declared once, in a registry of this service's own.

Labels come from closed lists and the configuration: a person, an alias that was asked for, or any other text of a
caller never becomes one. An exemplar leads from a number to a trace, and holds its id alone.

A series that an alert waits for is there from the start, at zero: the step from nothing to one is no increase.
"""

import platform
from collections.abc import Mapping
from functools import cache, partial
from importlib.metadata import version
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

from plugin.core.reasons import Reason
from plugin.core.record import DecisionRecord
from plugin.flow.shadow import agrees

# A difference may lie in the zone, or in what somebody may do there, though the outcome has the same name.
AGREES = {True: "yes", False: "no", None: "unknown"}

# Half a millisecond to the 5 s after which Pexip has given up; the budget of an answer, 2.5 s, is a bound of its own.
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 5.0)

OPENMETRICS = "application/openmetrics-text"

FAIL_CLOSED = frozenset(
    reason.code
    for reason in (
        Reason.CALLER_UNAUTHENTICATED,
        Reason.DEADLINE,
        Reason.IDP_MISCONFIGURED,
        Reason.IDP_UNREACHABLE,
        Reason.INTERNAL_ERROR,
        Reason.NOT_SERVING,
        Reason.OVERLOADED,
        Reason.PLATFORM_CANNOT_HONOUR,
        Reason.POLICY_ERROR,
        Reason.REQUEST_MALFORMED,
        Reason.REVOCATION_UNKNOWN,
        Reason.STORE_UNAVAILABLE,
    )
)
"""Reasons that say nothing of a person: this house, or what it depends on, could not answer, and so refused."""

UNREADABLE = "unreadable"
QUESTION_OF_PHASE = {
    "room": "service",
    "participant": "participant",
    "registration": "registration",
    "join": "joins",
    "ticket": "tickets",
}
QUESTIONS = (*QUESTION_OF_PHASE.values(), "location", "avatar", "directory", "challenges", "logout", UNREADABLE)
"""What is asked: Pexip's six questions, the three of the JSON doors, logout, and what no parser could read."""

STORE_OPERATIONS = ("put", "get", "take", "claim", "swap", "purge")
STORE_OUTCOMES = ("ok", "failed", "abandoned")
SPAN_FATES = ("ended", "exported", "failed", "dropped")
FAULT, WARNING = "fault", "warning"
LOGOUT_OUTCOMES = ("taken", "refused", "unavailable")
TICKET_EVENTS = ("issued", "burnt")


class Metrics:
    """The instruments. Names and labels are the ones under which they are scraped."""

    def __init__(self) -> None:
        # When each series began would double what is scraped, and nobody reads it.
        disable_created_metrics()  # type: ignore[no-untyped-call] # it has no annotations
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.decisions = Counter(
            "vestibule_decisions",
            "Decisions, by what was decided and the first reason.",
            ("platform", "phase", "outcome", "zone", "reason"),
            registry=self.registry,
        )
        self._declare_answers()
        self._declare_condition()
        self._declare_configuration()
        self._declare_dependencies()
        self._declare_store()
        self._declare_pexip()
        self._begin_at_zero()
        # The client library looks a series up under a lock, each time: what every decision counts is looked up once.
        self._decided = cache(self.decisions.labels)
        self._stepped = cache(self.step_seconds.labels)

    def _declare_answers(self) -> None:
        counter = partial(Counter, registry=self.registry)
        histogram = partial(Histogram, registry=self.registry, buckets=SECONDS)
        self.fail_closed = counter(
            "vestibule_fail_closed",
            "Answers that refuse because this house could not answer, or whoever asked could not ask.",
            ("question", "reason"),
        )
        self.refused_at_once = counter(
            "vestibule_refused_at_once",
            "Questions refused at once because an answer would have come late, by the lane that they came in.",
            ("lane",),
        )
        self.answer_seconds = histogram(
            "vestibule_answer_seconds", "The whole answer, from when a question is at the door.", ("question",)
        )
        self.step_seconds = histogram(
            "vestibule_step_seconds", "One step of a decision, as its span and its record say it.", ("step",)
        )
        self.tickets = counter(
            "vestibule_tickets",
            "Tickets issued, and tickets burnt: presented a second time, elsewhere or out of turn.",
            ("event",),
        )
        self.logouts = counter(
            "vestibule_logouts",
            "Logout tokens of providers, by whether they were taken, refused, or could not be taken.",
            ("outcome",),
        )
        self.spans = counter(
            "vestibule_spans",
            "Spans that ended, and of these: exported, failed to be, or dropped since too many waited.",
            ("fate",),
        )

    def _declare_condition(self) -> None:
        """Declare what this service says of itself when somebody scrapes; `shell.gauges` says where it looks."""
        gauge = partial(Gauge, registry=self.registry)
        self.ready = gauge("vestibule_ready", "Whether a check of /readyz holds.", ("check",))
        self.build = gauge("vestibule_build_info", "What runs; always 1.", ("version", "python"))
        self.bundle = gauge("vestibule_bundle_info", "Which policies are asked; always 1.", ("revision",))
        self.lane_answering = gauge("vestibule_lane_answering", "Questions that are being answered now.", ("lane",))
        self.lane_most = gauge(
            "vestibule_lane_most", "How many questions are answered at once; the next is refused.", ("lane",)
        )

    def _declare_configuration(self) -> None:
        """Declare what changes when files do: which configuration decides, and what a shadow bundle would."""
        counter, gauge = partial(Counter, registry=self.registry), partial(Gauge, registry=self.registry)
        self.shadow_decisions = counter(
            "vestibule_shadow_decisions",
            "Decisions beside which a shadow bundle was asked, by what was decided and what it would have decided.",
            ("outcome", "shadow", "agrees"),
        )
        self.config_reloads = counter(
            "vestibule_config_reloads",
            "Times that the configuration was read again, by whether it was loaded or refused.",
            ("outcome",),
        )
        self.config_generation = gauge(
            "vestibule_config_generation",
            "How many configurations have decided since the start, counting the one that decides now.",
        )
        self.config_loaded_at = gauge(
            "vestibule_config_loaded_timestamp_seconds", "When the configuration that decides was loaded."
        )
        self.config_refused_at = gauge(
            "vestibule_config_refused_timestamp_seconds",
            "When a configuration was last refused, 0 = never since the start.",
        )
        self.config_is_current = gauge(
            "vestibule_config_is_current",
            "1 = what decides is the last that was read, 0 = that was refused and the one before goes on deciding.",
        )

    def _declare_dependencies(self) -> None:
        """Declare what is known of providers, CAs and devices, without asking any of them."""
        gauge = partial(Gauge, registry=self.registry)
        self.idp_keys_age = gauge(
            "vestibule_idp_keys_age_seconds",
            "Since the keys of a provider were last fetched; NaN where there are none.",
            ("issuer",),
        )
        self.idp_failures = gauge(
            "vestibule_idp_failures", "Fetches of a provider's keys that failed since the last good one.", ("issuer",)
        )
        self.idp_last_fetch = gauge(
            "vestibule_idp_last_fetch",
            "How the last fetch of a provider's keys went: 1 for ok, never, or the reason why not.",
            ("issuer", "outcome"),
        )
        self.idp_circuit = gauge(
            "vestibule_idp_circuit",
            "The way to a provider: 1 for closed, open (it failed and is left alone) or half-open (on trial).",
            ("issuer", "circuit"),
        )
        self.idp_keys = gauge("vestibule_idp_keys", "Keys of a provider that are held.", ("issuer",))
        self.idp_keys_changed = gauge(
            "vestibule_idp_keys_changed_seconds",
            "Since a provider was last seen to change its keys; NaN where it has not been.",
            ("issuer",),
        )
        self.device_ca_days_left = gauge(
            "vestibule_device_ca_days_left", "Days until the first anchor of a device CA ends.", ("ca",)
        )
        self.crl_days_left = gauge(
            "vestibule_crl_days_left",
            "Days until the first revocation list of a device CA runs out; NaN where none could be read.",
            ("ca",),
        )
        self.device_certificates_ending = Counter(
            "vestibule_device_certificates_ending",
            "Proofs by devices whose certificate ends within the CA's `warn_days`.",
            ("ca",),
            registry=self.registry,
        )

    def _declare_store(self) -> None:
        counter = partial(Counter, registry=self.registry)
        self.store_operations = counter(
            "vestibule_store_operations",
            "What was asked of the store, and whether it could, or was too late.",
            ("operation", "outcome"),
        )
        self.store_seconds = Histogram(
            "vestibule_store_seconds",
            "One operation of the store.",
            ("operation",),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.store_purged = counter("vestibule_store_purged", "Expired entries that were removed from the store.")
        self.store_purge_age = Gauge(
            "vestibule_store_purge_age_seconds",
            "Since the store was last purged; NaN before.",
            registry=self.registry,
        )

    def _declare_pexip(self) -> None:
        """Declare what is seen of Pexip itself where `[pexip.manager] watch_minutes` is set."""
        gauge = partial(Gauge, registry=self.registry)
        self.pexip_drift = gauge(
            "vestibule_pexip_drift",
            "What of Pexip's configuration is wrong (fault) or worth a thought (warning), as it was last read.",
            ("kind", "level"),
        )
        self.pexip_unadmitted = gauge(
            "vestibule_pexip_unadmitted", "Who is in a meeting and was admitted by no decision, seen so at two looks."
        )
        self.pexip_look_age = gauge(
            "vestibule_pexip_look_age_seconds",
            "Since Pexip's manager last told all of it, or since it is watched.",
            ("what",),
        )

    def _begin_at_zero(self) -> None:
        self.build.labels(version("vestibule"), platform.python_version()).set(1)
        for question, reason in product(QUESTIONS, sorted(FAIL_CLOSED)):
            self.fail_closed.labels(question, reason)
        for operation, outcome in product(STORE_OPERATIONS, STORE_OUTCOMES):
            self.store_operations.labels(operation, outcome)
        for fate in SPAN_FATES:
            self.spans.labels(fate)
        for outcome in LOGOUT_OUTCOMES:
            self.logouts.labels(outcome)
        for event in TICKET_EVENTS:
            self.tickets.labels(event)
        self.store_purge_age.set(float("nan"))

    def record(self, record: DecisionRecord) -> None:
        """Count a decision that has been written down, and how long each of its steps took."""
        reason = record.reasons[0].code if record.reasons else ""
        exemplar = {"trace_id": record.trace_id}
        counted = self._decided(record.platform, record.phase, record.outcome, record.zone or "", reason)
        counted.inc(exemplar=exemplar)
        for step in record.steps:
            self._stepped(step.name).observe(step.milliseconds / 1000, exemplar=exemplar)
        if reason in FAIL_CLOSED:
            self.refused(QUESTION_OF_PHASE[record.phase], reason, exemplar=exemplar)
        if record.shadow:
            self.shadow_decisions.labels(record.outcome, record.shadow.outcome, AGREES[agrees(record)]).inc()

    def refuse_at_once(self, lane: str) -> None:
        """Count a question that was refused because there are too many."""
        self.refused_at_once.labels(lane).inc()

    def refused(self, question: str, reason: str, *, exemplar: Mapping[str, str] | None = None) -> None:
        """Count an answer that refuses for one of the reasons of `FAIL_CLOSED`."""
        self.fail_closed.labels(question, reason).inc(exemplar=dict(exemplar) if exemplar else None)

    def expose(self, accept: str) -> tuple[bytes, str]:
        """Write everything, and name the format: OpenMetrics, which alone has exemplars, for whoever accepts it."""
        if OPENMETRICS in accept:
            written: bytes = openmetrics.generate_latest(self.registry)  # type: ignore[no-untyped-call] # it has no annotations
            return written, openmetrics.CONTENT_TYPE_LATEST
        return generate_latest(self.registry), CONTENT_TYPE_PLAIN_0_0_4
