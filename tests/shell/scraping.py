"""Reads what is scraped, by prometheus-client's own parsers, which share no code with its writers."""

from collections.abc import Iterator, Mapping

from aiohttp import ClientSession
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_plain
from prometheus_client.samples import Sample

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


class Scraped:
    """One scrape. A sample is found by its name and some of its labels."""

    def __init__(self, text: str, *, families: Iterator[Metric]) -> None:
        self.text = text
        self.families = list(families)

    @property
    def samples(self) -> list[Sample]:
        return [sample for family in self.families for sample in family.samples]

    def all(self, name: str, **labels: str) -> list[Sample]:
        return [one for one in self.samples if one.name == name and labels.items() <= one.labels.items()]

    def value(self, name: str, **labels: str) -> float:
        """Return the sum of what fits. Something has to."""
        found = self.all(name, **labels)
        assert found, f"no {name} {labels}"
        return sum(sample.value for sample in found)

    def exemplars(self, name: str, **labels: str) -> list[Mapping[str, str]]:
        return [sample.exemplar.labels for sample in self.all(name, **labels) if sample.exemplar]


async def scrape(session: ClientSession, url: str, *, accept: str = OPENMETRICS) -> Scraped:
    async with session.get(f"{url}/metrics", headers={"Accept": accept}) as response:
        assert response.status == 200
        text = await response.text()
        read = read_openmetrics if response.content_type == "application/openmetrics-text" else read_plain
        return Scraped(text, families=iter(read(text)))
