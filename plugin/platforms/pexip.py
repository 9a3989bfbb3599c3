"""Pexip Infinity's external policy: how a conferencing node asks, and how it has to be answered.

What the readers and writers beside this share: the six questions, the answer of each that is safe whatever fails, and
the settings. The node falls back to its own database on anything that it does not understand: nothing is left unsaid.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from plugin.core.address import IpNetwork
from plugin.core.decision import Capability
from plugin.core.enforcement import Enforcement, Grain
from plugin.core.reasons import Reason
from plugin.core.registration import RegistrationEntry
from plugin.ports import Json

Params = Mapping[str, tuple[str, ...]]
Colour = tuple[int, int, int]

ENFORCEMENT: Enforcement = {
    Capability.HOST: Grain.PERSON,
    Capability.SHOW_NAME: Grain.PERSON,
    Capability.PRESENT: Grain.ROOM,
    Capability.UNMUTE: Grain.ROOM,
}
"""What a room can withhold: role and name from each participant, the rest from all its guests alike."""

REJECT: Json = {"status": "success", "action": "reject"}
LEAVE: Json = {"status": "success", "action": "continue"}


class Endpoint(Enum):
    """The six questions. Only the first two are about joins; whatever fails, each has a safe answer."""

    SERVICE = "service/configuration"
    PARTICIPANT = "participant/properties"
    LOCATION = "participant/location"
    AVATAR = "participant/avatar"
    DIRECTORY = "registrations"
    REGISTRATION = "registrations/"


SAFE_ANSWERS: Mapping[Endpoint, Json | None] = {
    Endpoint.SERVICE: REJECT,
    Endpoint.PARTICIPANT: REJECT,
    # A location cannot be refused: without a success, Pexip chooses as if nobody had been asked.
    Endpoint.LOCATION: {"status": "fail"},
    Endpoint.AVATAR: None,
    Endpoint.DIRECTORY: {"status": "success", "result": [], "ignore_local": True},
    Endpoint.REGISTRATION: {"status": "success", "action": "reject", "result": {}},
}
"""What an endpoint is answered where there is nothing to say; None = a 404, on which Pexip draws a placeholder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where media is handled: a system location, and those that it overflows to. The names are Pexip's own."""

    location: str
    overflow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """Where the media of a zone's rooms is handled: by the first of `near` that holds the caller, else at `place`."""

    place: Place
    near: tuple[tuple[tuple[IpNetwork, ...], Place], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One line of the phonebook, and the organisations (`listed_for`) whose registered devices may read it."""

    name: str
    alias: str
    description: str
    listed_for: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PexipSettings:
    """`own_addresses` = the locations (folded) where no proxy stands between callers and the nodes that ask.

    `reject_reason` = a rejected participant is told why. `unsafe_leave_to_platform` are alias patterns whose calls
    Pexip's own database decides, unseen. `links` lead people to a zone's rooms, `{alias}` = the conference. `media`
    and `colours` (red, green, blue) are by zone.
    """

    own_addresses: frozenset[str] = frozenset()
    reject_reason: bool = False
    unsafe_leave_to_platform: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    media: Mapping[str, Media] = field(default_factory=dict)
    colours: Mapping[str, Colour] = field(default_factory=dict)
    phonebook: tuple[Listing, ...] = ()
    registrations: tuple[RegistrationEntry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAJoin:
    """A question that is not, or cannot be, about somebody's join: its endpoint's safe answer is due."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class LeftToPlatform:
    """A question about an alias that the administrator leaves to Pexip's own database."""
