"""Facts as Cedar entities: the principal, the conference with its rooms, the moment, and one clock per time zone.

The facts live in entities and the request's context is only a reference to one of them: Cedar checks an entity
once per join, a context at every question.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import cedarpy
import msgspec

from plugin.core.address import Address, read_address
from plugin.core.facts import Conference, Facts, Place
from plugin.core.identity import Level
from plugin.core.join import Network
from plugin.policy.bundle import Bundle
from plugin.policy.data import Data
from plugin.policy.durations import write_duration
from plugin.policy.principal import Kind, Principal
from plugin.policy.setting import Setting

Json = dict[str, Any]
_JOIN = {"type": "Join", "id": "this"}
CONTEXT = msgspec.json.encode({"join": {"__entity": _JOIN}}).decode()
MOST_CONFERENCES = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What is known of one join beside the person. None = not known, which is neither yes nor no."""

    invited: bool | None
    host: bool | None
    located: bool
    address: Address | None
    networks: frozenset[str] | None
    country: str | None


NOWHERE = Circumstances(invited=None, host=None, located=False, address=None, networks=None, country=None)


def circumstances(facts: Facts, *, principal: Principal, bundle: Bundle) -> Circumstances:
    """Look up what the conference's entry says of the principal, and what the tables say of the address."""
    place, setting = facts.network, bundle.setting
    known = _on_record(place, bundle=bundle) if isinstance(place, Place) else _looked_up(place, data=bundle.data)
    return replace(
        known,
        invited=is_named(facts.conference.invited, principal=principal, setting=setting),
        host=is_named(facts.conference.hosts, principal=principal, setting=setting),
    )


def _looked_up(network: Network, *, data: Data) -> Circumstances:
    address = read_address(network.address) if network.located else None
    if address is None:
        return NOWHERE
    networks, country = data.networks.find(address), data.country(address)
    return replace(NOWHERE, located=True, address=address, networks=networks, country=country)


def _on_record(place: Place, *, bundle: Bundle) -> Circumstances:
    """Read what is on record of a place. What this bundle asks and that day's did not is unknown."""
    if not place.located:
        return NOWHERE
    networks, names = None, frozenset(bundle.data.network_names)
    if place.networks.keys() >= names:
        networks = frozenset(name for name in names if place.networks[name])
    address = None
    if place.ranges.keys() >= (asked := bundle.ranges.all_names):
        within = frozenset(name for name in asked if place.ranges[name])
        address = next((one for one, inside in bundle.ranges.stretches() if inside == within), None)
    return replace(NOWHERE, located=True, address=address, networks=networks, country=place.country)


