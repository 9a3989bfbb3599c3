"""Reads the questions of a Pexip node. Parameters that are not known are ignored; an empty value counts as absent.

Everything here is what the node or the caller says. Nothing of it is proven, and what is unclear is no join.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

from plugin.core.address import canonical_address
from plugin.core.directory import glob_covers
from plugin.core.join import (
    Call,
    Caller,
    Credentials,
    Direction,
    JoinRequest,
    Leg,
    Network,
    Phase,
    PlatformAsserted,
)
from plugin.core.reasons import Reason
from plugin.core.ticket import TICKET_PREFIX
from plugin.platforms._pexip_parameters import Unclear, alias_of, fold, folded, one, written
from plugin.platforms.pexip import Endpoint, LeftToPlatform, NotAJoin, Params, PexipSettings
from plugin.platforms.pexip_rooms import TAG_PREFIX, read_tag

ATTRIBUTE_PREFIX = "idp_attribute_"

# Questions about existence, by which nobody joins (H.323 LRQ, SIP OPTIONS and SUBSCRIBE, avatars of the web app).
PROBE_TRIGGERS = frozenset({"options", "subscribe", "arq", "lrq", "web_avatar_fetch"})
# How a node spells that there is no role yet is not documented, so all else means that.
ROLES = frozenset({"chair", "guest"})
IS_API: Mapping[str, bool] = {"api": True, "api_host": True, "standard": False}  # by participant_type


def read(
    endpoint: Endpoint, params: Params, *, settings: PexipSettings, now: datetime
) -> JoinRequest | NotAJoin | LeftToPlatform:
    """Read a question. Parameters that are not known are ignored; an empty value counts as absent."""
    if endpoint not in {Endpoint.SERVICE, Endpoint.PARTICIPANT}:
        return NotAJoin(reason=Reason.PROBE)
    raw, params = params, fold(params)
    try:
        if _is_left(params, settings=settings):
            return LeftToPlatform()
        _refuse_two_spellings(raw)
        refusal = _refusal(params)
        if refusal:
            return NotAJoin(reason=refusal)
        read_join = _read_service if endpoint is Endpoint.SERVICE else _read_participant
        return read_join(params, settings=settings, now=now)
    except Unclear:
        return NotAJoin(reason=Reason.REQUEST_MALFORMED)


def _read_service(params: Params, *, settings: PexipSettings, now: datetime) -> JoinRequest | NotAJoin:
    if one(params, "call_direction") == "dial_out":
        # The answer would have to be the room that dials: one that was not issued here is not for us to describe.
        room = read_tag(one(params, "service_tag"))
        if room is None:
            return NotAJoin(reason=Reason.ROOM_UNKNOWN)
        zone, conference = room
        return _join(params, alias=conference, zone=zone, settings=settings, now=now)
    alias = _dialled(params)
    if alias is None:
        return NotAJoin(reason=Reason.CONFERENCE_UNKNOWN)
    return _join(params, alias=alias, zone=None, settings=settings, now=now)


def _read_participant(params: Params, *, settings: PexipSettings, now: datetime) -> JoinRequest | NotAJoin:
    # Pexip repeats the tag of the room that is being entered: it was issued here, the alias was typed by the caller.
    room = read_tag(one(params, "service_tag"))
    if room is None:
        return NotAJoin(reason=Reason.ROOM_UNKNOWN)
    api, call_id = IS_API.get(one(params, "participant_type")), one(params, "call_uuid")
    if api is None or not call_id:
        return NotAJoin(reason=Reason.REQUEST_MALFORMED)
    zone, conference = room
    call = Call(call_id=call_id, api=api)
    return _join(params, alias=conference, zone=zone, settings=settings, now=now, call=call)


def _refusal(params: Params) -> Reason | None:
    """Say why a question is about nobody's join, if it is not."""
    direction = one(params, "call_direction")
    if direction == "non_dial" or one(params, "trigger") in PROBE_TRIGGERS:
        return Reason.PROBE
    if direction not in {"dial_in", "dial_out"}:
        return Reason.REQUEST_MALFORMED
    if one(params, "breakout_uuid"):
        return Reason.ROOM_UNKNOWN
    return None


