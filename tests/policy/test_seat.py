from dataclasses import replace

import pytest

from plugin.core.facts import Conference
from plugin.policy.seat import outward, seat
from tests.policy.people import ACME, BOARD, PARTNERS, SETTING

LADDER = replace(SETTING, zones=("core", "lab", "meetme", "lobby"), inside=frozenset({"core", "lab"}))


def conference(*invited: str, hosts: frozenset[str] = frozenset(), guests: bool | None = None) -> Conference:
    zones = ("core", "lab", "meetme", "lobby")
    return replace(BOARD, zones=zones, invited=frozenset(invited), hosts=hosts, guests=guests)


@pytest.mark.parametrize("entry", ["org:acme", "group:chairs", f"{ACME}#alice", "group:a/b"])
def test_a_meeting_of_the_house_is_seated_at_its_first_room(entry: str):
    assert seat(conference(entry), setting=LADDER) == 0


@pytest.mark.parametrize(
    "entry",
    [
        "org:partners",
        "org:unheard-of",
        "group:partners/chairs",
        f"{PARTNERS}#paula",
        "https://unknown.example#x",
        "alice",
    ],
)
def test_whoever_is_not_known_to_be_of_the_house_seats_it_outside(entry: str):
    assert seat(conference("org:acme", entry), setting=LADDER) == 2


@pytest.mark.parametrize(("trunk", "rung"), [("boardroom", 0), ("partners-mcu", 2), ("dial-out", 2), ("", 2)])
def test_of_trunks_only_a_room_system_of_the_house_is_of_the_house(trunk: str, rung: int):
    setting = replace(LADDER, room_systems=frozenset({"boardroom"}))

    assert seat(conference("org:acme", f"trunk:{trunk}"), setting=setting) == rung
    assert seat(conference(hosts=frozenset({f"trunk:{trunk}"})), setting=setting) == rung


def test_hosts_count_as_those_who_are_invited():
    assert seat(conference(hosts=frozenset({"org:partners"})), setting=LADDER) == 2


@pytest.mark.parametrize(("guests", "rung"), [(True, 2), (False, 0), (None, 0)])
def test_guests_seat_it_outside_once_they_are_chosen(guests: bool | None, rung: int):
    assert seat(conference("org:acme", guests=guests), setting=LADDER) == rung


def test_a_meeting_with_outsiders_and_no_room_outside_is_held_nowhere():
    inside = replace(BOARD, zones=("core",), invited=frozenset({"org:partners"}))

    assert outward(inside, setting=SETTING) == ()


def test_rooms_are_tried_from_the_seat_outward():
    assert outward(conference("org:acme"), setting=LADDER) == ("core", "lab", "meetme", "lobby")
    assert outward(conference("org:partners"), setting=LADDER) == ("meetme", "lobby")


def test_nobody_is_tried_inside_after_outside():
    zigzag = replace(BOARD, zones=("lab", "meetme", "core", "lobby"))

    assert outward(zigzag, setting=LADDER) == ("lab", "meetme", "lobby")
