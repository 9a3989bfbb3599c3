"""What can be chosen on the page, and what is refused."""

import json

import pytest

from plugin.shell.demo.attempts import CHOICES, Attempt, player, read_attempt
from plugin.shell.demo.people import ALICE, BOB, EVE, PEOPLE, Person

CHOSEN = {"person": "Bob", "laptop": "own", "moment": "sunday", "network": "abroad", "conference": "board"}


def attempt(**chosen: str) -> Attempt:
    return read_attempt(json.dumps({**CHOSEN, **chosen}).encode())


def test_one_choice_of_each_list_is_an_attempt() -> None:
    assert attempt() == Attempt(person="Bob", laptop="own", moment="sunday", network="abroad", conference="board")


@pytest.mark.parametrize("field", CHOSEN)
def test_what_is_not_listed_cannot_be_chosen(field: str) -> None:
    with pytest.raises(ValueError, match=f"for `{field}`, expected one of"):
        attempt(**{field: "laptop-1001.acme.example"})


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{", b'{"person": "Bob"}', json.dumps({**CHOSEN, "moment": 5}).encode(), b"\xff"]
)
def test_what_is_no_attempt_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - msgspec's own texts
        read_attempt(body)


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.name)
def test_somebody_elses_laptop_is_never_ones_own(person: Person) -> None:
    tried = player(attempt(person=person.name, laptop="other"))

    assert tried.device in {ALICE.own_laptop, EVE.own_laptop} - {person.own_laptop}


def test_nothing_is_expected_of_an_attempt() -> None:
    tried = player(attempt(laptop="none", conference="town-hall"))

    assert (tried.subject, tried.device, tried.conference) == (BOB.subject, None, "town-hall")
    assert tried.expected is None


def test_the_page_has_a_name_for_every_choice_of_every_list() -> None:
    assert list(CHOICES) == list(Attempt.__slots__)
    assert all(label for choices in CHOICES.values() for label in choices.values())
