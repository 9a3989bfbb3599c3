"""What the simulated conferencing node makes of an answer, field by field."""

import json

import pytest

from plugin.shell.demo.node_rules import LOCATION, PARTICIPANT, SERVICE, Verdict, after_dead_man, read
from tests.shell.demo.policy_server import REJECT, ROOM, admit


@pytest.mark.parametrize(
    ("field_name", "value"),
    [
        ("name", ""),
        ("name", "x" * 251),
        ("service_type", "gateway"),
        ("view", "grid"),
        ("pin", ""),
        ("pin", "12"),
        ("pin", 483920174),
        ("guest_pin", "483920174"),
        ("guest_pin", "1234"),
        ("allow_guests", "True"),
        ("max_callrate_in", 64),
        ("participant_limit", True),
        ("host_identity_provider_group", "Nobody"),
        ("ivr_theme_name", ["Dark"]),
        ("crypto_mode", "maybe"),
        ("reason", "of our own"),
        ("breakout_uuids", "u-1"),
        ("breakout_uuids", [""]),
        ("breakout_uuid", "u-1"),
        ("end_action", "burn"),
    ],
)
def test_one_invalid_field_drops_the_whole_answer(field_name: str, value: object) -> None:
    body = json.dumps(admit(**{**ROOM, field_name: value})).encode()

    reading = read(SERVICE, body, configured=frozenset({"Staff"}))

    assert reading.verdict is Verdict.FALLBACK


@pytest.mark.parametrize(
    "changes",
    [
        {"guest_pin": "123456789"},
        {"pin": "4839#", "guest_pin": "123456#"},
        {"crypto_mode": None, "max_pixels_per_second": "hd", "guests_can_present": False, "mute_all_guests": True},
        {"guest_identity_provider_group": "Staff", "non_idp_participants": "disallow_all"},
        {"breakout_rooms": True, "breakout_uuids": ["u-1", "u-2"]},
        {"breakout": True, "breakout_uuid": "u-1", "breakout_name": "One", "end_action": "transfer", "end_time": 0},
    ],
)
def test_a_room_by_the_tables_is_used(changes: dict[str, object]) -> None:
    body = json.dumps(admit(**{**ROOM, **changes})).encode()

    reading = read(SERVICE, body, configured=frozenset({"Staff"}))

    assert (reading.verdict, reading.problem) == (Verdict.USED, "")


@pytest.mark.parametrize("missing", ["name", "service_type", "service_tag", "pin"])
def test_a_room_that_lacks_something_is_dropped(missing: str) -> None:
    body = json.dumps(admit(**{key: value for key, value in ROOM.items() if key != missing})).encode()

    reading = read(SERVICE, body, configured=frozenset())

    assert reading.verdict is Verdict.FALLBACK


def test_other_keys_of_the_answer_are_kept_as_remarks() -> None:
    body = json.dumps({**REJECT, "decision_id": "dec_1"}).encode()

    reading = read(SERVICE, body, configured=frozenset())

    assert reading.remarks == {"decision_id": "dec_1"}


@pytest.mark.parametrize(
    "place",
    [
        {"location": "Oslo"},
        {"location": "Oslo", "overflow_locations": ["Bergen", "Oslo"]},
        {"location": "Oslo", "overflow_locations": []},
        {"location": "Oslo", "primary_overflow_location": "Bergen", "secondary_overflow_location": "Oslo"},
    ],
)
def test_a_place_by_the_tables_is_used(place: dict[str, object]) -> None:
    body = json.dumps({"status": "success", "result": place}).encode()

    reading = read(LOCATION, body, configured=frozenset({"Oslo", "Bergen"}))

    assert (reading.verdict, reading.problem) == (Verdict.USED, "")


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "success", "result": {"location": "Nowhere"}},
        {"status": "success", "result": {"location": "Oslo", "overflow_locations": ["Nowhere"]}},
        {"status": "success", "result": {"location": "Oslo", "overflow_locations": "Bergen"}},
        {"status": "success", "result": {"location": "Oslo", "reason": "of our own"}},
        {"status": "success", "result": {"location": ["Oslo"]}},
        {"status": "success", "result": {"overflow_locations": ["Oslo"]}},
        {"status": "success", "result": {}},
        {"status": "fail", "result": {"location": "Oslo"}},
        REJECT,
    ],
)
def test_any_other_place_is_dropped_and_none_can_be_rejected(answer: dict[str, object]) -> None:
    reading = read(LOCATION, json.dumps(answer).encode(), configured=frozenset({"Oslo", "Bergen"}))

    assert reading.verdict is Verdict.FALLBACK


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (SERVICE, {"status": "success", "result": ROOM}),
        (SERVICE, {"status": "success", "action": "continue", "result": {**ROOM, "view": "grid"}}),
        (SERVICE, {"status": "fail", "action": "continue"}),
        (SERVICE, {"status": "success", "action": "redirect", "result": {"new_alias": "sip:elsewhere@example.com"}}),
        (SERVICE, {**REJECT, "result": ROOM}),
        (PARTICIPANT, {"status": "success", "result": {}}),
        (PARTICIPANT, {"status": "success", "action": "admit", "result": {}}),
        (PARTICIPANT, {"status": "success", "action": "continue", "result": {"role": "chair"}}),
        (PARTICIPANT, {**REJECT, "result": {"preauthenticated_role": "chair"}}),
    ],
)
def test_a_dead_man_policy_rejects_what_did_not_come_with_an_explicit_continue(
    question: str, answer: dict[str, object]
) -> None:
    reading = read(question, json.dumps(answer).encode(), configured=frozenset())

    assert reading.verdict is not Verdict.REJECTED
    assert after_dead_man(question, reading).verdict is Verdict.REJECTED


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (SERVICE, admit(**ROOM)),
        (SERVICE, {"status": "success", "action": "continue"}),
        (PARTICIPANT, {"status": "success", "action": "continue"}),
        (PARTICIPANT, {**REJECT, "result": {"reject_reason": "not today"}}),
        (LOCATION, {"status": "fail"}),
    ],
)
def test_a_dead_man_policy_leaves_alone_what_was_answered(question: str, answer: dict[str, object]) -> None:
    reading = read(question, json.dumps(answer).encode(), configured=frozenset())

    assert after_dead_man(question, reading) == reading