def _join(
    params: Params, *, alias: str, zone: str | None, settings: PexipSettings, now: datetime, call: Call | None = None
) -> JoinRequest:
    caller = Caller(
        display_name=one(params, "remote_display_name"),
        alias=one(params, "remote_alias"),
        protocol=one(params, "protocol"),
        vendor=one(params, "vendor"),
    )
    address, leg = canonical_address(one(params, "remote_address")), _leg(params)
    tag = one(params, "call_tag")
    return JoinRequest(
        platform="pexip",
        phase=Phase.PARTICIPANT if call else Phase.ROOM,
        join_key=sha256("\0".join((address, _dialled(params) or "", caller.alias)).encode()).hexdigest(),
        alias=alias,
        zone=zone,
        caller=caller,
        # Other applications use tags of their own; what starts like a ticket is one, and is refused if it is not.
        credentials=Credentials(
            ticket=tag if tag.startswith(TICKET_PREFIX) else None,
            platform_asserted=_asserted(params) if call else None,
        ),
        network=Network(address=address, located=bool(address) and leg.location.casefold() in settings.own_addresses),
        direction=Direction.DIAL_OUT if one(params, "call_direction") == "dial_out" else Direction.DIAL_IN,
        call=call,
        received_at=now,
        leg=leg,
    )


def _leg(params: Params) -> Leg:
    return Leg(
        location=one(params, "location"),
        registered=one(params, "registered").lower() == "true",
        asserted_identity=one(params, "p_asserted_identity"),
        teams_tenant=one(params, "teams_tenant_id"),
        transferred=bool(one(params, "previous_service_name")),
        witnessed=True,
        entered=one(params, "preauthenticated_role").lower() in ROLES,
    )


def _asserted(params: Params) -> PlatformAsserted | None:
    """Read whom Pexip has signed in. An attribute may have several values: repeated, or as a JSON list."""
    idp = one(params, "idp_uuid")
    attributes = {
        name.removeprefix(ATTRIBUTE_PREFIX): tuple(written(item) for item in _each(values) if item)
        for name, values in params.items()
        if name.startswith(ATTRIBUTE_PREFIX)
    }
    return PlatformAsserted(idp=idp.lower(), attributes=attributes) if idp or any(attributes.values()) else None


def _each(values: tuple[str, ...]) -> tuple[str, ...]:
    """List the values of an attribute: as they were repeated, or those of the one that is a JSON list of texts.

    What stands beside others is not one list of them all: somebody may have named a group so. It stays whole, like
    what merely looks like a list.
    """
    values = tuple(filter(None, values))
    if len(values) != 1 or not values[0].startswith("["):
        return values
    try:
        items = json.loads(values[0])
    except (ValueError, RecursionError):
        return values
    return tuple(items) if all(isinstance(item, str) for item in items) else values


def _refuse_two_spellings(params: Params) -> None:
    """Refuse two attributes that would be read as one: the values of the one would count for the other."""
    names = [name for spelling in params if (name := folded(spelling)).startswith(ATTRIBUTE_PREFIX)]
    if len(set(names)) < len(names):
        raise Unclear


def _dialled(params: Params) -> str | None:
    return alias_of(one(params, "local_alias"))


def _is_left(params: Params, *, settings: PexipSettings) -> bool:
    """Say whether a question is about an alias that is left to Pexip. A room with a tag of ours never is."""
    alias = _dialled(params)
    if alias is None or one(params, "service_tag").startswith(TAG_PREFIX):
        return False
    return any(glob_covers(pattern, alias) for pattern in settings.unsafe_leave_to_platform)
