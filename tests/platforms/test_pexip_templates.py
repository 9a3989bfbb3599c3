"""Which templates of rooms are taken, and what is said of the others."""

import re

import pytest

from plugin.core.decision import Capability
from plugin.platforms.pexip_fields import REFUSED, TEMPLATE
from plugin.platforms.pexip_rooms import RoomFaults, build_template
from tests.platforms import documented

EVERY_KIND = {
    "service_type": "conference",
    "description": "The board's own room",
    "allow_guests": True,
    "bypass_proxy": False,
    "call_type": "video-only",
    "crypto_mode": "on",
    "denoise_enabled": True,
    "enable_active_speaker_indication": True,
    "enable_chat": "no",
    "enable_overlay_text": True,
    "guests_can_present": False,
    "ivr_theme_name": "house",
    "live_captions_enabled": "default",
    "live_captions_language": "en",
    "local_display_name": "Board",
    "max_callrate_in": 128_000,
    "max_callrate_out": 8_192_000,
    "max_pixels_per_second": "fullhd",
    "mute_all_guests": True,
    "participant_limit": 20,
    "pinning_config": "house",
    "prefer_ipv6": "default",
    "primary_owner_email_address": "rooms@example.com",
    "softmute_enabled": False,
    "source_language": "en",
    "view": "five_mains_seven_pips",
}
LECTURE = {
    "service_type": "lecture",
    "force_presenter_into_main": True,
    "guest_view": "one_main_zero_pips",
    "host_view": "one_main_seven_pips",
    "guests_can_see_guests": "never",
}


def fields_at_fault(zone: dict[str, object], override: dict[str, object] | None = None, **pins: str) -> list[str]:
    with pytest.raises(RoomFaults) as raised:
        build_template(zone, override or {}, **pins)
    return [fault.field for fault in raised.value.faults]


@pytest.mark.parametrize("zone", [{}, EVERY_KIND, LECTURE], ids=["empty", "conference", "lecture"])
def test_what_pexip_documents_is_taken(zone: dict[str, object]) -> None:
    assert build_template(zone, {}).fields.items() >= zone.items()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("service_type", "gateway"),
        ("service_type", "two_stage_dialing"),
        ("service_type", "media_playback"),
        ("service_type", "test_call"),
        ("service_type", ["conference"]),
        ("service_tag", "mine"),
        ("pin", "1234"),
        ("pin", ""),
        ("pin", "none"),
        ("guest_pin", "1234"),
        ("allow_guests", False),
        ("allow_guests", "yes"),
        ("automatic_participants", []),
        ("breakout_rooms", True),
        ("breakout", True),
        ("breakout_uuids", []),
        ("direct_media", "always"),
        ("locked", True),
        ("local_alias", "board"),
        ("host_identity_provider_group", "house"),
        ("guest_identity_provider_group", "house"),
        ("non_idp_participants", "allow_if_trusted"),
        ("veiw", "one_main_zero_pips"),
        ("view", "teams"),
        ("view", "One_Main_Zero_Pips"),
        ("guests_can_present", "false"),
        ("guests_can_present", 0),
        ("guests_can_present", None),
        ("max_callrate_in", 127_999),
        ("max_callrate_in", 8_192_001),
        ("max_callrate_in", 1e6),
        ("max_callrate_in", "1000000"),
        ("participant_limit", True),
        ("participant_limit", -1),
        ("crypto_mode", "best_effort"),
        ("crypto_mode", None),
        ("enable_chat", True),
        ("description", ""),
        ("description", "x" * 251),
        ("description", "\N{WATER BUFFALO}" * 63),
        ("description", "two\nlines"),
        ("description", " at its ends "),
        ("description", "right to left \N{RIGHT-TO-LEFT OVERRIDE}"),
        ("description", 7),
        ("primary_owner_email_address", "nobody"),
        ("primary_owner_email_address", "x" * 90 + "@example.com"),
        ("guest_view", "one_main_zero_pips"),
        ("name", "Everything"),
    ],
)
def test_a_field_of_a_zone_that_is_not_taken_is_named(name: str, value: object) -> None:
    assert set(fields_at_fault({name: value})) == {name}


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("pin", "493817", "`pin_file`"),
        ("guest_pin", "493817", "`guest_pin_file`"),
        ("service_tag", "mine", "it is made here"),
        ("automatic_participants", [], "judged by nobody"),
        ("breakout_rooms", True, "without being judged"),
        ("direct_media", "always", "past the zone"),
        ("direct_media_notification_duration", 5, "no direct media"),
        ("locked", True, "a lock is no barrier"),
        ("host_identity_provider_group", "house", "`sso_group`"),
        ("guest_identity_provider_group", "house", "`sso_group`"),
        ("non_idp_participants", "disallow_all", "nobody else is let in"),
        ("classification", 1, "no such field"),
    ],
)
def test_a_field_that_is_refused_says_why(name: str, value: object, why: str) -> None:
    with pytest.raises(RoomFaults) as raised:
        build_template({name: value}, {})

    assert why in str(raised.value)


