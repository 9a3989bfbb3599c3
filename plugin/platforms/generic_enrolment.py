"""Plain JSON for people's clients that enrol a device, or look after those that they have.

Read as strictly as what platforms send: every mistake is named by its field, and an unknown member is one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from plugin.core.device import DeviceState, EnrolledDevice, Evidence
from plugin.platforms.generic import MAX_SHORT, MAX_TOKEN, BadRequest, check_members, read_evidence_piece, read_text

BEGIN = frozenset({"format", "payload"})
ENROL = frozenset({"id_token", "evidence", "name", "invitation"})
CHANGE = frozenset({"name", "state"})
"""The members of each object that is read. Any other is a mistake."""
MAX_DEVICE_NAME = 80
GIVEN_UP = {state.value: state for state in (DeviceState.REVOKED, DeviceState.LOST)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody enrols with: all of it unverified."""

    unverified_token: str
    evidence: Evidence
    name: str
    invitation: str


def read_begin(body: Mapping[str, object]) -> tuple[str, Mapping[str, object]]:
    """Read `POST /v1/enrolments/challenges`: the format, and what it says in the first of two rounds."""
    check_members(body, known=BEGIN)
    payload = body.get("payload", {})
    if not isinstance(payload, dict):
        raise BadRequest("payload", "expected an object")
    return read_text(body, "format", most=MAX_SHORT, least=1), payload


def read_enrol(body: Mapping[str, object]) -> Wish:
    """Read `POST /v1/enrolments`. Raises BadRequest."""
    check_members(body, known=ENROL)
    return Wish(
        unverified_token=read_text(body, "id_token", most=MAX_TOKEN, least=1),
        evidence=read_evidence_piece(body.get("evidence"), within="evidence"),
        name=read_text(body, "name", most=MAX_DEVICE_NAME, least=1),
        invitation=read_text(body, "invitation", most=MAX_SHORT),
    )


def read_change(body: Mapping[str, object]) -> str | DeviceState:
    """Read `PATCH /v1/devices/...`: the new name, or the state in which it is given up. Raises BadRequest."""
    check_members(body, known=CHANGE)
    if len(body) != 1:
        raise BadRequest("body", "expected either `name` or `state`")
    if "name" in body:
        return read_text(body, "name", most=MAX_DEVICE_NAME, least=1)
    state = read_text(body, "state", most=MAX_SHORT)
    if state not in GIVEN_UP:
        raise BadRequest("state", f"expected one of {sorted(GIVEN_UP)}")
    return GIVEN_UP[state]


def write_device(device: EnrolledDevice) -> dict[str, object]:
    """Say what its owner may know of a device."""
    return {
        "device_id": device.id,
        "format": device.format,
        "name": device.name,
        "state": device.state.value,
        "tier": device.tier.value,
        "enrolled_at": device.enrolled_at.isoformat(),
        "expires_at": device.expires_at.isoformat(),
    }
