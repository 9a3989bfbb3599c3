"""The shipped alert rules, tried by promtool: each fires when it has to, and then only, and can be read up."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from plugin.shell.metrics import Metrics

pytestmark = pytest.mark.component("prometheus")

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "prometheus"
RULES = yaml.safe_load((FOLDER / "vestibule.rules.yml").read_text())["groups"][0]["rules"]
NAMES = [rule["alert"] for rule in RULES]
DAY = 86_400
Series = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Series, one value a minute for an hour, on which an alert has fired after 50 minutes, or has not."""

    alert: str
    fires: Series
    quiet: Series


def failing(reason: str, rate: int) -> Series:
    return {f'vestibule_fail_closed_total{{instance="a",question="service",reason="{reason}"}}': f"0+{rate}x60"}


def answers(*, within: str, of: str, at_most: str) -> Series:
    """Answers a minute: how many there are, and how many take `at_most` so many seconds."""
    labels = 'instance="a",question="service"'
    return {
        f'vestibule_answer_seconds_bucket{{{labels},le="{at_most}"}}': f"0+{within}x60",
        f'vestibule_answer_seconds_bucket{{{labels},le="+Inf"}}': f"0+{of}x60",
    }


def asked(decisions: str) -> Series:
    return {
        'vestibule_answer_seconds_count{instance="a",question="service"}': "0+60x60",
        'vestibule_decisions_total{instance="a",platform="pexip"}': decisions,
    }


def constant(selector: str, value: float) -> Series:
    return {selector: f"{value}+0x60"}


def keys(*, age: int, failures: int) -> Series:
    return {
        **constant('vestibule_idp_keys_age_seconds{instance="a",issuer="https://sso.example.com"}', age),
        **constant('vestibule_idp_failures{instance="a",issuer="https://sso.example.com"}', failures),
    }


def lane(answering: int) -> Series:
    return {
        **constant('vestibule_lane_answering{instance="a",lane="pexip-joins"}', answering),
        **constant('vestibule_lane_most{instance="a",lane="pexip-joins"}', 100),
    }


def store(seconds: str, *, operations: str = "0+60x60") -> Series:
    return {
        f'vestibule_store_seconds_bucket{{instance="a",operation="put",le="{seconds}"}}': operations,
        'vestibule_store_seconds_bucket{instance="a",operation="put",le="0.0005"}': "0+0x60",
        'vestibule_store_seconds_bucket{instance="a",operation="put",le="+Inf"}': operations,
    }


def drift(level: str) -> str:
    return f'vestibule_pexip_drift{{instance="a",kind="alias",level="{level}"}}'


def look(what: str) -> str:
    return f'vestibule_pexip_look_age_seconds{{instance="a",what="{what}"}}'


READY = 'vestibule_ready{instance="a",check="store"}'
FAILED = 'vestibule_store_operations_total{instance="a",operation="put",outcome="failed"}'
PURGED = 'vestibule_store_purge_age_seconds{instance="a"}'
DROPPED = 'vestibule_spans_total{instance="a",fate="dropped"}'
CA = 'vestibule_device_ca_days_left{instance="a",ca="devices"}'
CRL = 'vestibule_crl_days_left{instance="a",ca="devices"}'
ENDING = 'vestibule_device_certificates_ending_total{instance="a",ca="devices"}'
CURRENT = "vestibule_config_is_current"
BURNT = 'vestibule_tickets_total{instance="a",event="burnt"}'
BUNDLES = [f'vestibule_bundle_info{{instance="{name}",revision="{name}"}}' for name in "ab"]
UNADMITTED = 'vestibule_pexip_unadmitted{instance="a"}'
UP = 'up{job="vestibule",instance="a"}'

