"""What a question of Pexip is taken for."""

import pytest

from plugin.core.join import Direction, JoinRequest, Phase
from plugin.core.reasons import Reason
from plugin.platforms import pexip_questions
from plugin.platforms.pexip import Endpoint, LeftToPlatform, NotAJoin, PexipSettings
from tests.fakes import NOON
from tests.platforms.rooms import JOINS, PARTICIPANT, SERVICE, SETTINGS, ask, decoded, join_of

OSLO = PexipSettings(own_addresses=frozenset({"oslo"}))
LEAVING = PexipSettings(unsafe_leave_to_platform=("legacy.*",))
LEGACY = {**SERVICE, "local_alias": "sip:Legacy.Room@example.com"}


def test_a_service_question_is_about_a_room() -> None:
    join = join_of(Endpoint.SERVICE, SERVICE)

    assert (join.phase, join.alias, join.zone, join.call) == (Phase.ROOM, "board", None, None)


def test_a_participant_question_is_about_the_room_of_its_tag() -> None:
    join = join_of(Endpoint.PARTICIPANT, {**PARTICIPANT, "local_alias": "sip:something-else@example.com"})

    assert (join.phase, join.alias, join.zone) == (Phase.PARTICIPANT, "board", "core")


@pytest.mark.parametrize(("kind", "api"), [("api", True), ("api_host", True), ("standard", False)])
def test_the_calls_of_one_join_are_told_apart(kind: str, api: bool) -> None:
    join = join_of(Endpoint.PARTICIPANT, {**PARTICIPANT, "participant_type": kind})

    assert join.call is not None
    assert join.call.api is api


def test_the_questions_of_one_join_have_one_key_whatever_the_conference_is_called() -> None:
    service = join_of(Endpoint.SERVICE, {**SERVICE, "local_alias": "sip:Board@example.com"})
    participant = join_of(Endpoint.PARTICIPANT, {**PARTICIPANT, "local_alias": "board@example.com"})

    assert service.join_key == participant.join_key


def test_the_key_of_a_join_shows_neither_address_nor_name() -> None:
    join = join_of(Endpoint.SERVICE, SERVICE)

    assert len(join.join_key) == 64
    assert "alice" not in join.join_key


@pytest.mark.parametrize("alias", ["", " ", "a b", "x" * 251, "sip:", "board@" + "x" * 64])
def test_an_unusable_alias_is_no_conference(alias: str) -> None:
    assert ask(Endpoint.SERVICE, {**SERVICE, "local_alias": alias}) == NotAJoin(reason=Reason.CONFERENCE_UNKNOWN)


@pytest.mark.parametrize("endpoint", JOINS)
@pytest.mark.parametrize(
    "probe",
    [{"call_direction": "non_dial"}]
    + [{"trigger": trigger} for trigger in ("options", "subscribe", "arq", "lrq", "web_avatar_fetch")],
)
def test_a_question_about_existence_is_not_a_join(endpoint: Endpoint, probe: dict[str, str]) -> None:
    assert ask(endpoint, {**PARTICIPANT, **probe}) == NotAJoin(reason=Reason.PROBE)


@pytest.mark.parametrize("endpoint", JOINS)
@pytest.mark.parametrize("direction", ["", "in", "Dial_In", "dial_in "])
def test_a_direction_that_is_not_documented_is_malformed(endpoint: Endpoint, direction: str) -> None:
    read = ask(endpoint, {**PARTICIPANT, "call_direction": direction})

    assert read == NotAJoin(reason=Reason.REQUEST_MALFORMED)


@pytest.mark.parametrize("endpoint", JOINS)
def test_a_breakout_room_is_unknown(endpoint: Endpoint) -> None:
    read = ask(endpoint, {**PARTICIPANT, "breakout_uuid": "a1b2c3d4-e5f6-7890-abcd-ef1234567890"})

    assert read == NotAJoin(reason=Reason.ROOM_UNKNOWN)


def test_a_call_out_of_a_room_is_about_that_room() -> None:
    params = {**SERVICE, "call_direction": "dial_out", "service_tag": "vestibule:meetme:board", "local_alias": "x"}

    join = join_of(Endpoint.SERVICE, params)

    assert (join.direction, join.alias, join.zone) == (Direction.DIAL_OUT, "board", "meetme")


@pytest.mark.parametrize("tag", ["", "abcd1234"])
def test_a_call_out_of_a_room_that_was_not_issued_here_is_refused(tag: str) -> None:
    read = ask(Endpoint.SERVICE, {**SERVICE, "call_direction": "dial_out", "service_tag": tag})

    assert read == NotAJoin(reason=Reason.ROOM_UNKNOWN)


