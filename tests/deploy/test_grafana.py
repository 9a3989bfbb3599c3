"""The shipped dashboards: what every panel asks is asked of a real Prometheus that scrapes the demo, and has an answer.

Grafana itself is not at hand: what it would read of the files is held against its documented form.
"""

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
import yaml

from plugin.flow import tracing
from tests.deploy.test_prometheus_rules import NAMES
from tests.shell.demo.process import COMMAND, environment

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
GRAFANA = DEPLOY / "grafana"
DASHBOARDS = {file.stem: json.loads(file.read_text()) for file in sorted((GRAFANA / "dashboards").glob("*.json"))}
PANELS = [(name, panel) for name, dashboard in DASHBOARDS.items() for panel in dashboard["panels"]]
PROMETHEUS = {"type": "prometheus", "uid": "${prometheus}"}
TEMPO = {"type": "tempo", "uid": "${tempo}"}
ASKED = [
    pytest.param(target["expr"], id=f"{name}: {panel['title']}")
    for name, panel in PANELS
    for target in panel["targets"]
    if "expr" in target
]
PATIENCE = 60
# What Grafana puts in place of its variables.
VARIABLES = {"$__rate_interval": "1m", "$__range": "1h"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prometheus:
    """A running Prometheus with the shipped rules."""

    url: str

    def ask(self, path: str, **params: str) -> Any:
        with urlopen(f"{self.url}/api/v1/{path}?{urlencode(params)}") as response:  # noqa: S310 - our own
            answer = json.load(response)
        assert answer["status"] == "success"
        return answer["data"]

    def values(self, expression: str) -> list[float]:
        return [float(sample["value"][1]) for sample in self.ask("query", query=expression)["result"]]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def demo(folder: Path) -> Iterator[tuple[str, str]]:
    """Run the demo, in which six people have joined, and yield where its metrics and its page are."""
    command = [*COMMAND, "--port", "0"]
    with subprocess.Popen(command, cwd=folder, env=environment(folder), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            metrics = next(line.split()[-1] for line in process.stdout if "Its metrics are at" in line)
            page = next(line.split()[3] for line in process.stdout if "Watch it at" in line)
            yield metrics.removeprefix("http://").removesuffix("/metrics"), page
        finally:
            process.kill()


@contextmanager
def running(folder: Path, *, target: str) -> Iterator[Prometheus]:
    """Run Prometheus with the shipped configuration; the target and the pace alone are others."""
    text = (DEPLOY / "prometheus" / "prometheus.yml").read_text()
    for shipped, substitute in {
        "127.0.0.1:9464": target,
        "scrape_interval: 15s": "scrape_interval: 1s",
        "evaluation_interval: 15s": "evaluation_interval: 1s",
    }.items():
        assert shipped in text
        text = text.replace(shipped, substitute)
    (folder / "prometheus.yml").write_text(text)
    shutil.copy(DEPLOY / "prometheus" / "vestibule.rules.yml", folder)
    port = free_port()
    options = ["--web.listen-address", f"127.0.0.1:{port}", "--storage.tsdb.path", folder / "data"]
    command = ["prometheus", "--config.file", folder / "prometheus.yml", *options]
    with (
        (folder / "prometheus.log").open("wb") as log,
        subprocess.Popen([*command, "--enable-feature=exemplar-storage"], stdout=log, stderr=log) as process,
    ):
        try:
            yield Prometheus(url=f"http://127.0.0.1:{port}")
        finally:
            process.terminate()


def wait_until(prometheus: Prometheus, question: str) -> None:
    """Wait until Prometheus, which may be starting, has an answer to a question."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with suppress(URLError):
            if prometheus.values(question):
                return
        time.sleep(0.2)
    raise AssertionError(f"never true: {question}")


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with (
        demo(tmp_path_factory.mktemp("demo")) as (target, page),
        running(tmp_path_factory.mktemp("prometheus"), target=target) as one,
    ):
        wait_until(one, "vestibule_decisions_total")
        with urlopen(Request(f"{page.rstrip('/')}/demo/play", method="POST")):  # noqa: S310 - our own
            wait_until(one, "min(rate(vestibule_step_seconds_count[1m])) > 0")
        yield one


@pytest.mark.component("prometheus")
@pytest.mark.parametrize("expression", ASKED)
def test_a_panel_has_data_of_the_running_service(prometheus: Prometheus, expression: str) -> None:
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)

    values = prometheus.values(expression)

    assert values
    assert any(value == value for value in values), f"nothing but NaN: {values}"  # noqa: PLR0124 - NaN is no number


@pytest.mark.component("prometheus")
def test_every_alert_is_evaluated_against_the_running_service_and_none_is_a_false_one(prometheus: Prometheus) -> None:
    (group,) = prometheus.ask("rules")["groups"]

    assert [rule["name"] for rule in group["rules"]] == NAMES
    assert {rule["name"]: rule["lastError"] for rule in group["rules"] if rule.get("lastError")} == {}
    assert [rule["name"] for rule in group["rules"] if rule["state"] == "firing"] == []


@pytest.mark.component("prometheus")
@pytest.mark.parametrize("name", ["decisions_total", "answer_seconds_bucket", "step_seconds_bucket"])
def test_a_number_leads_to_the_trace_of_a_decision(prometheus: Prometheus, name: str) -> None:
    now = time.time()
    series = f"vestibule_{name}"

    found = prometheus.ask("query_exemplars", query=series, start=str(now - 600), end=str(now + 600))

    ids = {exemplar["labels"]["trace_id"] for one in found for exemplar in one["exemplars"]}
    assert ids
    assert all(re.fullmatch(r"[0-9a-f]{32}", trace_id) for trace_id in ids)


@pytest.mark.component("prometheus")
def test_no_label_names_any_of_the_people_who_joined(prometheus: Prometheus) -> None:
    labels = prometheus.ask("labels")
    values = {value for label in labels for value in prometheus.ask(f"label/{label}/values")}

    told = " ".join(values).casefold()
    assert "townhall" not in told.replace("-", "")
    assert not [name for name in ("alice", "bob", "carol", "dan", "eve", "frank") if re.search(rf"\b{name}\b", told)]


# The files, as Grafana documents them.


def test_there_are_three_dashboards_with_ids_of_their_own() -> None:
    assert DASHBOARDS.keys() == {"joins", "decision", "levels"}
    assert {name: one["uid"] for name, one in DASHBOARDS.items()} == {name: f"vestibule-{name}" for name in DASHBOARDS}


@pytest.mark.parametrize("name", DASHBOARDS)
def test_panels_are_told_apart_and_none_covers_another(name: str) -> None:
    panels = DASHBOARDS[name]["panels"]

    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
    assert not [(a["title"], b["title"]) for a, b in combinations(panels, 2) if overlap(a["gridPos"], b["gridPos"])]


def overlap(a: dict[str, int], b: dict[str, int]) -> bool:
    return (
        a["x"] < b["x"] + b["w"] and b["x"] < a["x"] + a["w"] and a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"]
    )


@pytest.mark.parametrize(("name", "panel"), PANELS, ids=[f"{name}: {panel['title']}" for name, panel in PANELS])
def test_a_panel_asks_a_source_that_the_dashboard_lets_one_choose(name: str, panel: dict) -> None:
    variables = {one["name"]: one for one in DASHBOARDS[name]["templating"]["list"]}
    kind = panel["datasource"]["type"]

    assert panel["datasource"] in (PROMETHEUS, TEMPO)
    assert variables[kind]["query"] == kind
    assert all(target["datasource"] == panel["datasource"] for target in panel["targets"])
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    assert all(("expr" in target) is (kind == "prometheus") for target in panel["targets"])


def test_one_decision_is_looked_up_by_names_that_spans_have() -> None:
    dashboard = DASHBOARDS["decision"]
    asked = " ".join(t["query"] for p in dashboard["panels"] for t in p["targets"] if "query" in t)
    variables = {one["name"] for one in dashboard["templating"]["list"]}

    assert set(re.findall(r"span\.([\w.]+)", asked)) == {tracing.DECISION_ID, tracing.OUTCOME}
    assert set(re.findall(r'name = "([\w.]+)"', asked)) == {tracing.JOIN}
    assert set(re.findall(r"\$(\w+)", asked)) == {"decision_id", "trace_id"} <= variables


def test_the_sources_that_are_provisioned_are_those_the_dashboards_begin_with() -> None:
    file = GRAFANA / "provisioning" / "datasources" / "vestibule.yaml"
    sources = {source["uid"]: source for source in yaml.safe_load(file.read_text())["datasources"]}
    first = {
        (one["query"], one["current"]["value"])
        for dashboard in DASHBOARDS.values()
        for one in dashboard["templating"]["list"]
        if one["type"] == "datasource"
    }

    assert {(source["type"], uid) for uid, source in sources.items()} == first
    (lead,) = sources["vestibule-prometheus"]["jsonData"]["exemplarTraceIdDestinations"]
    assert lead == {"name": "trace_id", "datasourceUid": "vestibule-tempo"}


def test_the_dashboards_are_provisioned_from_files() -> None:
    file = GRAFANA / "provisioning" / "dashboards" / "vestibule.yaml"
    (provider,) = yaml.safe_load(file.read_text())["providers"]

    assert provider["type"] == "file"
    assert provider["options"]["path"]