TRIALS = (
    Trial(alert="VestibuleDown", fires=constant(UP, 0), quiet=constant(UP, 1)),
    Trial(alert="VestibuleNotReady", fires=constant(READY, 0), quiet=constant(READY, 1)),
    Trial(alert="VestibuleReadinessFlaps", fires={READY: "0 1 " * 30}, quiet={READY: "0x5 1x55"}),
    Trial(alert="VestibuleFailsClosed", fires=failing("idp-unreachable", 6), quiet=failing("overloaded", 600)),
    Trial(
        alert="VestibulePlatformNotRecognised",
        fires=failing("caller-unauthenticated", 60),
        quiet=failing("caller-unauthenticated", 6),
    ),
    Trial(alert="VestibuleOverloaded", fires=failing("overloaded", 6), quiet=failing("deadline", 600)),
    Trial(alert="VestibuleLaneFillsUp", fires=lane(90), quiet=lane(70)),
    Trial(
        alert="VestibuleAnswersLate",
        fires={**answers(within="98", of="100", at_most="1.5"), **answers(within="100", of="100", at_most="2.5")},
        quiet=answers(within="100", of="100", at_most="1.5"),
    ),
    Trial(
        alert="VestibuleBudgetExceeded",
        fires=answers(within="99", of="100", at_most="3.0"),
        quiet=answers(within="100", of="100", at_most="3.0"),
    ),
    Trial(alert="VestibuleIdpDown", fires=keys(age=60, failures=3), quiet=keys(age=60, failures=2)),
    # Nobody is asked for keys while nobody joins: old ones are no fault then.
    Trial(alert="VestibuleKeysAge", fires=keys(age=DAY, failures=1), quiet=keys(age=DAY, failures=0)),
    Trial(alert="VestibuleStoreFails", fires={FAILED: "0+1x60"}, quiet={FAILED: "0x60"}),
    Trial(alert="VestibuleStoreSlow", fires=store("0.5"), quiet=store("0.1")),
    Trial(alert="VestibuleNotPurged", fires={PURGED: "0+60x60"}, quiet={PURGED: "60x60"}),
    Trial(alert="VestibuleSpansLost", fires={DROPPED: "0+1x60"}, quiet={DROPPED: "7x60"}),
    Trial(alert="VestibuleDeviceCaEnds", fires={CA: "29x120"}, quiet={CA: "31x120"}),
    Trial(alert="VestibuleRevocationListEnds", fires=constant(CRL, 0.2), quiet=constant(CRL, 2)),
    Trial(alert="VestibuleDeviceCertificatesEnd", fires={ENDING: "0x30 1x30"}, quiet={ENDING: "1x60"}),
    Trial(alert="VestibuleNoDecisions", fires=asked("5x60"), quiet=asked("0+1x60")),
    Trial(alert="VestibuleBurntTickets", fires={BURNT: "0+1x60"}, quiet={BURNT: "0x40 1x20"}),
    Trial(
        alert="VestibuleReplicasDisagree",
        fires=dict.fromkeys(BUNDLES, "1x60"),
        quiet=constant(BUNDLES[0], 1),
    ),
    Trial(alert="VestibuleConfigurationRefused", fires={CURRENT: "1x10 0x50"}, quiet={CURRENT: "1x60"}),
    Trial(alert="VestibuleUnadmitted", fires=constant(UNADMITTED, 1), quiet=constant(UNADMITTED, 0)),
    Trial(alert="VestibulePexipDrift", fires=constant(drift("fault"), 1), quiet=constant(drift("warning"), 1)),
    Trial(
        alert="VestibulePexipNotLookedAt",
        fires=constant(look("participants"), 601),
        quiet={**constant(look("configuration"), 3960), **constant(look("participants"), 66)},
    ),
)


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [shutil.which("promtool") or "promtool", *arguments], capture_output=True, text=True, check=False
    )


def unit_test(series: Series, *, alert: str, at: str, firing: bool) -> dict[str, object]:
    """Write one test as promtool reads it, whose one question is whether the alert fires then."""
    expected = [{"labels": "{}", "value": 1}] if firing else []
    question = f'count(count by (alertname) (ALERTS{{alertname="{alert}",alertstate="firing"}}))'
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values.strip()} for name, values in series.items()],
        "promql_expr_test": [{"expr": question, "eval_time": at, "exp_samples": expected}],
    }


def tried(folder: Path, *tests: dict[str, object]) -> subprocess.CompletedProcess[str]:
    """Have promtool run tests of the shipped rules. JSON is YAML."""
    file = folder / "trial.yml"
    rules = str(FOLDER / "vestibule.rules.yml")
    file.write_text(json.dumps({"rule_files": [rules], "evaluation_interval": "1m", "tests": list(tests)}))
    return promtool("test", "rules", file)


def test_prometheus_reads_the_rules_and_the_example_that_names_them() -> None:
    for check in (("check", "rules", FOLDER / "vestibule.rules.yml"), ("check", "config", FOLDER / "prometheus.yml")):
        done = promtool(*check)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_its_trial() -> None:
    assert [trial.alert for trial in TRIALS] == NAMES


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.alert)
def test_an_alert_fires_when_it_has_to_and_at_no_other_time(tmp_path: Path, trial: Trial) -> None:
    at = "110m" if trial.alert == "VestibuleDeviceCaEnds" else "50m"
    fires = unit_test(trial.fires, alert=trial.alert, at=at, firing=True)
    quiet = unit_test(trial.quiet, alert=trial.alert, at=at, firing=False)

    done = tried(tmp_path, fires, quiet)

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_trial_of_an_alert_that_does_not_fire_is_red(tmp_path: Path) -> None:
    done = tried(tmp_path, unit_test(constant(UP, 1), alert="VestibuleDown", at="50m", firing=True))

    assert done.returncode != 0


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_an_alert_says_how_urgent_it_is_and_leads_to_a_paragraph(rule: dict) -> None:
    headings = re.findall(r"^## (\w+)$", (FOLDER / "RUNBOOK.md").read_text(), re.MULTILINE)

    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["runbook_url"].endswith(f"/RUNBOOK.md#{rule['alert'].lower()}")
    assert rule["alert"] in headings


def test_no_paragraph_is_about_an_alert_that_is_not_there() -> None:
    text = (FOLDER / "RUNBOOK.md").read_text()

    assert re.findall(r"^## (\w+)$", text, re.MULTILINE) == NAMES
    assert set(re.findall(r"\(#(\w+)\)", text)) <= {name.lower() for name in NAMES}


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_an_alert_asks_for_metrics_that_there_are(rule: dict) -> None:
    families = {family.name for family in Metrics().registry.collect()}
    asked_for = {re.sub(r"_(total|bucket|count|sum)$", "", name) for name in re.findall(r"vestibule_\w+", rule["expr"])}

    assert asked_for <= families
