"""Pexip Infinity's external policy: how a conferencing node asks, and how it has to be answered.

The node falls back to its own database on anything that it does not understand, so nothing is ever left unsaid here:
an `action` stands in every answer about a join, a reject carries no `result` (a valid one would win over the
action), and every field is checked once more before it leaves.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from hashlib import sha256

from plugin.core.address import canonical_address
from plugin.core.alias import canonical_alias
from plugin.core.decision import Allow, Capability, Decision, Deny, Redirect, because
from plugin.core.directory import glob_covers
from plugin.core.join import Call, Caller, Credentials, Direction, JoinRequest, Network, Phase
from plugin.core.reasons import Reason
from plugin.core.ticket import TICKET_PREFIX
from plugin.platforms.pexip_fields import PARTICIPANT, faults, service_faults
from plugin.platforms.pexip_rooms import TAG_PREFIX, PexipRooms, Room, read_tag
from plugin.ports import Json

Params = Mapping[str, tuple[str, ...]]

MAX_REASON = 120
NEUTRAL_NAME = "Guest"

# Questions about existence, by which nobody joins (H.323 LRQ, SIP OPTIONS and SUBSCRIBE, avatars of the web app).
PROBE_TRIGGERS = frozenset({"options", "subscribe", "arq", "lrq", "web_avatar_fetch"})
IS_API: Mapping[str, bool] = {"api": True, "api_host": True, "standard": False}  # by participant_type

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
    """`addresses_are_callers` = no proxy stands between callers and the nodes that ask.

    `reject_reason` = a rejected participant is told why. `unsafe_leave_to_platform` are alias patterns whose calls
    Pexip's own database decides, unseen.
    """

    addresses_are_callers: bool = False
    reject_reason: bool = False
    unsafe_leave_to_platform: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAJoin:
    """A question that is not, or cannot be, about somebody's join: its endpoint's safe answer is due."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class LeftToPlatform:
    """A question about an alias that the administrator leaves to Pexip's own database."""


class _Unclear(Exception):
    """A parameter came with several values, a liar's gap between two readers; or is no text that can be written."""


def read(
    endpoint: Endpoint, params: Params, *, settings: PexipSettings, now: datetime
) -> JoinRequest | NotAJoin | LeftToPlatform:
    """Read a question. Parameters that are not known are ignored; an empty value counts as absent."""
    if endpoint not in {Endpoint.SERVICE, Endpoint.PARTICIPANT}:
        return NotAJoin(reason=Reason.PROBE)
    params = _fold(params)
    try:
        if _is_left(params, settings=settings):
            return LeftToPlatform()
        refusal = _refusal(params)
        if refusal:
            return NotAJoin(reason=refusal)
        read_join = _read_service if endpoint is Endpoint.SERVICE else _read_participant
        return read_join(params, settings=settings, now=now)
    except _Unclear:
        return NotAJoin(reason=Reason.REQUEST_MALFORMED)


def _read_service(params: Params, *, settings: PexipSettings, now: datetime) -> JoinRequest | NotAJoin:
    if _one(params, "call_direction") == "dial_out":
        # The answer would have to be the room that dials: one that was not issued here is not for us to describe.
        room = read_tag(_one(params, "service_tag"))
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
    room = read_tag(_one(params, "service_tag"))
    if room is None:
        return NotAJoin(reason=Reason.ROOM_UNKNOWN)
    api, call_id = IS_API.get(_one(params, "participant_type")), _one(params, "call_uuid")
    if api is None or not call_id:
        return NotAJoin(reason=Reason.REQUEST_MALFORMED)
    zone, conference = room
    call = Call(call_id=call_id, api=api)
    return _join(params, alias=conference, zone=zone, settings=settings, now=now, call=call)


def _refusal(params: Params) -> Reason | None:
    """Say why a question is about nobody's join, if it is not."""
    direction = _one(params, "call_direction")
    if direction == "non_dial" or _one(params, "trigger") in PROBE_TRIGGERS:
        return Reason.PROBE
    if direction not in {"dial_in", "dial_out"}:
        return Reason.REQUEST_MALFORMED
    if _one(params, "breakout_uuid"):
        return Reason.ROOM_UNKNOWN
    return None


def _join(
    params: Params, *, alias: str, zone: str | None, settings: PexipSettings, now: datetime, call: Call | None = None
) -> JoinRequest:
    caller = Caller(
        display_name=_one(params, "remote_display_name"),
        alias=_one(params, "remote_alias"),
        protocol=_one(params, "protocol"),
        vendor=_one(params, "vendor"),
    )
    address = canonical_address(_one(params, "remote_address"))
    tag = _one(params, "call_tag")
    return JoinRequest(
        platform="pexip",
        phase=Phase.PARTICIPANT if call else Phase.ROOM,
        join_key=sha256("\0".join((address, _dialled(params) or "", caller.alias)).encode()).hexdigest(),
        alias=alias,
        zone=zone,
        caller=caller,
        # Other applications use tags of their own; what starts like a ticket is one, and is refused if it is not.
        credentials=Credentials(ticket=tag if tag.startswith(TICKET_PREFIX) else None),
        network=Network(address=address, located=settings.addresses_are_callers and bool(address)),
        direction=Direction.DIAL_OUT if _one(params, "call_direction") == "dial_out" else Direction.DIAL_IN,
        call=call,
        received_at=now,
    )


