"""The metrics, as `plugin/shell/metrics.py` declares them, each with the sentence that is scraped beside it."""

from prometheus_client.metrics import MetricWrapperBase

from plugin.shell.metrics import Metrics
from tests.house.reference.listing import Listing, code


def metrics(declared: object | None = None) -> Listing:
    """List every instrument in the order of its declaration."""
    instruments = [part for part in vars(declared or Metrics()).values() if isinstance(part, MetricWrapperBase)]
    return Listing(
        name="metrics",
        columns=("Name", "Is", "Labels", "Says"),
        rows=tuple(_row(instrument) for instrument in instruments),
        sentence_from="its declaration in plugin/shell/metrics.py",
    )


def _row(instrument: MetricWrapperBase) -> tuple[str, str, str, str]:
    (family,) = instrument.describe()
    # prometheus-client tells nowhere else which labels were declared.
    labels = ", ".join(map(code, instrument._labelnames))  # noqa: SLF001 - see above
    return code(family.name), family.type, labels, family.documentation
