"""Recorded questions of Pexip nodes: how they are read, and how they are answered whatever the judge decides."""

import json
from pathlib import Path

import pytest

from plugin.core.decision import Decision
from plugin.core.join import JoinRequest
from plugin.platforms import pexip, pexip_questions
from plugin.platforms.pexip import Endpoint, LeftToPlatform
from tests.fakes import NOON
from tests.platforms.documented import breaches
from tests.platforms.rooms import SETTINGS, allow, deny, redirect, request_line, say
from tests.vectors import shared_folder

SAMPLES = shared_folder() / "samples" / "pexip"
GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))
DECISIONS: dict[str, Decision] = {"allow": allow(), "redirect": redirect(), "deny": deny()}
Params = dict[str, tuple[str, ...]]


def endpoint_of(path: str) -> Endpoint:
    route = path.removeprefix("/policy/v1/")
    return max((one for one in Endpoint if route.startswith(one.value)), key=lambda one: len(one.value))


def reading_of(path: str, params: Params) -> dict[str, object]:
    read = pexip_questions.read(endpoint_of(path), params, settings=SETTINGS, now=NOON)
    assert not isinstance(read, LeftToPlatform)
    if not isinstance(read, JoinRequest):
        return {"not_a_join": read.reason.code}
    return {
        "phase": read.phase.value,
        "alias": read.alias,
        "zone": read.zone,
        "display_name": read.caller.display_name,
        "caller_alias": read.caller.alias,
        "protocol": read.caller.protocol,
        "vendor": read.caller.vendor,
        "ticket": read.credentials.ticket,
        "address": read.network.address,
        "located": read.network.located,
        "direction": read.direction.value,
        "call": {"id": read.call.call_id, "api": read.call.api} if read.call else None,
    }


def answers_of(path: str, params: Params) -> dict[str, object]:
    read = pexip_questions.read(endpoint_of(path), params, settings=SETTINGS, now=NOON)
    if isinstance(read, JoinRequest):
        return {name: say(read, decision) for name, decision in DECISIONS.items()}
    return {"always": pexip.SAFE_ANSWERS[endpoint_of(path)]}


def asked(golden: Path) -> tuple[str, Params, dict[str, object]]:
    expected = json.loads(golden.read_text(encoding="utf-8"))
    path, params = request_line(SAMPLES / expected["request"])
    return path, params | {name: (value,) for name, value in expected.get("replace", {}).items()}, expected


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda file: file.stem)
def test_a_recorded_question_is_read_as_written_down(golden: Path) -> None:
    path, params, expected = asked(golden)

    assert reading_of(path, params) == expected["reading"]


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda file: file.stem)
def test_a_recorded_question_is_answered_as_written_down(golden: Path) -> None:
    path, params, expected = asked(golden)

    assert answers_of(path, params) == expected["answers"]


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda file: file.stem)
def test_what_is_written_down_breaks_no_documented_rule(golden: Path) -> None:
    path, _, expected = asked(golden)
    answers = expected["answers"]
    assert isinstance(answers, dict)

    assert [breaches(endpoint_of(path).value, answer) for answer in answers.values()] == [[]] * len(answers)


def test_every_recorded_question_is_written_down() -> None:
    written = {json.loads(golden.read_text(encoding="utf-8"))["request"] for golden in GOLDEN}

    assert written == {sample.name for sample in SAMPLES.glob("*.request.txt")}


@pytest.mark.parametrize("endpoint", list(Endpoint), ids=lambda one: one.value)
def test_where_there_is_nothing_to_say_no_documented_rule_is_broken(endpoint: Endpoint) -> None:
    assert breaches(endpoint.value, pexip.SAFE_ANSWERS[endpoint]) == []
