"""The judge of the adapter's answers is judged itself: by the documented examples, and by what is wrong with others."""

import json
from copy import deepcopy

import pytest

from tests.platforms.documented import (
    AVATAR,
    DIRECTORY,
    LOCATION,
    PARTICIPANT,
    REGISTRATION,
    SERVICE,
    breaches,
)
from tests.vectors import shared_folder

SAMPLES = shared_folder() / "samples" / "pexip"
EXAMPLES = {
    "r01-service-conference-with-adp": SERVICE,
    "r02-service-reject": SERVICE,
    "r03-service-redirect-sip302": SERVICE,
    "r04-service-gateway-teams": SERVICE,
    "r05-service-breakout-waiting-room": SERVICE,
    "r06-participant-anonymise": PARTICIPANT,
    "r07-participant-reject-reason": PARTICIPANT,
    "r08-location": LOCATION,
    "r11-registration-credentials": REGISTRATION,
    "r12-registration-reject": REGISTRATION,
    "r21-zone-vmr-as-redirect": SERVICE,
}
# This one lets guests in with an empty PIN, which other documents say is dropped.
CONTRADICTED = "r05-service-breakout-waiting-room"
ROOM = {"service_type": "conference", "name": "board", "service_tag": "t", "allow_guests": True, "pin": "493817"}


def example(name: str) -> dict[str, object]:
    body: dict[str, object] = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))["body"]
    return body


def broken(name: str, path: str, value: object) -> dict[str, object]:
    """Return an example in which the member at `path` is another one; `...` removes it."""
    body = deepcopy(example(name))
    *way, last = path.split(".")
    place = body
    for member in way:
        place = place.setdefault(member, {})  # type: ignore[assignment]  # examples are read as plain JSON
    place[last] = value
    if value is ...:
        del place[last]
    return body


def continues(result: object) -> dict[str, object]:
    return {"status": "success", "action": "continue", "result": result}


def test_every_documented_answer_is_an_example() -> None:
    assert {file.stem for file in SAMPLES.glob("r*.json")} == set(EXAMPLES)


@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - {CONTRADICTED}))
def test_a_documented_example_breaks_nothing(name: str) -> None:
    assert breaches(EXAMPLES[name], example(name)) == []


def test_the_contradicted_example_breaks_the_pin_rules_alone() -> None:
    assert breaches(SERVICE, example(CONTRADICTED)) == ["pin: wrong value", "allow_guests: needs a pin"]


@pytest.mark.parametrize(
    ("name", "path", "value", "breach"),
    [
        ("r01-service-conference-with-adp", "status", "ok", "status"),
        ("r01-service-conference-with-adp", "status", ..., "status"),
        ("r01-service-conference-with-adp", "action", ..., "action"),
        ("r01-service-conference-with-adp", "action", "allow", "action"),
        ("r01-service-conference-with-adp", "action", "reject", "result"),
        ("r01-service-conference-with-adp", "result", ..., "result"),
        ("r01-service-conference-with-adp", "result", [], "result"),
        ("r01-service-conference-with-adp", "result.name", ..., "name"),
        ("r01-service-conference-with-adp", "result.name", "", "name"),
        ("r01-service-conference-with-adp", "result.name", "x" * 251, "name"),
        ("r01-service-conference-with-adp", "result.name", "two\nlines", "name"),
        ("r01-service-conference-with-adp", "result.name", "\x7f", "name"),
        ("r01-service-conference-with-adp", "result.name", "\N{LINE SEPARATOR}x", "name"),
        ("r01-service-conference-with-adp", "result.service_tag", ..., "service_tag"),
        ("r01-service-conference-with-adp", "result.service_type", ..., "service_type"),
        ("r01-service-conference-with-adp", "result.service_type", "Conference", "service_type"),
        ("r01-service-conference-with-adp", "result.view", "teams", "view"),
        ("r01-service-conference-with-adp", "result.view", None, "view"),
        ("r01-service-conference-with-adp", "result.host_view", "one_main_zero_pips", "host_view"),
        ("r01-service-conference-with-adp", "result.allow_guests", "True", "allow_guests"),
        ("r01-service-conference-with-adp", "result.allow_guests", 1, "allow_guests"),
        ("r01-service-conference-with-adp", "result.allow_guests", False, "guest_pin"),
        ("r01-service-conference-with-adp", "result.pin", ..., "allow_guests"),
        ("r01-service-conference-with-adp", "result.pin", "567890", "guest_pin"),
        ("r01-service-conference-with-adp", "result.pin", "1234567", "guest_pin"),
        ("r01-service-conference-with-adp", "result.pin", "12345678#", "guest_pin"),
        ("r01-service-conference-with-adp", "result.pin", "1" * 21, "pin"),
        ("r01-service-conference-with-adp", "result.pin", "1" * 20 + "#", "pin"),
        ("r01-service-conference-with-adp", "result.guest_pin", "56a890", "guest_pin"),
        ("r01-service-conference-with-adp", "result.guest_pin", "", "guest_pin"),
        ("r01-service-conference-with-adp", "result.max_callrate_in", 127_999, "max_callrate_in"),
        ("r01-service-conference-with-adp", "result.max_callrate_out", 8_192_001, "max_callrate_out"),
        ("r01-service-conference-with-adp", "result.participant_limit", True, "participant_limit"),
        ("r01-service-conference-with-adp", "result.direct_media_notification_duration", 31, "direct_media"),
        ("r01-service-conference-with-adp", "result.non_idp_participants", "allow", "non_idp_participants"),
        ("r01-service-conference-with-adp", "result.crypto_mode", "best_effort", "crypto_mode"),
        ("r01-service-conference-with-adp", "result.enable_chat", True, "enable_chat"),
        ("r01-service-conference-with-adp", "result.classification", 1, "classification"),
        ("r01-service-conference-with-adp", "result.reject", True, "reject"),
        ("r01-service-conference-with-adp", "result.automatic_participants", [{}], "automatic_participants"),
        ("r02-service-reject", "result", {}, "result"),
        ("r02-service-reject", "action", "continue", "result"),
        ("r03-service-redirect-sip302", "result", {}, "new_alias"),
        ("r04-service-gateway-teams", "result.outgoing_protocol", "webrtc", "outgoing_protocol"),
        ("r04-service-gateway-teams", "result.pin", "1234", "pin"),
        ("r05-service-breakout-waiting-room", "result.breakout_name", ..., "breakout_name"),
        ("r05-service-breakout-waiting-room", "result.breakout_rooms", True, "breakout_rooms"),
        ("r06-participant-anonymise", "action", "redirect", "action"),
        ("r06-participant-anonymise", "action", "reject", "remote_alias"),
        ("r06-participant-anonymise", "status", "failed", "status"),
        ("r06-participant-anonymise", "result", ..., "result"),
        ("r06-participant-anonymise", "result.preauthenticated_role", "host", "preauthenticated_role"),
        ("r06-participant-anonymise", "result.service_tag", "x", "service_tag"),
        ("r06-participant-anonymise", "result.role", "chair", "role"),
        ("r06-participant-anonymise", "result.display_name", "x", "display_name"),
        ("r06-participant-anonymise", "result.rx_presentation_policy", "deny", "rx_presentation_policy"),
        ("r06-participant-anonymise", "result.call_tag", "x" * 251, "call_tag"),
        ("r07-participant-reject-reason", "result.reject_reason", "", "reject_reason"),
        ("r07-participant-reject-reason", "result.preauthenticated_role", "guest", "preauthenticated_role"),
        ("r07-participant-reject-reason", "result", {}, "reject_reason"),
        ("r08-location", "action", "continue", "action"),
        ("r08-location", "action", "reject", "action"),
        ("r08-location", "result", {}, "location"),
        ("r08-location", "result.overflow_locations", "London", "overflow_locations"),
        ("r08-location", "result.primary_overflow_location", "London", "primary_overflow_location"),
        ("r11-registration-credentials", "result.password", ..., "password"),
        ("r12-registration-reject", "result", ..., "result"),
        ("r12-registration-reject", "result.username", "alice", "result"),
    ],
)
def test_an_example_that_is_broken_is_found_out(name: str, path: str, value: object, breach: str) -> None:
    found = breaches(EXAMPLES[name], broken(name, path, value))

    assert [one for one in found if one.startswith(breach)]


