"""Plain JSON for any platform: what it may ask and how it is answered.

Every mistake is named by its field, and an unknown member is one: a misspelt `id_token` must not silently turn a
proof into "nothing was presented". What a platform cannot enforce it must not admit: see `obligations`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import assert_never

from plugin.core.address import canonical_address, read_address
from plugin.core.alias import canonical_alias
from plugin.core.decision import (
    Allow,
    Capability,
    Decision,
    Deny,
    OpenElsewhere,
    PlatformSignIn,
    Redirect,
    Remedy,
    StepUp,
    because,
    host_notice,
)
from plugin.core.device import Evidence
from plugin.core.directory import glob_covers
from plugin.core.enforcement import Enforcement, Grain, unenforceable
from plugin.core.join import Caller, Credentials, Direction, DpopProof, JoinRequest, Leg, Network, Phase
from plugin.core.reasons import Reason

MAX_TOKEN = 16 * 1024
MAX_NAME = 4096
MAX_SHORT = 255
MAX_EVIDENCE = 8

CHALLENGE = frozenset({"conference"})
PROOFS = frozenset({"conference", "id_token", "access_token", "dpop_proof", "evidence"})
JOIN = PROOFS | {"participant", "ticket"}
PARTICIPANT = frozenset({"alias", "display_name", "protocol", "remote_address", "vendor"})
EVIDENCE = frozenset({"format", "payload", "challenge_id"})
"""The members of each object that is read. Any other is a mistake."""


class BadRequest(Exception):
    """A mistake of whoever asks, in one field."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class NotEntitled(Exception):
    """A caller speaks for a conference that is not among its own."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerRights:
    """One listed caller. `conferences` are alias patterns that it may speak for.

    `addresses_are_callers` = it is believed about where participants are; otherwise nobody is `located`.
    `enforces` = what it can keep one participant from; the others are denied whoever would have to be kept from more.
    """

    name: str
    conferences: tuple[str, ...]
    addresses_are_callers: bool
    enforces: frozenset[Capability] = field(default_factory=lambda: frozenset(Capability))

    @property
    def enforcement(self) -> Enforcement:
        """What this platform can withhold from one participant, and what not at all."""
        return {one: Grain.PERSON if one in self.enforces else Grain.NEVER for one in Capability}


def read_challenge(body: Mapping[str, object]) -> str:
    """Read `POST /v1/challenges`: the canonical alias that a challenge is wanted for. Raises BadRequest."""
    check_members(body, known=CHALLENGE)
    return _conference(body)


def read_ticket(
    body: Mapping[str, object], *, now: datetime, client_certificate: Evidence | None = None
) -> JoinRequest:
    """Read `POST /v1/tickets`: proofs, without anybody's word on where the client is. Raises BadRequest.

    `client_certificate` comes from a listed proxy and never from the body.
    """
    check_members(body, known=PROOFS)
    join = _join(body, platform="client", participant={}, located=False, now=now, path="/v1/tickets")
    return replace(join, credentials=replace(join.credentials, client_certificate=client_certificate))


def read_join(body: Mapping[str, object], *, caller: CallerRights, now: datetime) -> JoinRequest:
    """Read `POST /v1/joins`. Raises BadRequest, and NotEntitled for a conference that is not the caller's."""
    check_members(body, known=JOIN)
    participant = body.get("participant", {})
    if not isinstance(participant, dict):
        raise BadRequest("participant", f"got {_kind(participant)}, expected an object")
    check_members(participant, known=PARTICIPANT, within="participant.")
    join = _join(body, platform=caller.name, participant=participant, located=caller.addresses_are_callers, now=now)
    if not any(glob_covers(pattern, join.alias) for pattern in caller.conferences):
        raise NotEntitled("conference", f"caller `{caller.name}` may not speak for this conference")
    return join


def honour(decision: Decision, *, enforcement: Enforcement) -> Decision:
    """Return the decision, or a Deny where the platform could not keep somebody from what is refused them."""
    if isinstance(decision, Deny):
        return decision
    excess = unenforceable(decision.capabilities, enforcement=enforcement)
    if not excess:
        return decision
    detail = f"the platform cannot withhold {sorted(one.value for one in excess)}"
    return Deny(reasons=(because(Reason.PLATFORM_CANNOT_HONOUR, detail=detail),))


def write(decision: Decision, *, decision_id: str, trace_id: str) -> dict[str, object]:
    """Say a decision. The policies that determined it are for staff and are not told."""
    answer: dict[str, object] = {
        "decision_id": decision_id,
        "trace_id": trace_id,
        "reasons": [{"code": reason.reason.code, "message": reason.message} for reason in decision.reasons],
        "zone": None,
        "capabilities": [],
        "obligations": {},
        "remedy": None,
        "host_notice": host_notice(decision) or None,
        "expires_at": None,
    }
    match decision:
        case Allow():
            return {**answer, "decision": "allow", **_admission(decision)}
        case Redirect(remedy=remedy):
            return {**answer, "decision": "redirect", **_admission(decision), "remedy": _remedy(remedy)}
        case Deny(remedy=remedy):
            return {**answer, "decision": "deny", "remedy": _remedy(remedy)}
    assert_never(decision)


def told(decision: Decision) -> str:
    """Return what the person may read of a decision: the messages of its reasons."""
    return " ".join(reason.message for reason in decision.reasons)


def _admission(decision: Allow | Redirect) -> dict[str, object]:
    withheld = frozenset(Capability) - decision.capabilities
    return {
        "zone": decision.zone,
        "capabilities": sorted(capability.value for capability in decision.capabilities),
        # What the platform has to keep the person from. One that cannot must treat the answer as a deny.
        "obligations": {"prevent": sorted(capability.value for capability in withheld)},
        "expires_at": decision.revisit_at.isoformat() if decision.revisit_at else None,
    }