def test_every_field_that_is_refused_is_a_documented_one() -> None:
    assert REFUSED.keys() <= documented.CONFERENCE.keys()


def test_what_is_taken_is_documented() -> None:
    assert TEMPLATE.keys() <= documented.CONFERENCE.keys() | documented.LECTURE_ONLY.keys()


@pytest.mark.parametrize(
    ("name", "value"), [("view", "one_main_zero_pips"), ("guest_view", "five_mains_seven_pips"), ("host_view", "teams")]
)
def test_a_field_that_a_lecture_does_not_take_is_named(name: str, value: object) -> None:
    assert fields_at_fault({**LECTURE, name: value}) == [name]


def test_all_faults_are_found_at_once() -> None:
    zone = {"view": "teams", "locked": True, "name": "Everything"}

    found = fields_at_fault(zone, {"veiw": 1}, pin="12")

    assert sorted(found) == ["locked", "name", "pin_file", "veiw", "view"]


@pytest.mark.parametrize(
    ("pin", "guest_pin", "field"),
    [
        ("", None, "pin_file"),
        ("none", None, "pin_file"),
        ("123", None, "pin_file"),
        ("123#", None, "pin_file"),
        ("1" * 21, None, "pin_file"),
        ("1" * 20 + "#", None, "pin_file"),
        ("12#34", None, "pin_file"),
        ("1234##", None, "pin_file"),
        ("1234\n", None, "pin_file"),
        ("\N{ARABIC-INDIC DIGIT ONE}234", None, "pin_file"),
        ("123456", "", "guest_pin_file"),
        ("123456", "123456", "guest_pin"),
        ("123456", "12345", "guest_pin"),
        ("123456", "12345#7", "guest_pin_file"),
        ("123456", "1234567#", "guest_pin"),
        ("1234#", "1234#", "guest_pin"),
        (None, "123456", "guest_pin_file"),
    ],
)
def test_pins_that_do_not_fit_are_named_by_their_file(pin: str | None, guest_pin: str | None, field: str) -> None:
    with pytest.raises(RoomFaults) as raised:
        build_template({}, {}, pin=pin, guest_pin=guest_pin)

    assert [fault.field for fault in raised.value.faults] == [field]


@pytest.mark.parametrize(("pin", "guest_pin"), [("987654321x", None), ("987654", "98765"), ("987654", "987654")])
def test_no_fault_shows_a_pin(pin: str, guest_pin: str | None) -> None:
    with pytest.raises(RoomFaults) as raised:
        build_template({}, {}, pin=pin, guest_pin=guest_pin)

    assert not re.search("98765", str(raised.value))


def test_no_pin_stands_in_the_text_of_a_template() -> None:
    assert "98765" not in repr(build_template({}, {}, pin="987654", guest_pin="987655"))


def test_a_conference_may_change_what_its_zone_says() -> None:
    template = build_template({"view": "one_main_zero_pips", "enable_chat": "no"}, {"enable_chat": "yes"})

    assert (template.fields["view"], template.fields["enable_chat"]) == ("one_main_zero_pips", "yes")


def test_guests_may_not_present_unless_a_template_says_so() -> None:
    """Pexip's own default is that they may."""
    assert build_template({}, {}).fields["guests_can_present"] is False


@pytest.mark.parametrize(
    ("zone", "grants"),
    [
        ({}, {Capability.UNMUTE}),
        ({"guests_can_present": True}, {Capability.PRESENT, Capability.UNMUTE}),
        ({"mute_all_guests": True}, set()),
    ],
)
def test_a_template_says_what_it_gives_to_every_guest(zone: dict[str, object], grants: set[Capability]) -> None:
    assert build_template(zone, {}).grants == grants


def test_a_name_that_could_be_the_made_name_of_another_room_is_refused() -> None:
    assert fields_at_fault({}, {"name": "meet.bob [meetme]"}) == ["name"]
