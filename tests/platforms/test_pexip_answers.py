"""How decisions are said to Pexip, which falls back to its own database on anything that it does not understand."""

from dataclasses import replace
from itertools import combinations

import pytest

from plugin.core.decision import Allow, Capability, Decision, Deny, Redirect, because
from plugin.core.join import JoinRequest
from plugin.core.reasons import Reason
from plugin.platforms import pexip, pexip_answers
from plugin.platforms.pexip import Endpoint, PexipSettings
from plugin.platforms.pexip_rooms import Template, build_template
from plugin.ports import Json
from tests.platforms.rooms import (
    CAREFUL,
    EVERYTHING,
    OPEN,
    PARTICIPANT,
    ROOMS,
    SERVICE,
    allow,
    deny,
    join_of,
    redirect,
    rooms_of,
    say,
)

ROOM = join_of(Endpoint.SERVICE, SERVICE)
ENTERING = join_of(Endpoint.PARTICIPANT, PARTICIPANT)
REJECT = {"status": "success", "action": "reject", "decision_id": "dec_7f3k"}
DENY = deny()
TELLING = PexipSettings(reject_reason=True)
GUEST = frozenset({Capability.PRESENT, Capability.UNMUTE, Capability.SHOW_NAME})
HOST = GUEST | {Capability.HOST}
SUBSETS = [frozenset(some) for size in range(5) for some in combinations(Capability, size)]
STRICT = rooms_of(build_template({"guests_can_present": False, "mute_all_guests": True}, {}))


def reason_of(decision: Decision) -> Reason:
    assert isinstance(decision, Deny)
    return decision.reasons[0].reason


def result_of(answer: Json) -> dict[str, object]:
    assert answer["action"] == "continue"
    result = answer["result"]
    assert isinstance(result, dict)
    return result


def test_an_allow_is_the_room_at_home() -> None:
    result = result_of(say(ROOM, allow()))

    assert (result["name"], result["service_tag"]) == ("board", "vestibule:core:board")


def test_a_redirect_is_the_room_of_the_other_zone_under_another_name() -> None:
    result = result_of(say(ROOM, redirect()))

    assert (result["name"], result["service_tag"]) == ("board [meetme]", "vestibule:meetme:board")


def test_a_deny_has_no_result() -> None:
    assert say(ROOM, DENY) == REJECT


def test_a_deny_has_no_result_at_the_room_whatever_the_settings() -> None:
    assert say(ROOM, DENY, settings=TELLING) == REJECT


def test_a_participant_is_told_nothing_by_default() -> None:
    assert say(ENTERING, DENY) == REJECT


def test_a_participant_is_told_one_sentence_where_a_setting_says_so() -> None:
    answer = say(ENTERING, DENY, settings=TELLING)

    assert answer == {**REJECT, "result": {"reject_reason": Reason.NO_PERMIT.sentence}}


@pytest.mark.parametrize("message", ["", " ", "two\nlines", "\N{WATER BUFFALO}" * 120])
def test_a_sentence_that_pexip_might_not_take_is_left_out(message: str) -> None:
    deny = Deny(reasons=(replace(because(Reason.NO_PERMIT), message=message),))

    assert say(ENTERING, deny, settings=TELLING) == REJECT


def test_a_long_sentence_is_cut() -> None:
    deny = Deny(reasons=(replace(because(Reason.NO_PERMIT), message="x" * 1000),))

    answer = say(ENTERING, deny, settings=TELLING)

    assert answer["result"] == {"reject_reason": "x" * 120}


def test_a_deny_without_reasons_is_a_reject() -> None:
    assert say(ENTERING, Deny(reasons=()), settings=TELLING) == REJECT


@pytest.mark.parametrize("capabilities", SUBSETS, ids=lambda some: "+".join(sorted(one.value for one in some)))
def test_only_hosts_who_may_do_everything_are_chairs(capabilities: frozenset[Capability]) -> None:
    """A chair may present and unmute whatever the room's template says."""
    may_do_everything = {Capability.HOST, Capability.PRESENT, Capability.UNMUTE} <= capabilities

    result = result_of(say(ENTERING, allow(capabilities=capabilities), rooms=STRICT))

    assert result["preauthenticated_role"] == ("chair" if may_do_everything else "guest")


