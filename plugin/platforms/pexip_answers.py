"""Says decisions to a Pexip node, in answers that it can only take as they are meant.

An `action` stands in every answer about a join, a reject carries no `result` (a valid one would win over the action),
and every field is checked once more before it leaves.
"""

from collections.abc import Callable
from urllib.parse import quote

from plugin.core.decision import (
    Allow,
    Capability,
    Decision,
    Deny,
    OpenElsewhere,
    PlatformSignIn,
    Redirect,
    because,
    host_notice,
)
from plugin.core.join import JoinRequest, Phase
from plugin.core.reasons import Reason
from plugin.platforms.pexip import REJECT, PexipSettings
from plugin.platforms.pexip_fields import PARTICIPANT, faults, service_faults
from plugin.platforms.pexip_rooms import PexipRooms, Room
from plugin.ports import Json

MAX_REASON = 120
NEUTRAL_NAME = "Guest"


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
    notice = host_notice(decision)
    envelope = {"decision_id": decision_id, **({"host_notice": notice} if notice else {})}
    if isinstance(decision, Deny):
        sign_in = _sign_in(join, decision, rooms=rooms, random_pin=random_pin)
        return {**(sign_in or _reject(join, decision, settings=settings)), **envelope}
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


def _sign_in(join: JoinRequest, decision: Deny, *, rooms: PexipRooms, random_pin: Callable[[int], str]) -> Json | None:
    """Ask Pexip to sign the caller in, which admits nobody: whom it has signed in is judged at the next question."""
    remedy = decision.remedy
    if join.phase is not Phase.ROOM or not isinstance(remedy, PlatformSignIn):
        return None
    room = rooms.find(join.alias, zone=remedy.zone)
    result = room.sign_in(group=remedy.group, random_pin=random_pin) if room else {}
    return None if service_faults(result) else {"status": "success", "action": "continue", "result": result}


def _reject(join: JoinRequest, decision: Deny, *, settings: PexipSettings) -> Json:
    if join.phase is not Phase.PARTICIPANT or not settings.reject_reason:
        return REJECT
    text = "".join(reason.message for reason in decision.reasons[:1])[:MAX_REASON].strip()
    if isinstance(decision.remedy, OpenElsewhere) and decision.remedy.zone in settings.links:
        link = settings.links[decision.remedy.zone].replace("{alias}", quote(join.alias, safe="@"))
        text = f"{Reason.OPEN_ELSEWHERE.sentence} {link}"
    result = {"reject_reason": text}
    return REJECT if faults(result, table=PARTICIPANT) else {**REJECT, "result": result}
