"""Where media goes: to the zone of the room, and nowhere by a caller's word."""

import pytest

from plugin.platforms.pexip import Media, PexipSettings, Place
from plugin.platforms.pexip_media import locate
from plugin.ports import Json
from tests.platforms import documented
from tests.platforms.rooms import FURNISHED, ROOMS

IN_MEETME = {"service_tag": "vestibule:meetme:board", "remote_address": "203.0.113.9", "location": "Oslo"}


def locate_one(params: dict[str, str], *, settings: PexipSettings = FURNISHED) -> Json | None:
    answer = locate({name: (value,) for name, value in params.items()}, rooms=ROOMS, settings=settings)
    assert answer is None or documented.breaches(documented.LOCATION, dict(answer)) == []
    return answer


def test_media_goes_to_the_zone_of_the_room() -> None:
    result = {"location": "Frankfurt", "overflow_locations": ["Oslo", "Paris"]}

    assert locate_one(IN_MEETME) == {"status": "success", "result": result}


def test_a_zone_without_overflow_names_none() -> None:
    answer = locate_one({**IN_MEETME, "service_tag": "vestibule:core:board"})

    assert answer == {"status": "success", "result": {"location": "Oslo"}}


@pytest.mark.parametrize("address", ["198.51.100.7", "::ffff:198.51.100.7", "2001:db8::1"])
def test_somebody_near_another_location_is_handled_there(address: str) -> None:
    answer = locate_one({**IN_MEETME, "remote_address": address})

    assert answer == {"status": "success", "result": {"location": "Paris"}}


def test_the_first_networks_that_hold_the_caller_count() -> None:
    answer = locate_one({**IN_MEETME, "remote_address": "198.51.7.7"})

    assert answer == {"status": "success", "result": {"location": "London", "overflow_locations": ["Paris"]}}


@pytest.mark.parametrize("change", [{"location": "DMZ"}, {"location": ""}, {"remote_address": "198.51.100.7%eth0"}])
def test_an_address_that_is_not_the_callers_own_counts_for_nothing(change: dict[str, str]) -> None:
    answer = locate_one({**IN_MEETME, "remote_address": "198.51.100.7", **change})

    assert answer is not None
    assert answer["result"] == {"location": "Frankfurt", "overflow_locations": ["Oslo", "Paris"]}


@pytest.mark.parametrize(
    "tag",
    [
        "",
        "mine",
        "vestibule:attic:board",
        "vestibule:meetme:nobodys-room",
        "vestibule:meetme:Board",
        " vestibule:meetme:board",
    ],
)
def test_a_room_that_was_not_issued_here_has_no_place(tag: str) -> None:
    assert locate_one({**IN_MEETME, "service_tag": tag}) is None


def test_a_zone_without_a_place_leaves_it_to_pexip() -> None:
    assert locate_one(IN_MEETME, settings=PexipSettings()) is None


@pytest.mark.parametrize("name", sorted(IN_MEETME))
def test_a_parameter_with_two_values_has_no_place(name: str) -> None:
    params = {key: (value,) for key, value in IN_MEETME.items()} | {name: (IN_MEETME[name], "another")}

    assert locate(params, rooms=ROOMS, settings=FURNISHED) is None


def test_a_place_that_pexip_could_not_read_is_not_said() -> None:
    settings = PexipSettings(media={"meetme": Media(place=Place(location="Frankfurt", overflow=("two\nlines",)))})

    assert locate_one(IN_MEETME, settings=settings) is None


@pytest.mark.parametrize("word", ["call_tag", "local_alias", "remote_display_name", "service_name"])
def test_what_a_caller_says_does_not_move_media(word: str) -> None:
    assert locate_one({**IN_MEETME, word: "vestibule:core:board"}) == locate_one(IN_MEETME)