def _remedy(remedy: Remedy | None) -> dict[str, object] | None:
    match remedy:
        case None | PlatformSignIn():  # a caller of ours signs people in itself
            return None
        case StepUp():
            return {"type": "step-up", **_asked(remedy), "max_age": remedy.max_age}
        case OpenElsewhere():
            return {"type": "open-elsewhere", "zone": remedy.zone}
    assert_never(remedy)


def _asked(step_up: StepUp) -> dict[str, object]:
    """Say what to ask the provider for: the values of the request's parameters `acr_values` and `claims`."""
    if step_up.claim == "acr":
        return {"acr_values": list(step_up.acr_values), "claims": None}
    # OIDC Core 5.5.1. Essential: the provider fails the request where it cannot keep to it.
    (value,) = step_up.acr_values
    wanted = {"id_token": {step_up.claim: {"essential": True, "value": value}}}
    return {"acr_values": [], "claims": json.dumps(wanted)}


def _join(
    body: Mapping[str, object],
    *,
    platform: str,
    participant: Mapping[str, object],
    located: bool,
    now: datetime,
    path: str = "/v1/joins",
) -> JoinRequest:
    caller = Caller(
        display_name=read_text(participant, "display_name", within="participant.", most=MAX_NAME),
        alias=read_text(participant, "alias", within="participant.", most=MAX_NAME),
        protocol=read_text(participant, "protocol", within="participant.", most=MAX_SHORT),
        vendor=read_text(participant, "vendor", within="participant.", most=MAX_NAME),
    )
    alias, address = _conference(body), _address(participant)
    return JoinRequest(
        platform=platform,
        phase=Phase.JOIN,
        join_key=sha256("\0".join((address, alias, caller.alias)).encode()).hexdigest(),
        alias=alias,
        zone=None,
        caller=caller,
        credentials=Credentials(
            unverified_token=_token(body),
            dpop_proof=_proof(body, path=path),
            evidence=_evidence(body),
            ticket=read_text(body, "ticket", most=MAX_SHORT, least=1) if "ticket" in body else None,
        ),
        network=Network(address=address, located=located and bool(address)),
        direction=Direction.DIAL_IN,
        call=None,
        received_at=now,
        leg=Leg(witnessed=located and bool(address)),
    )


def _token(body: Mapping[str, object]) -> str | None:
    """Read the one token. Under which of its names it comes decides nothing: what it is, it tells by itself."""
    names = [name for name in ("id_token", "access_token") if name in body]
    if len(names) > 1:
        raise BadRequest("access_token", "got a second token, expected one")
    return read_text(body, names[0], most=MAX_TOKEN, least=1) if names else None


def _proof(body: Mapping[str, object], *, path: str) -> DpopProof | None:
    if "dpop_proof" not in body:
        return None
    return DpopProof(unverified_proof=read_text(body, "dpop_proof", most=MAX_TOKEN, least=1), path=path)


def _conference(body: Mapping[str, object]) -> str:
    if "conference" not in body:
        raise BadRequest("conference", "missing, expected an alias")
    text = read_text(body, "conference", most=MAX_NAME)
    try:
        return canonical_alias(text)
    except ValueError as error:
        raise BadRequest("conference", str(error)) from None


def _address(participant: Mapping[str, object]) -> str:
    text = read_text(participant, "remote_address", within="participant.", most=MAX_SHORT)
    if text and read_address(text) is None:
        raise BadRequest("participant.remote_address", f"got {len(text)} characters, expected an IP address")
    return canonical_address(text)


def _evidence(body: Mapping[str, object]) -> tuple[Evidence, ...]:
    pieces = body.get("evidence", [])
    if not isinstance(pieces, list) or len(pieces) > MAX_EVIDENCE:
        raise BadRequest("evidence", f"got {_kind(pieces)}, expected a list of at most {MAX_EVIDENCE} objects")
    return tuple(read_evidence_piece(piece, within=f"evidence[{index}]") for index, piece in enumerate(pieces))


def read_evidence_piece(piece: object, *, within: str) -> Evidence:
    """Read one piece of evidence. Raises BadRequest."""
    if not isinstance(piece, dict):
        raise BadRequest(within, f"got {_kind(piece)}, expected an object")
    check_members(piece, known=EVIDENCE, within=f"{within}.")
    payload = piece.get("payload")
    if not isinstance(payload, dict):
        raise BadRequest(f"{within}.payload", f"got {_kind(payload)}, expected an object")
    return Evidence(
        format=read_text(piece, "format", within=f"{within}.", most=MAX_SHORT, least=1),
        payload=payload,
        challenge_id=read_text(piece, "challenge_id", within=f"{within}.", most=MAX_SHORT, least=1),
    )


def read_text(members: Mapping[str, object], name: str, *, most: int, least: int = 0, within: str = "") -> str:
    """Read a text, empty where it is absent."""
    value = members.get(name, "")
    if not isinstance(value, str):
        raise BadRequest(f"{within}{name}", f"got {_kind(value)}, expected a text")
    if not least <= len(value) <= most:
        raise BadRequest(f"{within}{name}", f"got {len(value)} characters, expected {least} to {most}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadRequest(f"{within}{name}", "got half of a surrogate pair, expected Unicode characters") from None
    return value


def check_members(members: Mapping[str, object], *, known: frozenset[str], within: str = "") -> None:
    """Refuse an object with a member that nobody knows. Raises BadRequest."""
    for name in sorted(members.keys() - known):
        raise BadRequest(f"{within}{name[:80]}", f"unknown member, expected one of {', '.join(sorted(known))}")


def _kind(value: object) -> str:
    """Name a JSON type, never the value."""
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "nothing"}
    return kinds.get(type(value), "a number")