@pytest.mark.parametrize("claimed", ["chair", "guest", "", "null"])
def test_the_role_that_the_question_claims_does_not_count(claimed: str) -> None:
    join = join_of(Endpoint.PARTICIPANT, {**PARTICIPANT, "preauthenticated_role": claimed, "role": claimed})

    assert result_of(say(join, allow(capabilities=GUEST)))["preauthenticated_role"] == "guest"


def test_somebody_who_is_not_to_be_named_has_a_neutral_name_and_alias() -> None:
    result = result_of(say(ENTERING, allow(capabilities=HOST - {Capability.SHOW_NAME})))

    assert (result["remote_display_name"], result["remote_alias"]) == ("Guest", "Guest")


def test_somebody_who_may_be_named_keeps_name_and_alias() -> None:
    result = result_of(say(ENTERING, allow()))

    assert not {"remote_display_name", "remote_alias"} & result.keys()


def test_a_ticket_is_overwritten_in_the_roster() -> None:
    join = join_of(Endpoint.PARTICIPANT, {**PARTICIPANT, "call_tag": "vt_" + "A" * 27})

    assert result_of(say(join, allow()))["call_tag"] == "dec_7f3k"


def test_a_tag_that_is_not_ours_is_left_alone() -> None:
    join = join_of(Endpoint.PARTICIPANT, {**PARTICIPANT, "call_tag": "wxyz789"})

    assert "call_tag" not in result_of(say(join, allow()))


@pytest.mark.parametrize(
    ("template", "capabilities", "outcome"),
    [
        (OPEN, GUEST, None),
        (OPEN, GUEST - {Capability.PRESENT}, Reason.PLATFORM_CANNOT_HONOUR),
        (OPEN, GUEST - {Capability.UNMUTE}, Reason.PLATFORM_CANNOT_HONOUR),
        (OPEN, HOST - {Capability.PRESENT}, Reason.PLATFORM_CANNOT_HONOUR),
        (CAREFUL, frozenset(), None),
        (build_template({}, {}), GUEST - {Capability.PRESENT}, None),
    ],
)
@pytest.mark.parametrize("join", [ROOM, ENTERING], ids=["room", "participant"])
def test_a_room_that_gives_what_is_refused_opens_for_nobody(
    join: JoinRequest, template: Template, capabilities: frozenset[Capability], outcome: Reason | None
) -> None:
    rooms = rooms_of(template)

    honoured = pexip_answers.honour(join, allow(capabilities=capabilities), rooms=rooms)

    assert isinstance(honoured, Allow) if outcome is None else reason_of(honoured) is outcome


def test_a_yes_that_nobody_had_honoured_leaves_as_a_reject() -> None:
    assert say(ROOM, allow(capabilities=frozenset())) == REJECT


@pytest.mark.parametrize("decision", [allow(zone="attic"), redirect(zone="")])
def test_a_zone_without_a_room_is_denied(decision: Allow | Redirect) -> None:
    honoured = pexip_answers.honour(ROOM, decision, rooms=ROOMS)

    assert reason_of(honoured) is Reason.ROOM_UNKNOWN
    assert say(ROOM, decision) == REJECT


def test_an_alias_too_long_for_a_room_is_denied() -> None:
    join = join_of(Endpoint.SERVICE, {**SERVICE, "local_alias": "meet." + "x" * 245})

    assert reason_of(pexip_answers.honour(join, allow(), rooms=ROOMS)) is Reason.ROOM_UNKNOWN
    assert say(join, allow()) == REJECT


def test_a_participant_cannot_be_redirected_any_more() -> None:
    honoured = pexip_answers.honour(ENTERING, redirect("meetme"), rooms=ROOMS)

    assert reason_of(honoured) is Reason.ROOM_UNKNOWN
    assert say(ENTERING, redirect("meetme")) == REJECT


