"""Which rooms there are, and what they are called."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.platforms.pexip_rooms import build_template
from tests.platforms.rooms import ROOMS, rooms_of

aliases = st.sampled_from(["board", "board@example.com"]) | st.from_regex(r"meet\.[\[\]a-z@: .]{0,12}", fullmatch=True)
places = st.tuples(aliases, st.sampled_from(["core", "meetme"]))


@given(places, places)
@settings(max_examples=200)
def test_two_rooms_have_one_name_only_if_they_are_one_room(one: tuple[str, str], other: tuple[str, str]) -> None:
    rooms = [ROOMS.find(alias, zone=zone) for alias, zone in (one, other)]
    if None not in rooms:
        names = {room.name for room in rooms if room}
        tags = {room.tag for room in rooms if room}

        assert len(names) == len(tags)


def test_every_alias_of_a_conference_leads_to_one_room() -> None:
    one, other = ROOMS.find("board", zone="core"), ROOMS.find("board@example.com", zone="core")

    assert one is not None
    assert one == other


def test_a_conference_found_by_pattern_has_a_room_of_its_own() -> None:
    bob, eve = ROOMS.find("meet.bob", zone="meetme"), ROOMS.find("meet.eve", zone="meetme")

    assert bob is not None
    assert eve is not None
    assert (bob.name, bob.tag) == ("meet.bob [meetme]", "vestibule:meetme:meet.bob")
    assert eve.name != bob.name


def test_a_conference_may_name_its_room() -> None:
    room = rooms_of(build_template({}, {"name": "Board room"})).find("board", zone="core")

    assert room is not None
    assert room.name == "Board room"


@pytest.mark.parametrize(
    ("alias", "zone"),
    [("attic", "core"), ("meet", "core"), ("board", "attic"), ("meet.bob", "attic"), ("board", "")],
)
def test_there_is_no_room_outside_the_directory_and_its_zones(alias: str, zone: str) -> None:
    assert ROOMS.find(alias, zone=zone) is None


@pytest.mark.parametrize(
    "alias",
    [
        "meet." + "x" * 231,
        "meet." + "\N{WATER BUFFALO}" * 60,
        "meet.\N{RIGHT-TO-LEFT OVERRIDE}bob",
        "meet.\N{NO-BREAK SPACE}bob",
        "meet.Bob",
        "meet.bob;x=1",
        "meet.bob ",
    ],
)
def test_an_alias_that_would_not_fit_into_a_name_and_a_tag_has_no_room(alias: str) -> None:
    assert ROOMS.find(alias, zone="core") is None


def test_the_longest_alias_that_fits_has_a_room() -> None:
    alias = "meet." + "x" * 230

    room = ROOMS.find(alias, zone="core")

    assert room is not None
    assert len(room.tag) == 250


def test_a_template_is_not_shared_by_what_it_makes() -> None:
    template = build_template({}, {})
    room = rooms_of(template).find("board", zone="core")
    assert room is not None

    room.service(random_pin=lambda length: "7" * length)["view"] = "spoiled"

    assert "view" not in template.fields
