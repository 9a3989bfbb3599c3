"""Pexip Infinity's external policy: how a conferencing node asks, and how it has to be answered.

The node falls back to its own database on anything that it does not understand, so nothing is ever left unsaid here:
an `action` stands in every answer about a join, a reject carries no `result` (a valid one would win over the
action), and every field is checked once more before it leaves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from plugin.core.decision import Capability
from plugin.core.enforcement import Enforcement, Grain
from plugin.core.reasons import Reason
from plugin.ports import Json

Params = Mapping[str, tuple[str, ...]]


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
    """The six questions. The first two are about joins, the others have safe answers that never change."""

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
class PexipSettings:
    """`own_addresses` = the locations (folded) where no proxy stands between callers and the nodes that ask.

    `reject_reason` = a rejected participant is told why. `unsafe_leave_to_platform` are alias patterns whose calls
    Pexip's own database decides, unseen. `links` lead people to a zone's rooms, `{alias}` = the conference.
    """

    own_addresses: frozenset[str] = frozenset()
    reject_reason: bool = False
    unsafe_leave_to_platform: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAJoin:
    """A question that is not, or cannot be, about somebody's join: its endpoint's safe answer is due."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class LeftToPlatform:
    """A question about an alias that the administrator leaves to Pexip's own database."""
