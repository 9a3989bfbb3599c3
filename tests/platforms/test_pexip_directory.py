"""The phonebook: who reads what in it, and that everybody else reads nothing."""

from dataclasses import replace

import pytest

from plugin.platforms.pexip import Listing
from plugin.platforms.pexip_directory import look_up
from plugin.ports import Json
from tests.platforms import documented
from tests.platforms.rooms import FURNISHED

ASKED = {"q": "", "registration_alias": "kiosk@rooms.example.com", "limit": "10"}
BOARD = {"username": "board", "alias": "board", "description": "The board's own room"}
SUMMIT = {"username": "summit", "alias": "summit", "description": "Straße"}


def asked(**change: str) -> Json | None:
    params = {name: (value,) for name, value in {**ASKED, **change}.items()}
    answer = look_up(params, settings=FURNISHED)
    assert answer is None or documented.breaches(documented.DIRECTORY, dict(answer)) == []
    return answer


def lines(answer: Json | None) -> object:
    assert answer is not None
    return answer["result"]


def test_a_device_reads_what_is_listed_for_its_organisation() -> None:
    assert asked() == {"status": "success", "result": [BOARD, SUMMIT], "ignore_local": True}


def test_a_partners_device_reads_nothing_of_ours() -> None:
    assert lines(asked(registration_alias="mcu@partners.example")) == [SUMMIT]


@pytest.mark.parametrize(
    "alias", ["sip:kiosk@rooms.example.com", "Kiosk@Rooms.Example.COM", "h323:a@rooms.example.com"]
)
def test_a_device_is_known_in_any_spelling_of_its_alias(alias: str) -> None:
    assert lines(asked(registration_alias=alias)) == [BOARD, SUMMIT]


@pytest.mark.parametrize(
    "alias",
    ["", "bob@example.com", "kiosk@rooms.example.com.evil.example", "evil@mcu@partners.example", "two words", "\ud800"],
)
def test_a_device_that_is_not_known_reads_nothing(alias: str) -> None:
    assert asked(registration_alias=alias) is None


@pytest.mark.parametrize("name", sorted(ASKED))
def test_a_question_that_says_two_things_reads_nothing(name: str) -> None:
    params = {key: (value,) for key, value in ASKED.items()} | {name: (ASKED[name], "mcu@partners.example")}

    assert look_up(params, settings=FURNISHED) is None


@pytest.mark.parametrize(
    ("sought", "found"),
    [("BOA", [BOARD]), ("own room", [BOARD]), ("strasse", [SUMMIT]), ("m", [BOARD, SUMMIT]), ("*", []), ("acme", [])],
)
def test_a_search_is_for_any_of_the_three_texts_in_any_case(sought: str, found: list[dict[str, str]]) -> None:
    assert lines(asked(q=sought)) == found


@pytest.mark.parametrize(("limit", "count"), [("0", 0), ("1", 1), ("2", 2), ("", 2), ("999999", 2)])
def test_no_more_lines_are_told_than_were_asked_for(limit: str, count: int) -> None:
    told = lines(asked(limit=limit))

    assert isinstance(told, list)
    assert len(told) == count


@pytest.mark.parametrize("limit", ["-1", "ten", "1.0", "1000000", "٣"])
def test_a_limit_that_is_no_number_reads_nothing(limit: str) -> None:
    assert asked(limit=limit) is None


def test_nobody_copies_a_long_phonebook_in_one_go() -> None:
    listed = frozenset({"acme"})
    names = [f"room-{number}" for number in range(200)]
    book = tuple(Listing(name=name, alias=name, description=name, listed_for=listed) for name in names)
    params = {name: (value,) for name, value in {**ASKED, "limit": "999"}.items()}

    answer = look_up(params, settings=replace(FURNISHED, phonebook=book))

    assert answer is not None
    assert isinstance(answer["result"], list)
    assert len(answer["result"]) == 100
