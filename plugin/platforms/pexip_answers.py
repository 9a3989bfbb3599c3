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
from plugin.core.trunks import APPS
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
    detail = _excess(join, decision, room=room)
    return Deny(reasons=(because(Reason.PLATFORM_CANNOT_HONOUR, detail=detail),)) if detail else decision


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
        sign_in = _sign_in(join, decision, rooms=rooms, random_pin=random_pin)
        return {**(sign_in or _reject(join, decision, settings=settings)), **envelope}
    room = _room(join, decision, rooms=rooms)
    if room is None or _excess(join, decision, room=room):
        return {**REJECT, **envelope}
    result = _result(join, decision, room=room, decision_id=decision_id, random_pin=random_pin)
    invalid = faults(result, table=PARTICIPANT) if join.phase is Phase.PARTICIPANT else service_faults(result)
    if invalid:
        return {**REJECT, **envelope}
    notice = host_notice(decision)
    said = {**envelope, "host_notice": notice} if notice else envelope
    return {"status": "success", "action": "continue", "result": result, **said}


def told(join: JoinRequest, decision: Decision, *, settings: PexipSettings) -> str:
    """Return what Pexip shows the person of a decision."""
    result = _reject(join, decision, settings=settings).get("result") if isinstance(decision, Deny) else None
    return str(result["reject_reason"]) if isinstance(result, dict) else ""


def _room(join: JoinRequest, decision: Allow | Redirect, *, rooms: PexipRooms) -> Room | None:
    """Find the room that a decision opens; None where somebody already holds a room of another zone."""
    return rooms.find(join.alias, zone=decision.zone) if join.zone in (None, decision.zone) else None


def _excess(join: JoinRequest, decision: Allow | Redirect, *, room: Room) -> str:
    """Say what the room would give beyond the decision, empty where it gives no more."""
    excess = room.excess(decision.capabilities)
    if excess:
        return f"the room of zone `{decision.zone}` gives {sorted(one.value for one in excess)} to everybody"
    if _is_left_to_prompt(join, decision, room=room) and not _is_host_pin_secret(join, room=room):
        return f"who is asked for the guest PIN of zone `{decision.zone}` could enter the host PIN"
    return ""


def _is_host(decision: Allow | Redirect) -> bool:
    # A chair may do everything in a room, whatever its template says.
    return {Capability.HOST, Capability.PRESENT, Capability.UNMUTE} <= decision.capabilities


def _is_left_to_prompt(join: JoinRequest, decision: Allow | Redirect, *, room: Room) -> bool:
    """Say whether a participant still has a guest PIN to enter: a role of ours would count as having entered it.

    Devices are asked for it after this question, apps before.
    """
    is_participant = join.phase is Phase.PARTICIPANT
    return is_participant and bool(room.template.guest_pin) and not join.leg.entered and not _is_host(decision)


def _is_host_pin_secret(join: JoinRequest, *, room: Room) -> bool:
    """Say whether the room's host PIN, as it was told for this caller, is one that nobody knows or can guess."""
    is_random = room.template.pin is None or join.caller.protocol not in APPS
    return room.template.can_ask_devices and is_random


def _result(
    join: JoinRequest, decision: Allow | Redirect, *, room: Room, decision_id: str, random_pin: Callable[[int], str]
) -> dict[str, object]:
    if join.phase is not Phase.PARTICIPANT:
        return room.service(random_pin=random_pin, is_app=join.caller.protocol in APPS)
    result: dict[str, object] = {}
    if not _is_left_to_prompt(join, decision, room=room):
        result["preauthenticated_role"] = "chair" if _is_host(decision) else "guest"
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
    sentences = ["".join(reason.message for reason in decision.reasons[:1])[:MAX_REASON].strip()]
    if isinstance(decision.remedy, OpenElsewhere) and decision.remedy.zone in settings.links:
        link = settings.links[decision.remedy.zone].replace("{alias}", quote(join.alias, safe="@"))
        sentences.insert(0, f"{Reason.OPEN_ELSEWHERE.sentence} {link}")
    # A link that is too long is left out whole: half of one leads nowhere.
    results = ({"reject_reason": sentence} for sentence in sentences)
    said = next((result for result in results if not faults(result, table=PARTICIPANT)), None)
    return {**REJECT, "result": said} if said else REJECT