def test_a_participant_may_enter_the_room_of_another_zone_that_it_was_redirected_to() -> None:
    join = join_of(Endpoint.PARTICIPANT, {**PARTICIPANT, "service_tag": "vestibule:meetme:board"})

    assert say(join, redirect("meetme"))["action"] == "continue"


def test_a_tag_forged_for_another_zone_is_worth_what_was_decided_for_that_zone() -> None:
    """Zone and conference come from one place, so an allow for the core never opens a room that calls itself meetme."""
    join = join_of(Endpoint.PARTICIPANT, {**PARTICIPANT, "service_tag": "vestibule:meetme:board"})

    assert say(join, allow("core")) == REJECT


def test_a_conference_that_is_not_in_the_directory_has_no_room() -> None:
    join = join_of(Endpoint.PARTICIPANT, {**PARTICIPANT, "service_tag": "vestibule:core:attic"})

    assert say(join, allow()) == REJECT


@pytest.mark.parametrize(
    "fields",
    [
        {**OPEN.fields, "view": "my_own_view"},
        {**OPEN.fields, "guest_view": "one_main_zero_pips"},
        {**OPEN.fields, "locked": True},
        {**OPEN.fields, "allow_guests": None},
        {name: value for name, value in OPEN.fields.items() if name != "service_type"},
    ],
)
def test_nothing_invalid_leaves_even_if_a_room_holds_it(fields: dict[str, object]) -> None:
    spoiled = rooms_of(replace(OPEN, fields=fields))

    assert say(ROOM, allow(), rooms=spoiled) == REJECT


@pytest.mark.parametrize("pin", ["", "1", "x" * 20, "7" * 21])
def test_nothing_leaves_with_a_host_pin_that_is_none(pin: str) -> None:
    assert say(ROOM, allow(), random_pin=lambda _: pin) == REJECT


def test_a_random_host_pin_that_is_the_guests_never_leaves() -> None:
    guest_pin = "1234567890123456789#"
    rooms = rooms_of(build_template({}, {}, guest_pin=guest_pin))

    answer = say(ROOM, allow(), rooms=rooms, random_pin=lambda length: guest_pin[:length])

    assert answer == REJECT


def test_the_host_pin_is_drawn_for_each_answer() -> None:
    digits = iter("0123456789")

    drawn = [result_of(say(ROOM, allow(), random_pin=lambda length: next(digits) * length))["pin"] for _ in range(2)]

    assert drawn == ["0" * 20, "1" * 20]


@pytest.mark.parametrize(
    ("pin", "guest_pin", "said"),
    [
        (None, None, {"pin": "7" * 20}),
        (None, "123456#", {"pin": "7" * 19 + "#", "guest_pin": "123456#"}),
        ("4938171", None, {"pin": "4938171"}),
        ("493817", "123456", {"pin": "493817", "guest_pin": "123456"}),
        ("4938#", "123456#", {"pin": "4938#", "guest_pin": "123456#"}),
    ],
)
def test_the_pins_of_a_room_fit_together(pin: str | None, guest_pin: str | None, said: dict[str, str]) -> None:
    rooms = rooms_of(build_template({"guests_can_present": True}, {}, pin=pin, guest_pin=guest_pin))

    answer = say(ROOM, allow(), rooms=rooms)

    assert {name: value for name, value in result_of(answer).items() if "pin" in name.split("_")} == said


GUEST_PIN = "123456#"
ASKED = {**PARTICIPANT, "protocol": "sip", "preauthenticated_role": ""}


def test_a_device_has_to_enter_the_guest_pin_before_it_has_a_role() -> None:
    rooms = rooms_of(build_template({"guests_can_present": True}, {}, guest_pin=GUEST_PIN))
    before = join_of(Endpoint.PARTICIPANT, ASKED)
    after = join_of(Endpoint.PARTICIPANT, {**ASKED, "preauthenticated_role": "guest"})

    answers = [result_of(say(join, allow(capabilities=GUEST), rooms=rooms)) for join in (before, after)]

    assert [answer.get("preauthenticated_role") for answer in answers] == [None, "guest"]


