"""Questions of Pexip nodes, recorded or derived: how each is read, and answered whatever the judge decides.

Where a question is not about a join there is one answer, by the settings of `tests.platforms.rooms`.
"""

import json
from contextlib import nullcontext
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from plugin.core.decision import Decision
from plugin.core.join import JoinRequest
from plugin.core.registration import judge_registration
from plugin.platforms import pexip, pexip_questions
from plugin.platforms.pexip import Endpoint, LeftToPlatform
from plugin.platforms.pexip_avatar import draw, read_avatar
from plugin.platforms.pexip_directory import look_up
from plugin.platforms.pexip_media import locate
from plugin.platforms.pexip_registration import read_registration, write_registration
from tests.fakes import NOON
from tests.platforms.documented import breaches
from tests.platforms.rooms import FURNISHED, ROOMS, SETTINGS, allow, deny, redirect, request_line, say
from tests.vectors import shared_folder

SAMPLES = shared_folder() / "samples" / "pexip"
DERIVED = Path(__file__).parent / "requests"
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
        **({"teams_tenant": read.leg.teams_tenant} if read.leg.teams_tenant else {}),
        **({"transferred": True} if read.leg.transferred else {}),
    }


def answers_of(path: str, params: Params) -> dict[str, object]:
    read = pexip_questions.read(endpoint_of(path), params, settings=SETTINGS, now=NOON)
    if isinstance(read, JoinRequest):
        return {name: say(read, decision) for name, decision in DECISIONS.items()}
    return {"always": other_answer(path, params)}


def other_answer(path: str, params: Params) -> object:
    """Answer a question that is not about a join, a picture by its kind and size."""
    endpoint = endpoint_of(path)
    said: object = None
    match endpoint:
        case Endpoint.LOCATION:
            said = locate(params, rooms=ROOMS, settings=FURNISHED)
        case Endpoint.DIRECTORY:
            said = look_up(params, settings=FURNISHED)
        case Endpoint.REGISTRATION:
            request = read_registration(path.partition("/registrations/")[2], params)
            entries = FURNISHED.registrations
            said = write_registration(judge_registration(request, entries=entries)) if request else None
        case Endpoint.AVATAR:
            avatar = read_avatar(params, rooms=ROOMS, settings=FURNISHED)
            with Image.open(BytesIO(draw(avatar))) if avatar else nullcontext() as picture:
                said = f"{picture.format} {picture.mode} {picture.width}x{picture.height}" if picture else None
    return said or pexip.SAFE_ANSWERS[endpoint]


def asked(golden: Path) -> tuple[str, Params, dict[str, object]]:
    expected = json.loads(golden.read_text(encoding="utf-8"))
    name = expected["request"]
    path, params = request_line((DERIVED if name.startswith("d") else SAMPLES) / name)
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
    said = [None if isinstance(answer, str) else answer for answer in answers.values()]

    assert [breaches(endpoint_of(path).value, answer) for answer in said] == [[]] * len(said)


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda file: file.stem)
def test_nothing_of_a_question_is_kept_that_nobody_needs(golden: Path) -> None:
    path, params, _ = asked(golden)

    read = pexip_questions.read(endpoint_of(path), params, settings=SETTINGS, now=NOON)

    assert "493021" not in repr(read)


def test_every_recorded_question_is_written_down() -> None:
    written = {json.loads(golden.read_text(encoding="utf-8"))["request"] for golden in GOLDEN}

    assert written == {sample.name for folder in (SAMPLES, DERIVED) for sample in folder.glob("*.request.txt")}


@pytest.mark.parametrize("endpoint", list(Endpoint), ids=lambda one: one.value)
def test_where_there_is_nothing_to_say_no_documented_rule_is_broken(endpoint: Endpoint) -> None:
    assert breaches(endpoint.value, pexip.SAFE_ANSWERS[endpoint]) == []
