"""From the service's JSON to an answer: the only place where an `Allowed` or a `Redirected` is made.

One is made only where every member is there and means what is known here, the answer has not expired, and the platform
can keep the person from all that is not granted. Members that are not known are skipped, as a later version may tell
more; what it may *demand* more stands in `obligations`, and an obligation that is not known is a deny.
"""

import json
from collections.abc import Mapping
from datetime import datetime

from vestibule.answers import (
    Allowed,
    Answer,
    Capability,
    Challenge,
    Denied,
    OpenElsewhere,
    Reason,
    Redirected,
    Remedy,
    StepUp,
)
from vestibule.failures import NotUnderstood

Members = Mapping[str, object]

CANNOT_HONOUR = Reason(
    code="platform-cannot-honour", message="The room cannot be given the restrictions that you need."
)
_CHALLENGE_TEXTS = ("challenge_id", "version", "purpose", "tenant", "origin", "conference", "nonce")


def read_object(raw: bytes) -> Members:
    """Read one JSON object. A member that stands twice could hide one of two meanings."""
    try:
        members = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        members = None
    if not isinstance(members, dict):
        raise NotUnderstood("got something else, expected one JSON object in UTF-8")
    return members


def read_answer(members: Members, *, enforces: frozenset[Capability], now: datetime) -> Answer:
    """Read a decision. `enforces` is what the platform can keep one person from. Raises NotUnderstood."""
    decision_id, trace_id = _text(members, "decision_id"), _text(members, "trace_id")
    reasons, remedy = _reasons(members), _remedy(members)
    word = _text(members, "decision")
    if word == "deny":
        return Denied(decision_id=decision_id, trace_id=trace_id, reasons=reasons, remedy=remedy)
    if word not in ("allow", "redirect"):
        raise NotUnderstood("got another `decision`, expected `allow`, `redirect` or `deny`")
    granted = _granted(members)
    prevent = frozenset(Capability) - granted
    if _demands_more(members, prevent=prevent) or not prevent <= enforces:
        return Denied(decision_id=decision_id, trace_id=trace_id, reasons=(CANNOT_HONOUR,), remedy=None)
    zone, host_notice, expires_at = _text(members, "zone", least=1), _notice(members), _expiry(members, now=now)
    if word == "allow":
        return Allowed(
            decision_id=decision_id,
            trace_id=trace_id,
            reasons=reasons,
            zone=zone,
            capabilities=granted,
            prevent=prevent,
            host_notice=host_notice,
            expires_at=expires_at,
        )
    return Redirected(
        decision_id=decision_id,
        trace_id=trace_id,
        reasons=reasons,
        zone=zone,
        capabilities=granted,
        prevent=prevent,
        host_notice=host_notice,
        expires_at=expires_at,
        remedy=remedy,
    )


def read_challenge(members: Members) -> Challenge:
    """Read a challenge. Raises NotUnderstood."""
    texts = {name: _text(members, name, least=1) for name in _CHALLENGE_TEXTS}
    return Challenge(**texts, expires_at=_instant(members, "expires_at"))


def _granted(members: Members) -> frozenset[Capability]:
    """What is granted and known; what is granted and not known is left alone, as if it were not."""
    words = _texts(members, "capabilities")
    return frozenset(capability for capability in Capability if capability.value in words)


def _demands_more(members: Members, *, prevent: frozenset[Capability]) -> bool:
    """Say whether there are obligations that are not known here. Those that are have to fit what is granted."""
    obligations = _object(members, "obligations")
    words = set(_texts(obligations, "prevent"))
    known = {capability.value for capability in Capability}
    if words & known != {capability.value for capability in prevent}:
        raise NotUnderstood("got other capabilities in `obligations.prevent`, expected those that are not granted")
    return bool(words - known or obligations.keys() - {"prevent"})


def _expiry(members: Members, *, now: datetime) -> datetime | None:
    if _member(members, "expires_at") is None:
        return None
    expires_at = _instant(members, "expires_at")
    if expires_at <= now:
        raise NotUnderstood(f"got an answer that expired at {expires_at.isoformat()}, expected one that holds")
    return expires_at


def _notice(members: Members) -> str | None:
    return None if _member(members, "host_notice") is None else _text(members, "host_notice")


def _reasons(members: Members) -> tuple[Reason, ...]:
    reasons = [_as_object(item, name="reasons") for item in _list(members, "reasons")]
    return tuple(Reason(code=_text(item, "code", least=1), message=_text(item, "message")) for item in reasons)


def _remedy(members: Members) -> Remedy | None:
    if _member(members, "remedy") is None:
        return None
    remedy = _object(members, "remedy")
    match _text(remedy, "type"):
        case "step-up":
            max_age = _member(remedy, "max_age")
            if type(max_age) is not int:
                raise NotUnderstood("got another kind of `max_age`, expected an integer")
            claims = None if remedy.get("claims") is None else _text(remedy, "claims")
            return StepUp(acr_values=_texts(remedy, "acr_values"), max_age=max_age, claims=claims)
        case "open-elsewhere":
            return OpenElsewhere(zone=_text(remedy, "zone", least=1))
    return None  # of a later version: a remedy opens nothing by itself


def _member(members: Members, name: str) -> object:
    if name not in members:
        raise NotUnderstood(f"got no `{name}`, expected one")
    return members[name]


def _text(members: Members, name: str, *, least: int = 0) -> str:
    value = _member(members, name)
    if not isinstance(value, str) or len(value) < least:
        raise NotUnderstood(f"got another kind of `{name}`, expected a text of at least {least} characters")
    return value


def _list(members: Members, name: str) -> list[object]:
    value = _member(members, name)
    if not isinstance(value, list):
        raise NotUnderstood(f"got another kind of `{name}`, expected a list")
    return value


def _texts(members: Members, name: str) -> tuple[str, ...]:
    values = _list(members, name)
    texts = tuple(value for value in values if isinstance(value, str))
    if len(texts) != len(values):
        raise NotUnderstood(f"got another kind of item in `{name}`, expected texts")
    return texts


def _object(members: Members, name: str) -> Members:
    return _as_object(_member(members, name), name=name)


def _as_object(value: object, *, name: str) -> Members:
    if not isinstance(value, dict):
        raise NotUnderstood(f"got something else in `{name}`, expected an object")
    return value


def _instant(members: Members, name: str) -> datetime:
    try:
        instant = datetime.fromisoformat(_text(members, name))
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise NotUnderstood(f"got something else in `{name}`, expected a time with its offset (RFC 3339)")
    return instant


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is there twice")
    return members