def unknown_facts(principal: Principal, known: Circumstances) -> frozenset[str]:
    """Name the facts that nobody knows, as `plugin.policy.caution` names them."""
    facts = {
        "Group": principal.groups,
        "mfaAge": principal.auth.mfa_age,
        "invited": known.invited,
        "host": known.host,
        "address": known.address,
        "networks": known.networks,
        "country": known.country,
    }
    return frozenset(name for name, value in facts.items() if value is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The entities of one join, as JSON, without what time alone changes: the moment, and the age of the sign-in.

    `principal` and `join` are the two of them that it belongs to.
    """

    principal: Json
    join: Json
    others: list[Json]
    mfa_age: timedelta | None
    now: datetime

    def text(self) -> str:
        """Write everything but what time alone changes."""
        return _text([self.principal, self.join, self.others])

    def entities(self, schema: cedarpy.Schema) -> cedarpy.Entities:
        """Give the whole to Cedar. Raises ValueError where the facts do not fit the vocabulary."""
        principal, join = self.principal, _and(self.join, now=_value("datetime", _moment(self.now)))
        if self.mfa_age is not None:
            auth = {**principal["attrs"]["auth"], "mfaAge": _value("duration", write_duration(self.mfa_age))}
            principal = _and(principal, auth=auth)
        return _known(_text(self.others), schema).with_added_json_str(_text([principal, join]), schema)


@lru_cache(maxsize=MOST_CONFERENCES)
def _known(text: str, schema: cedarpy.Schema) -> cedarpy.Entities:
    """Read what is the same for everybody who joins a conference within a minute: an Entities never changes."""
    return cedarpy.Entities.from_json_str(text, schema)


def lay_out(facts: Facts, *, principal: Principal, known: Circumstances, bundle: Bundle) -> Layout:
    """Lay out all of them."""
    return Layout(
        principal=_principal(principal),
        join=_join(facts, known=known),
        others=[
            _conference(facts.conference),
            *_rooms(facts.conference),
            *_clocks(bundle.clocks, now=facts.now),
        ],
        mfa_age=principal.auth.mfa_age,
        now=facts.now,
    )


def room(conference: Conference, *, zone: str) -> Json:
    """Name the room that a conference has in a zone."""
    return _uid("Room", f"{conference.name}@{zone}")


def is_named(entries: frozenset[str], *, principal: Principal, setting: Setting) -> bool | None:
    """Say whether one of these entries means the principal; None = only their groups could tell."""
    if principal.kind is Kind.GUEST:
        return False
    mine = {f"org:{principal.org}"} if principal.org is not None else set()
    if principal.kind in {Kind.GATEWAY, Kind.ROOM_SYSTEM}:
        mine |= {f"trunk:{principal.id}"}
    if principal.kind is Kind.USER:
        mine |= {principal.id} | {f"group:{group}" for group in principal.groups or ()}
    if mine & entries:
        return True
    groups = (entry.removeprefix("group:") for entry in entries if entry.startswith("group:"))
    if principal.groups is None and any(_may_be_in(group, principal=principal, setting=setting) for group in groups):
        return None
    return False


def _may_be_in(group: str, *, principal: Principal, setting: Setting) -> bool:
    if principal.org in setting.house:
        return setting.partner_of(group) is None
    return group.startswith(f"{principal.org}/")


def _principal(principal: Principal) -> Json:
    auth: Json = {
        "level": principal.auth.level,
        "phishingResistant": principal.auth.level >= Level.PHISHING_RESISTANT,
        "provenance": principal.auth.provenance.value,
    }
    posture = principal.device
    device = {"managed": posture.managed, "compliant": posture.compliant, "attested": posture.attested}
    attributes: Json = {"auth": auth, "device": device}
    if principal.kind is Kind.USER:
        attributes["issuer"] = principal.issuer
    parents = [_uid("Org", principal.org)] if principal.org is not None else []
    parents += [_uid("Group", group) for group in sorted(principal.groups or ())]
    return _entity(_uid(principal.kind.value, principal.id), attributes, parents=parents)


def _conference(conference: Conference) -> Json:
    attributes: Json = {
        "classification": {"__entity": _uid("Classification", conference.classification)},
        "owner": conference.owner,
    }
    if conference.guests is not None:
        attributes["guests"] = conference.guests
    return _entity(_uid("Conference", conference.name), attributes)


def _rooms(conference: Conference) -> Iterable[Json]:
    held = _uid("Conference", conference.name)
    for zone in conference.zones:
        parents = [_uid("Zone", zone), held]
        yield _entity(room(conference, zone=zone), {"conference": {"__entity": held}}, parents=parents)


def _join(facts: Facts, *, known: Circumstances) -> Json:
    attributes: Json = {
        "protocol": facts.protocol,
        "invited": known.invited is True,
        "host": known.host is True,
        "located": known.located,
        # The vocabulary wants an address. Where there is none, no test of it is ever put to Cedar as written.
        "address": _value("ip", str(known.address or "0.0.0.0")),  # noqa: S104 - an address that nobody has
        "networks": [{"__entity": _uid("Network", name)} for name in sorted(known.networks or ())],
    }
    if known.country is not None:
        attributes["country"] = known.country
    return _entity(_JOIN, attributes)


def _clocks(clocks: Mapping[str, ZoneInfo], *, now: datetime) -> Iterable[Json]:
    for name, zone in clocks.items():
        local = now.astimezone(zone)
        attributes: Json = {"weekday": local.isoweekday(), "minuteOfDay": local.hour * 60 + local.minute}
        yield _entity(_uid("Clock", name), attributes)


def _moment(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _and(entity: Json, **attributes: object) -> Json:
    return {**entity, "attrs": {**entity["attrs"], **attributes}}


def _entity(uid: Mapping[str, object], attributes: Json, *, parents: Iterable[Json] = ()) -> Json:
    return {"uid": uid, "attrs": attributes, "parents": list(parents)}


def _uid(kind: str, name: str) -> Json:
    return {"type": kind, "id": name}


def _value(function: str, argument: str) -> Json:
    return {"__extn": {"fn": function, "arg": argument}}
