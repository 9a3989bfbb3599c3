"""What is counted and measured, each declared once, in a registry of this service's own.

Labels come from closed lists and the configuration: a person, an alias that was asked for, or any other text of a
caller never becomes one.
"""

from prometheus_client import CollectorRegistry, Counter

from plugin.core.record import DecisionRecord


class Metrics:
    """The instruments. Names and labels are the ones under which they are scraped."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.decisions = Counter(
            "vestibule_decisions",
            "Decisions, by what was decided and the first reason.",
            ("platform", "phase", "outcome", "zone", "reason"),
            registry=self.registry,
        )
        self.refused_at_once = Counter(
            "vestibule_refused_at_once",
            "Questions refused at once because an answer would have come late, by the lane that they came in.",
            ("lane",),
            registry=self.registry,
        )

    def refuse_at_once(self, lane: str) -> None:
        """Count a question that was refused because there are too many."""
        self.refused_at_once.labels(lane).inc()

    def record(self, record: DecisionRecord) -> None:
        """Count a decision that has been written down."""
        reason = record.reasons[0].code if record.reasons else ""
        self.decisions.labels(record.platform, record.phase, record.outcome, record.zone or "", reason).inc()
