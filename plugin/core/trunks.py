"""Trunks: which call comes from a gateway or a room system that the configuration names.

Recognised by what the platform says of the call, never by what the caller says of itself alone. It must never vouch
for a person: whoever speaks at the far end of a trunk is unknown.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from plugin.core.address import IpNetwork, is_within, read_address
from plugin.core.alias import canonical_alias
from plugin.core.directory import glob_covers
from plugin.core.facts import Trunk
from plugin.core.join import Direction, JoinRequest

# Devices and gateways.
PROTOCOLS = ("sip", "h323", "mssip", "teams")
# An app is a person's, wherever it runs: people share addresses with room systems, and type what alias they like.
APPS = ("api", "webrtc")
# A name in quotes or plain words, then the address in angle brackets; or the address alone. There is one way to read
# each text, so that a long one costs no more than its length: callers choose the name.
_NAME_ADDRESS = re.compile(
    r'(?:"(?:[^"\\]|\\.)*"\s*|[^"<>@:,]*)<(?P<address>sips?:[^\s<>",]+)>|(?P<alone>sips?:[^\s<>",;?]+)', re.IGNORECASE
)
# An `@` behind another, or behind the start of parameters: one reader takes the first for the domain's, one the last.
_TWO_DOMAINS = re.compile(r"[^@;?]*[@;?].*@", re.DOTALL)
# A call that the platform makes brings people into the room whom nobody here has seen.
DIAL_OUT = Trunk(name="dial-out", org=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkEntry:
    """One `[[trunk]]` table. A call has to fit everything that is not empty.

    `networks` hold the address that signalling comes from, as the node sees it. `registrations` are patterns of the
    alias that a device registered with the platform. `aliases` (patterns of the caller's own alias), `asserted`
    (patterns of the address in P-Asserted-Identity) and `teams_tenants` are worth nothing by themselves.
    """

    trunk: Trunk
    networks: tuple[IpNetwork, ...] = ()
    locations: frozenset[str] = frozenset()
    registrations: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    asserted: tuple[str, ...] = ()
    teams_tenants: frozenset[str] = frozenset()
    protocols: frozenset[str] = frozenset(PROTOCOLS)

    def __post_init__(self) -> None:
        if not self.networks and not self.registrations:
            raise ValueError("a trunk without networks and registrations, anybody could say to come from it")
        if self.asserted and not self.networks:
            raise ValueError("a trunk with an asserted identity and without networks, anybody could have sent it")
        if self.protocols & set(APPS) and not self.registrations:
            raise ValueError("a trunk of apps without registrations, people share its address")

    def fits(self, join: JoinRequest) -> bool:
        """Say whether a call comes from here."""
        leg = join.leg
        return (
            join.caller.protocol in self.protocols
            and (not self.networks or (leg.witnessed and is_within(read_address(join.network.address), self.networks)))
            and (not self.locations or leg.location.casefold() in self.locations)
            and (not self.registrations or (leg.registered and _covers(self.registrations, join.caller.alias)))
            and (not self.aliases or _covers(self.aliases, join.caller.alias))
            and (not self.asserted or _covers(self.asserted, asserted_address(leg.asserted_identity)))
            and (not self.teams_tenants or leg.teams_tenant.lower() in self.teams_tenants)
        )


def find_trunk(join: JoinRequest, *, entries: Iterable[TrunkEntry]) -> Trunk | None:
    """Return the trunk that a call comes by: the first that fits, in the order of the configuration."""
    if join.direction is Direction.DIAL_OUT:
        return DIAL_OUT
    return next((entry.trunk for entry in entries if entry.fits(join)), None)


def asserted_address(unverified_header: str) -> str:
    """Return the address in a P-Asserted-Identity (RFC 3325 section 9.1) in canonical form, empty where it is unclear.

    The name before it is the caller's own text, which may look like an address and like a header.
    """
    found = _NAME_ADDRESS.fullmatch(unverified_header.strip())
    return _canonical(found["address"] or found["alone"]) if found else ""


def _covers(patterns: tuple[str, ...], unverified_alias: str) -> bool:
    alias = _canonical(unverified_alias)
    return bool(alias) and any(glob_covers(pattern, alias) for pattern in patterns)


def _canonical(unverified_alias: str) -> str:
    """Return an alias in canonical form, empty where two readers could take it for two."""
    try:
        return "" if _TWO_DOMAINS.match(unverified_alias) else canonical_alias(unverified_alias)
    except ValueError:
        return ""
