"""One question of a platform, translated.

May this person, on this device, now, enter this conference?

Everything here except `received_at` is a claim of the caller, or the word of the platform or a proxy. Nothing in it is
proof.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from plugin.core.device import Evidence


class Phase(Enum):
    """ROOM asks which room a caller gets, PARTICIPANT whether this one enters the room it was given.

    JOIN asks both at once: there is no second question.
    """

    JOIN = "join"
    ROOM = "room"
    PARTICIPANT = "participant"


class Direction(Enum):
    """Who called whom. A call that the platform makes brings a far end of unknown people into the room."""

    DIAL_IN = "dial_in"
    DIAL_OUT = "dial_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """What the caller says of itself: attacker-controlled text, for traces (masked) and for nothing else."""

    display_name: str
    alias: str
    protocol: str
    vendor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Where the question says that the caller is. `located` = the address is known to be the caller's own."""

    address: str
    located: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """What the platform itself says of a call. It is the platform's word, weaker than a proof; empty = not told.

    `location` = where the asking node stands. `registered` = the caller is a device that registered with the platform,
    as `Caller.alias`. `asserted_identity` = the P-Asserted-Identity of a SIP call, which is worth as much as whoever
    sent it. `transferred` = the call was in another conference before. `witnessed` = the platform has itself seen
    `Network.address`, be it the caller's own or a proxy's. `entered` = the caller is past the platform's own prompt.
    """

    location: str = ""
    registered: bool = False
    asserted_identity: str = ""
    teams_tenant: str = ""
    transferred: bool = False
    witnessed: bool = False
    entered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformAsserted:
    """Somebody whom the platform has signed in: the provider as it names it, and attributes by folded name."""

    idp: str
    attributes: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """The call that a PARTICIPANT question is about. An `api` participant comes before its `standard` one."""

    call_id: str
    api: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DpopProof:
    """What shows that a token is presented by whom it is bound to. `path` = where it came to, which it has to name."""

    unverified_proof: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What was presented. All absent = nothing was presented, the only state in which somebody may be a guest.

    `client_certificate` is a listed proxy's word on the connection, never the caller's own.
    """

    unverified_token: str | None = None
    dpop_proof: DpopProof | None = None
    evidence: tuple[Evidence, ...] = ()
    client_certificate: Evidence | None = None
    ticket: str | None = None
    platform_asserted: PlatformAsserted | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRequest:
    """`alias` is canonical. `zone` is the zone of the room that the caller already holds, None before.

    `join_key` may link the traces of one join; made of what callers choose, it carries nothing proven.
    """

    platform: str
    phase: Phase
    join_key: str
    alias: str
    zone: str | None
    caller: Caller
    credentials: Credentials
    network: Network
    direction: Direction
    call: Call | None
    received_at: datetime
    leg: Leg = Leg()
