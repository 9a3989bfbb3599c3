"""Documented answers of the kinds that are given here: our own tables take them, but for what is refused on purpose."""

import json

import pytest

from plugin.platforms.pexip_fields import (
    DIRECTORY,
    LOCATION,
    PARTICIPANT,
    REFUSED,
    REGISTRATION,
    Rule,
    faults,
    service_faults,
)
from tests.vectors import shared_folder

SAMPLES = shared_folder() / "samples" / "pexip"
ROOMS = {
    # A participant that is called automatically is judged by nobody.
    "r01-service-conference-with-adp": {"automatic_participants"},
    # People are moved into a breakout room without being judged; and guests have to meet a host PIN.
    "r05-service-breakout-waiting-room": {
        *("breakout", "breakout_uuid", "breakout_name", "breakout_description", "end_action", "end_time"),
        "pin",
    },
    # A lock is no barrier to whoever has the host PIN.
    "r21-zone-vmr-as-redirect": {"locked"},
}
OTHERS: dict[str, tuple[dict[str, Rule], set[str]]] = {
    # What would let somebody past a lock is never given.
    "r06-participant-anonymise": (dict(PARTICIPANT), {"bypass_lock"}),
    "r07-participant-reject-reason": (dict(PARTICIPANT), set()),
    "r08-location": (dict(LOCATION), set()),
    "r11-registration-credentials": (dict(REGISTRATION), set()),
    "r12-registration-reject": (dict(REGISTRATION), set()),
}
# Kinds that are never given: a SIP 302 to another alias, and calls that are bridged to another platform.
NOT_GIVEN = {"r02-service-reject", "r03-service-redirect-sip302", "r04-service-gateway-teams"}


def result_of(name: str) -> dict[str, object]:
    result: dict[str, object] = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))["body"]["result"]
    return result


def test_every_documented_answer_is_looked_at() -> None:
    assert {file.stem for file in SAMPLES.glob("r*.json")} == {*ROOMS, *OTHERS, *NOT_GIVEN}


@pytest.mark.parametrize("name", sorted(ROOMS))
def test_a_documented_room_is_taken_but_for_what_is_refused_on_purpose(name: str) -> None:
    assert {fault.field for fault in service_faults(result_of(name))} == ROOMS[name]


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_another_documented_answer_is_taken_but_for_what_is_refused_on_purpose(name: str) -> None:
    table, refused = OTHERS[name]

    assert {fault.field for fault in faults(result_of(name), table=table)} == refused


def test_a_line_of_the_phonebook_has_three_texts() -> None:
    line = {"username": "board", "alias": "board", "description": "Board"}

    assert faults(line, table=DIRECTORY) == ()
    assert [fault.field for fault in faults({**line, "uri": "x", "alias": ""}, table=DIRECTORY)] == ["alias", "uri"]


def test_what_is_refused_on_purpose_says_why() -> None:
    assert {"automatic_participants", "locked", "breakout_rooms"} <= REFUSED.keys()
