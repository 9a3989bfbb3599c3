"""All that the judge may know of one join. What is not here does not count."""

from dataclasses import dataclass
from datetime import datetime

from plugin.core.device import AttestationResult
from plugin.core.finding import Finding
from plugin.core.identity import Identity, Level
from plugin.core.join import Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Conference:
    """An entry of the directory: one meeting, with a room in each zone of its ladder, home first.

    `invited` and `hosts` hold `org:NAME`, `group:NAME` (told by a provider of the house), `group:ORG/NAME`
    (told by another organisation's provider), or a subject `issuer#subject`. `guests` None = no choice was made.
    """

    name: str
    zones: tuple[str, ...]
    classification: str
    owner: str
    hosts: frozenset[str]
    invited: frozenset[str]
    guests: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """A partner's MCU or gateway, or a call that the platform makes: a population of unknown endpoints.

    `org` None = nobody vouches for the far end.
    """

    name: str
    org: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assurance:
    """One rung of an identity provider's ladder: the acr value that it calls a level by."""

    acr: str
    level: Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """`zone` set = judge that room alone (PARTICIPANT). `assurances` = what the person's provider can be asked for."""

    conference: Conference
    zone: str | None
    protocol: str
    identity: Finding[Identity]
    device: Finding[AttestationResult]
    trunk: Trunk | None
    network: Network
    assurances: tuple[Assurance, ...]
    now: datetime
