"""Questions with the answer that each has to get. Everybody in them is new: a person, a token, a device, a call.

One in twenty is a liar's: whoever answered without looking would be seen.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.bench.load import Question, get, post
from tests.shell.parties import Device, DeviceAuthority, Issuer
from tests.shell.world import CALLER_TOKEN, basic, caller

CONFERENCE = "board"
HOME = "192.0.2.7"
ONE_LIAR_IN = 20
TAG = "vestibule:core:board"


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """Somebody who joins once. A liar's token was signed by a stranger."""

    token: str
    device: Device
    is_liar: bool
    call: str


@dataclass(slots=True, kw_only=True)
class Crowd:
    """Newcomers of one provider, with devices of one authority. `stranger` signs for the liars.

    None = there are no liars.
    """

    acme: Issuer
    stranger: Issuer | None
    authority: DeviceAuthority
    arrived: int = 0

    def newcomers(self, count: int) -> list[Newcomer]:
        return [self._newcomer() for _ in range(count)]

    def _newcomer(self) -> Newcomer:
        self.arrived += 1
        is_liar = self.stranger is not None and self.arrived % ONE_LIAR_IN == 0
        person = f"person-{self.arrived}"
        key = self.stranger.key if self.stranger and is_liar else None
        return Newcomer(
            token=self.acme.token(person, now=datetime.now(UTC), key=key),
            device=self.authority.device(person),
            is_liar=is_liar,
            call=secrets.token_hex(16),
        )


def challenge() -> Question:
    return Question(raw=post("/v1/challenges", {"conference": CONFERENCE}), status=201, expected={})


def join(who: Newcomer, *, challenge: dict[str, object] | None, honest: str) -> Question:
    """Ask whether somebody may enter: with a device's signature where there is a challenge, else with a token alone."""
    body = {
        **_proofs(who, challenge=challenge),
        "participant": {
            "display_name": "A Person",
            "protocol": "webrtc",
            "remote_address": HOME,
            "vendor": "bench",
        },
    }
    outcome = "deny" if who.is_liar else honest
    return Question(raw=post("/v1/joins", body, bearer=CALLER_TOKEN), status=200, expected={"decision": outcome})


def ticket(who: Newcomer, *, challenge: dict[str, object]) -> Question:
    raw = post("/v1/tickets", _proofs(who, challenge=challenge))
    return Question(raw=raw, status=403 if who.is_liar else 201, expected={})


def service(who: Newcomer, *, ticket: str) -> Question:
    """Ask for a room as a Pexip node does. A liar has no ticket of ours."""
    return _pexip("service/configuration", {**caller(CONFERENCE, ticket=ticket, address=HOME)}, who=who)


def participant(who: Newcomer, *, ticket: str) -> Question:
    """Ask about somebody who enters the room, as a Pexip node does."""
    entering = {
        "participant_type": "standard",
        "call_uuid": who.call,
        "participant_uuid": who.call,
        "service_name": CONFERENCE,
        "service_tag": TAG,
        "preauthenticated_role": "chair",
    }
    return _pexip("participant/properties", {**caller(CONFERENCE, ticket=ticket, address=HOME), **entering}, who=who)


def _pexip(endpoint: str, parameters: dict[str, str], *, who: Newcomer) -> Question:
    action = "reject" if who.is_liar else "continue"
    raw = get(f"/policy/v1/{endpoint}", parameters, headers=basic())
    return Question(raw=raw, status=200, expected={"action": action})


def _proofs(who: Newcomer, *, challenge: dict[str, object] | None) -> dict[str, object]:
    proofs: dict[str, object] = {"conference": CONFERENCE, "id_token": who.token}
    if challenge is not None:
        named = {name: str(value) for name, value in challenge.items()}
        proofs["evidence"] = [who.device.evidence(named, token=who.token)]
    return proofs
