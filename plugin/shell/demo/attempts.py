"""What somebody may choose on the page to try a join: who, on which laptop, when, from where, and to which conference.

Only what is listed here can be chosen. What comes of it, nobody here knows: the join is a real one, and the service
decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import time

import msgspec

from plugin.shell.demo.people import ALICE, EVE, PEOPLE, Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One choice of each list, by its key."""

    person: str
    laptop: str
    moment: str
    network: str
    conference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A time of day in Oslo, so many `days` after the Tuesday on which the demo begins."""

    label: str
    days: int
    at: time


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a call comes from: the address that the node reports. The example bundle's data.toml knows all but one."""

    label: str
    address: str


MOMENTS: Mapping[str, Moment] = {
    "morning": Moment(label="Wednesday at 10:00", days=1, at=time(10)),
    "evening": Moment(label="Wednesday at 21:00", days=1, at=time(21)),
    "sunday": Moment(label="Sunday at noon", days=5, at=time(12)),
}
PLACES: Mapping[str, Place] = {
    "office": Place(label="the office, Norway", address="192.0.2.80"),
    "abroad": Place(label="a hotel, Sweden", address="198.51.100.80"),
    "sanctioned-network": Place(label="a sanctioned network", address="203.0.113.80"),
    "sanctioned-country": Place(label="a sanctioned country", address="203.0.113.200"),
    "unlocated": Place(label="nobody knows where", address="100.64.0.80"),
}
LAPTOPS: Mapping[str, str] = {
    "own": "their own, managed",
    "other": "somebody else's",
    "none": "one that proves nothing",
}
CONFERENCES: Mapping[str, str] = {
    "board": "board, for employees",
    "joint-review": "joint-review, with partners",
    "town-hall": "town-hall, which takes guests",
    "personnel": "personnel, personal data",
    "pool-party": "pool-party, which is not set up",
}
CHOICES: Mapping[str, Mapping[str, str]] = {
    "person": {person.name: f"{person.name}, {person.who}" for person in PEOPLE},
    "laptop": LAPTOPS,
    "moment": {key: moment.label for key, moment in MOMENTS.items()},
    "network": {key: place.label for key, place in PLACES.items()},
    "conference": CONFERENCES,
}
"""The lists by field of an attempt: keys and what the page calls them. The first of each is chosen at first."""


def read_attempt(body: bytes) -> Attempt:
    """Read what the page sends. Raises ValueError for anything but one choice of each list."""
    attempt = msgspec.json.decode(body, type=Attempt)  # its errors are ValueErrors
    for field in fields(Attempt):
        choice = getattr(attempt, field.name)
        if choice not in CHOICES[field.name]:
            raise ValueError(f"got `{choice}` for `{field.name}`, expected one of {[*CHOICES[field.name]]}")
    return attempt


def player(attempt: Attempt) -> Person:
    """Return the person of an attempt, with what was chosen for them."""
    person = next(one for one in PEOPLE if one.name == attempt.person)
    somebody_else = EVE if person is ALICE else ALICE
    devices = {"own": person.own_laptop, "other": somebody_else.own_laptop, "none": None}
    story = f"Tried from this page: {CHOICES['person'][attempt.person]}."
    return replace(person, device=devices[attempt.laptop], conference=attempt.conference, expected=None, story=story)