def honour(join: JoinRequest, decision: Decision, *, rooms: PexipRooms) -> Decision:
    """Deny where the room would give what was refused, or is not the one that the decision is about."""
    if isinstance(decision, Deny):
        return decision
    room = _room(join, decision, rooms=rooms)
    if room is None:
        return Deny(reasons=(because(Reason.ROOM_UNKNOWN),))
    excess = room.excess(decision.capabilities)
    if excess:
        detail = f"the room of zone `{decision.zone}` gives {sorted(one.value for one in excess)} to everybody"
        return Deny(reasons=(because(Reason.PLATFORM_CANNOT_HONOUR, detail=detail),))
    return decision


def write(
    join: JoinRequest,
    decision: Decision,
    *,
    rooms: PexipRooms,
    decision_id: str,
    random_pin: Callable[[int], str],
    settings: PexipSettings,
) -> Json:
    """Say a decision. A yes that the room would not honour, or that Pexip could not read, leaves as a reject.

    `decision_id` stands beside the answer, where Pexip ignores it and writes it to its log.
    """
    envelope = {"decision_id": decision_id}
    if isinstance(decision, Deny):
        return {**_reject(join, decision, settings=settings), **envelope}
    room = _room(join, decision, rooms=rooms)
    if room is None or room.excess(decision.capabilities):
        return {**REJECT, **envelope}
    result = _result(join, decision, room=room, decision_id=decision_id, random_pin=random_pin)
    invalid = faults(result, table=PARTICIPANT) if join.phase is Phase.PARTICIPANT else service_faults(result)
    if invalid:
        return {**REJECT, **envelope}
    return {"status": "success", "action": "continue", "result": result, **envelope}


def _room(join: JoinRequest, decision: Allow | Redirect, *, rooms: PexipRooms) -> Room | None:
    """Find the room that a decision opens; None where somebody already holds a room of another zone."""
    return rooms.find(join.alias, zone=decision.zone) if join.zone in (None, decision.zone) else None


def _result(
    join: JoinRequest, decision: Allow | Redirect, *, room: Room, decision_id: str, random_pin: Callable[[int], str]
) -> dict[str, object]:
    if join.phase is not Phase.PARTICIPANT:
        return room.service(random_pin=random_pin)
    # A chair may do everything in a room, whatever its template says.
    hosts = {Capability.HOST, Capability.PRESENT, Capability.UNMUTE} <= decision.capabilities
    result: dict[str, object] = {"preauthenticated_role": "chair" if hosts else "guest"}
    if Capability.SHOW_NAME not in decision.capabilities:
        result |= {"remote_display_name": NEUTRAL_NAME, "remote_alias": NEUTRAL_NAME}
    if join.credentials.ticket is not None:
        result["call_tag"] = decision_id  # everybody in the roster could read the ticket
    return result


def _reject(join: JoinRequest, decision: Deny, *, settings: PexipSettings) -> Json:
    if join.phase is not Phase.PARTICIPANT or not settings.reject_reason:
        return REJECT
    result = {"reject_reason": "".join(reason.message for reason in decision.reasons[:1])[:MAX_REASON].strip()}
    return REJECT if faults(result, table=PARTICIPANT) else {**REJECT, "result": result}


def _fold(params: Params) -> Params:
    """Bring names to one spelling, since Pexip's documents and its nodes differ in case, and in `-` and `_`."""
    folded: dict[str, tuple[str, ...]] = {}
    for name, values in params.items():
        key = name.lower().replace("-", "_")
        folded[key] = (*folded.get(key, ()), *values)
    return folded


def _one(params: Params, name: str) -> str:
    """Return the value of a parameter, empty where it is absent. Raises _Unclear."""
    values = set(params.get(name, ()))
    if len(values) > 1:
        raise _Unclear
    value = values.pop() if values else ""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _Unclear from None
    return value


def _dialled(params: Params) -> str | None:
    try:
        return canonical_alias(_one(params, "local_alias"))
    except ValueError:
        return None


def _is_left(params: Params, *, settings: PexipSettings) -> bool:
    """Say whether a question is about an alias that is left to Pexip. A room with a tag of ours never is."""
    alias = _dialled(params)
    if alias is None or _one(params, "service_tag").startswith(TAG_PREFIX):
        return False
    return any(glob_covers(pattern, alias) for pattern in settings.unsafe_leave_to_platform)
