"""All that the judge may know of one join. What is not here does not count."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from plugin.core.device import AttestationResult
from plugin.core.finding import Finding
from plugin.core.identity import Identity, Level, Provenance
from plugin.core.join import Network


class Separate(Enum):
    """What becomes of somebody who may only enter further out than the meeting is held, and would be there alone."""

    REDIRECT = "redirect"
    DENY = "deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conference:
    """An entry of the directory: one meeting, with a room in each zone of its ladder, home first.

    `invited` and `hosts` hold `org:NAME`, `group:NAME` (told by a provider of the house), `group:ORG/NAME`
    (told by another organisation's provider), `trunk:NAME`, or a subject `issuer#subject`. `guests` None = no choice
    was made. `sso_group` = the platform's own group of identity providers, where it may sign people in itself.
    """

    name: str
    zones: tuple[str, ...]
    classification: str
    owner: str
    hosts: frozenset[str]
    invited: frozenset[str]
    guests: bool | None
    separate: Separate = Separate.REDIRECT
    sso_group: str | None = None


class Line(Enum):
    """What a trunk leads to: one room that is known, or a population of unknown endpoints."""

    GATEWAY = "gateway"
    ROOM_SYSTEM = "room-system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """Where a call comes from that no person stands for: a partner's MCU or gateway, a room system, our own dialling.

    `org` None = nobody vouches for the far end. `provenance` = what it was recognised by.
    """

    name: str
    org: str | None
    line: Line = Line.GATEWAY
    provenance: Provenance = Provenance.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Assurance:
    """One rung of a provider's ladder: the value that it calls a level by, and the claim that it stands in."""

    acr: str
    level: Level
    claim: str = "acr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What is on record of where a call came from, without the address: what policies may ask of one.

    `country` None = no table knew it. `networks` and `ranges` (those that policies name outright) say of each whether
    the address was in it; of one that is not there nobody knows.
    """

    located: bool
    country: str | None
    networks: dict[str, bool]
    ranges: dict[str, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """`zone` set = judge that room alone (PARTICIPANT). `assurances` = what the person's provider can be asked for.

    `network` is where the call comes from; a Place, where it is judged again from its record.
    """

    conference: Conference
    zone: str | None
    protocol: str
    identity: Finding[Identity]
    device: Finding[AttestationResult]
    trunk: Trunk | None
    network: Network | Place
    assurances: tuple[Assurance, ...]
    now: datetime
