"""The local policy scripts, rendered by the template engine that Pexip documents: what passes, and what never does."""

import json
from pathlib import Path

import pytest
from jinja2 import ChainableUndefined, Environment, StrictUndefined, Undefined
from jinja2.sandbox import SandboxedEnvironment

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "pexip"
SERVICE, PARTICIPANT = "dead-man-service.jinja", "dead-man-participant.jinja"
MOST_CHARACTERS = 49_152
ROOM = {
    "name": 'the "board"',
    "service_type": "conference",
    "service_tag": "vestibule:core:board",
    "pin": "7" * 20,
    "allow_guests": True,
    "description": None,
}
FOREIGN = {**ROOM, "service_tag": "IDPC_department_Navy_SECRET"}
WORDS = [
    "REJECT",
    "REDIRECT",
    "continue",
    "Continue",
    "CONTINUE ",
    " CONTINUE",
    "",
    "TRUE",
    None,
    True,
    1,
    ["CONTINUE"],
]
ABSENT = ...  # the script is given no such word at all


@pytest.fixture(params=[Undefined, StrictUndefined, ChainableUndefined])
def engine(request: pytest.FixtureRequest) -> Environment:
    """What an absent name means to Pexip's engine is documented nowhere: the scripts must not depend on it."""
    environment = SandboxedEnvironment(undefined=request.param, autoescape=False)
    environment.filters["pex_to_json"] = json.dumps
    return environment


def rendered(engine: Environment, script: str, *, disposition: object, **variables: object) -> dict[str, object]:
    call_info = {"local_alias": "board", "protocol": "api"}
    if disposition is not ABSENT:
        call_info["external_policy_disposition"] = disposition
    text = engine.from_string((FOLDER / script).read_text()).render(call_info=call_info, **variables)
    answer: dict[str, object] = json.loads(text)
    return answer


def test_a_room_of_ours_passes_unchanged(engine: Environment):
    answer = rendered(engine, SERVICE, disposition="CONTINUE", service_config=ROOM)

    assert answer == {"action": "continue", "result": ROOM}


@pytest.mark.parametrize("word", [ABSENT, *WORDS], ids=repr)
@pytest.mark.parametrize("config", [ROOM, FOREIGN, None])
def test_no_other_word_opens_a_room(engine: Environment, word: object, config: object):
    assert rendered(engine, SERVICE, disposition=word, service_config=config) == {"action": "reject", "result": {}}


@pytest.mark.parametrize(
    "config", [None, {}, FOREIGN, {**ROOM, "service_tag": None}, {**ROOM, "service_tag": 7}, {"name": "board"}]
)
def test_a_room_of_the_platforms_own_does_not_open_although_an_answer_came(engine: Environment, config: object):
    answer = rendered(engine, SERVICE, disposition="CONTINUE", service_config=config)

    assert answer == {"action": "reject", "result": {}}


def test_a_script_without_any_room_rejects(engine: Environment):
    assert rendered(engine, SERVICE, disposition="CONTINUE") == {"action": "reject", "result": {}}


def test_where_the_administrator_leaves_aliases_to_the_platform_their_rooms_pass(engine: Environment):
    script = (FOLDER / SERVICE).read_text().replace("set leave_to_platform = false", "set leave_to_platform = true")
    call_info = {"external_policy_disposition": "CONTINUE"}

    passed = json.loads(engine.from_string(script).render(call_info=call_info, service_config=FOREIGN))
    lost = json.loads(engine.from_string(script).render(call_info={}, service_config=FOREIGN))

    assert (passed["result"], lost["action"]) == (FOREIGN, "reject")


def test_whom_we_admitted_passes_as_we_said(engine: Environment):
    answer = rendered(engine, PARTICIPANT, disposition="CONTINUE", participant={"preauthenticated_role": "chair"})

    assert answer == {"action": "continue", "result": {}}


@pytest.mark.parametrize("word", [ABSENT, *WORDS], ids=repr)
def test_nobody_enters_by_any_other_word(engine: Environment, word: object):
    answer = rendered(engine, PARTICIPANT, disposition=word, participant={})

    assert answer["action"] == "reject"
    assert set(answer["result"]) <= {"reject_reason"}


def test_where_nobody_answered_the_participant_is_told_so_and_our_own_reason_is_kept(engine: Environment):
    lost = rendered(engine, PARTICIPANT, disposition=ABSENT, participant={})
    ours = rendered(engine, PARTICIPANT, disposition="REJECT", participant={})

    assert "try again" in lost["result"]["reject_reason"]
    assert ours["result"] == {}


@pytest.mark.parametrize("script", [SERVICE, PARTICIPANT])
def test_a_script_fits_into_a_policy_profile(script: str):
    assert len((FOLDER / script).read_text()) <= MOST_CHARACTERS