def test_a_participant_that_was_called_by_the_room_is_a_call_out_of_it() -> None:
    join = join_of(Endpoint.PARTICIPANT, {**PARTICIPANT, "call_direction": "dial_out"})

    assert (join.direction, join.phase) == (Direction.DIAL_OUT, Phase.PARTICIPANT)


@pytest.mark.parametrize("change", [{"call_uuid": ""}, {"participant_type": ""}, {"participant_type": "Standard"}])
def test_a_participant_without_a_call_is_malformed(change: dict[str, str]) -> None:
    read = ask(Endpoint.PARTICIPANT, {**PARTICIPANT, **change})

    assert read == NotAJoin(reason=Reason.REQUEST_MALFORMED)


@pytest.mark.parametrize(
    ("value", "alias"),
    [
        ("sip%3A%2B4712345678%40example.com", "+4712345678@example.com"),
        ("h323:Board@Example.com", "board@example.com"),
        ("meet.bob%3Btransport%3Dtls", "meet.bob"),
        ("m%C3%B8te@b%C3%BCcher.example", "møte@xn--bcher-kva.example"),
        ("%F0%9F%90%83", "\N{WATER BUFFALO}"),
    ],
)
def test_an_alias_is_read_off_the_wire(value: str, alias: str) -> None:
    params = decoded(f"call_direction=dial_in&local_alias={value}&registered=True&call_tag=")

    join = pexip_questions.read(Endpoint.SERVICE, params, settings=SETTINGS, now=NOON)

    assert isinstance(join, JoinRequest)
    assert join.alias == alias


def test_a_name_keeps_its_quotes_and_spaces_off_the_wire() -> None:
    params = decoded("call_direction=dial_in&local_alias=board&remote_display_name=%22Alice+B.%22+%2B+1")

    join = pexip_questions.read(Endpoint.SERVICE, params, settings=SETTINGS, now=NOON)

    assert isinstance(join, JoinRequest)
    assert join.caller.display_name == '"Alice B." + 1'


def test_an_address_counts_only_where_it_is_known_to_be_the_callers() -> None:
    unsure = join_of(Endpoint.SERVICE, {**SERVICE, "location": "DMZ"}, settings=OSLO)
    sure = join_of(Endpoint.SERVICE, {**SERVICE, "location": "oslo"}, settings=OSLO)

    assert (unsure.network.located, sure.network.located) == (False, True)


def test_somebody_without_an_address_is_not_located() -> None:
    join = join_of(Endpoint.SERVICE, {**SERVICE, "remote_address": ""}, settings=OSLO)

    assert join.network.located is False


@pytest.mark.parametrize("endpoint", JOINS)
def test_an_alias_that_is_left_to_the_platform_is_left(endpoint: Endpoint) -> None:
    assert ask(endpoint, LEGACY, settings=LEAVING) == LeftToPlatform()


@pytest.mark.parametrize("change", [{"call_direction": "non_dial"}, {"trigger": "lrq"}, {"breakout_uuid": "a1b2c3d4"}])
def test_an_alias_that_is_left_is_left_with_its_probes_and_breakout_rooms(change: dict[str, str]) -> None:
    assert ask(Endpoint.SERVICE, {**LEGACY, **change}, settings=LEAVING) == LeftToPlatform()


def test_nothing_is_left_to_the_platform_unless_a_setting_says_so() -> None:
    assert isinstance(ask(Endpoint.SERVICE, LEGACY), JoinRequest)


def test_an_alias_is_left_to_the_platform_only_whole() -> None:
    read = ask(Endpoint.SERVICE, {**SERVICE, "local_alias": "not-legacy.room"}, settings=LEAVING)

    assert isinstance(read, JoinRequest)


@pytest.mark.parametrize("tag", ["vestibule:core:board", "vestibule:Core:board", "vestibule:"])
def test_a_room_with_a_tag_of_ours_is_never_left_to_the_platform(tag: str) -> None:
    """Somebody dials an alias that is left, and is moved into a room of ours."""
    read = ask(Endpoint.PARTICIPANT, {**PARTICIPANT, **LEGACY, "service_tag": tag}, settings=LEAVING)

    assert not isinstance(read, LeftToPlatform)


@pytest.mark.parametrize("endpoint", [one for one in Endpoint if one not in JOINS], ids=str)
def test_the_other_questions_are_never_joins(endpoint: Endpoint) -> None:
    assert ask(endpoint, PARTICIPANT) == NotAJoin(reason=Reason.PROBE)