@pytest.mark.parametrize("role", ["", "None", "null", "unknown"])
def test_a_device_that_may_host_enters_no_pin(role: str) -> None:
    rooms = rooms_of(build_template({"guests_can_present": True}, {}, guest_pin=GUEST_PIN))
    join = join_of(Endpoint.PARTICIPANT, {**ASKED, "preauthenticated_role": role})

    answer = say(join, allow(capabilities=HOST), rooms=rooms)

    assert result_of(answer)["preauthenticated_role"] == "chair"


def test_whoever_entered_the_host_pin_is_a_guest_all_the_same() -> None:
    rooms = rooms_of(build_template({"guests_can_present": True}, {}, pin="9876#", guest_pin=GUEST_PIN))
    join = join_of(Endpoint.PARTICIPANT, {**ASKED, "preauthenticated_role": "chair"})

    assert result_of(say(join, allow(capabilities=GUEST), rooms=rooms))["preauthenticated_role"] == "guest"


@pytest.mark.parametrize(("protocol", "pin"), [("api", "9876#"), ("webrtc", "9876#"), ("sip", "7" * 19 + "#")])
def test_no_device_is_asked_for_a_pin_where_a_known_host_pin_would_do(protocol: str, pin: str) -> None:
    rooms = rooms_of(build_template({"guests_can_present": True}, {}, pin="9876#", guest_pin=GUEST_PIN))
    join = join_of(Endpoint.SERVICE, {**SERVICE, "protocol": protocol})

    assert result_of(say(join, allow(), rooms=rooms))["pin"] == pin


@pytest.mark.parametrize("role", ["", "null", "host"])
def test_an_app_that_may_still_be_asked_for_a_pin_does_not_enter_where_the_host_pin_is_known(role: str) -> None:
    rooms = rooms_of(build_template({"guests_can_present": True}, {}, pin="9876#", guest_pin=GUEST_PIN))
    join = join_of(Endpoint.PARTICIPANT, {**ASKED, "protocol": "webrtc", "preauthenticated_role": role})

    assert say(join, allow(capabilities=GUEST), rooms=rooms) == REJECT
    assert result_of(say(join, allow(capabilities=HOST), rooms=rooms))["preauthenticated_role"] == "chair"


def test_where_every_host_pin_could_be_guessed_no_device_is_asked_for_one() -> None:
    rooms = rooms_of(build_template({"guests_can_present": True}, {}, pin="987654", guest_pin="123456"))
    join = join_of(Endpoint.PARTICIPANT, ASKED)

    assert (
        reason_of(pexip_answers.honour(join, allow(capabilities=GUEST), rooms=rooms)) is Reason.PLATFORM_CANNOT_HONOUR
    )
    assert say(join, allow(capabilities=GUEST), rooms=rooms) == REJECT


def test_a_call_out_of_a_room_is_answered_with_that_room() -> None:
    params = {**SERVICE, "call_direction": "dial_out", "service_tag": "vestibule:meetme:board"}
    join = join_of(Endpoint.SERVICE, params)

    assert result_of(say(join, redirect()))["service_tag"] == "vestibule:meetme:board"
    assert say(join, allow("core")) == REJECT


@pytest.mark.parametrize("endpoint", [Endpoint.SERVICE, Endpoint.PARTICIPANT])
def test_where_there_is_nothing_to_say_a_join_is_rejected(endpoint: Endpoint) -> None:
    assert pexip.SAFE_ANSWERS[endpoint] == {"status": "success", "action": "reject"}


def test_everything_is_allowed_only_in_a_room_that_gives_nothing_refused() -> None:
    """The strictest decision passes the strictest room, so the rule refuses nothing by itself."""
    assert say(ROOM, allow(capabilities=frozenset()), rooms=STRICT)["action"] == "continue"
    assert say(ROOM, allow(capabilities=EVERYTHING), rooms=STRICT)["action"] == "continue"