@pytest.mark.parametrize("name", ["\N{WATER BUFFALO}" * 250, "Rådsmøte", "取締役会", "a" * 250])
def test_a_name_is_counted_in_characters_of_any_script(name: str) -> None:
    assert breaches(SERVICE, continues({**ROOM, "name": name})) == []


@pytest.mark.parametrize(("pin", "guest_pin"), [("1234", "4321"), ("123456#", "4321#"), ("1" * 20, "2" * 20)])
def test_pins_that_fit_together_break_nothing(pin: str, guest_pin: str) -> None:
    assert breaches(SERVICE, continues({**ROOM, "pin": pin, "guest_pin": guest_pin})) == []


@pytest.mark.parametrize("field", ["force_presenter_into_main", "guests_can_see_guests", "guest_view"])
def test_a_lectures_field_is_a_lectures_alone(field: str) -> None:
    value = {"force_presenter_into_main": True, "guests_can_see_guests": "never", "guest_view": "one_main_zero_pips"}
    fields = {**ROOM, field: value[field]}

    assert breaches(SERVICE, continues(fields)) == [f"{field}: a lecture's"]
    assert breaches(SERVICE, continues({**fields, "service_type": "lecture"})) == []


@pytest.mark.parametrize("body", [None, "reject", [], {1: 2}, {"status": "success", "x": (1,)}])
@pytest.mark.parametrize("endpoint", [SERVICE, PARTICIPANT, LOCATION, DIRECTORY, REGISTRATION])
def test_what_is_no_json_object_is_found_out(endpoint: str, body: object) -> None:
    assert breaches(endpoint, body) == ["not a JSON object"]


def test_no_change_of_location_is_a_status_that_is_no_success() -> None:
    assert breaches(LOCATION, {"status": "fail"}) == []


def test_a_failed_answer_about_a_join_is_found_out() -> None:
    assert breaches(SERVICE, {"status": "fail", "action": "reject"})
    assert breaches(PARTICIPANT, {"status": "fail", "action": "reject"})


@pytest.mark.parametrize(
    ("body", "valid"),
    [
        ({"status": "success", "result": [], "ignore_local": True}, True),
        ({"status": "success", "result": [{"username": "a", "alias": "a@b", "description": "A"}]}, True),
        ({"status": "success", "result": [{"username": "a", "contacts": []}]}, False),
        ({"status": "success", "result": {}}, False),
        ({"status": "success", "result": [], "ignore_local": "yes"}, False),
    ],
)
def test_a_directory_is_a_list_of_aliases(body: dict[str, object], valid: bool) -> None:
    assert (breaches(DIRECTORY, body) == []) is valid


def test_an_avatar_is_no_json() -> None:
    assert breaches(AVATAR, None) == []
    assert breaches(AVATAR, {"status": "success"})
