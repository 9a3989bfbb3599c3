"""A caller's way through a conferencing node: the questions of a whole join, in the order in which a node asks them.

How many questions an app's join has, and whether the id of a call outlives a transfer, is not documented; here an app
asks at each step of its conversation, and a transferred call stays the same call. Whatever is not valid is answered by
the node's own database, as on a real node, unless a local policy stands behind it (`dead_man`).
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote
from uuid import uuid4

from plugin.shell.demo.node_calls import (
    APP,
    NODE_LOCATION,
    Call,
    Parameters,
    alias_of,
    avatar_parameters,
    breakout_parameters,
    location_parameters,
    participant_parameters,
    service_parameters,
)
from plugin.shell.demo.node_fields import Result
from plugin.shell.demo.node_rules import (
    AVATAR,
    LOCATION,
    PARTICIPANT,
    SERVICE,
    Reading,
    Verdict,
    after_dead_man,
    dropped,
)

Ask = Callable[[str, Parameters], Awaitable[Reading]]

PICTURE = 100
# An app is two participants: one that talks to the API, and then one that has media.
APP_PARTICIPANTS = (("api", "api"), ("standard", "webrtc"))
PINS = (("pin", "chair"), ("guest_pin", "guest"))
# What an answer may say differently to each participant of one room; a call that is made may also choose IPv6.
PER_PARTICIPANT = frozenset(
    {
        "guest_identity_provider_group",
        "guest_pin",
        "host_identity_provider_group",
        "max_callrate_in",
        "max_callrate_out",
        "pin",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question, and what the node made of the answer."""

    question: str
    reading: Reading
    milliseconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """The caller is in `room`, as `chair` (a Host) or `guest`. `call` is what the node knows of it from now on."""

    room: str
    role: str
    display_name: str
    admitted_by_fallback: bool
    asked: tuple[Asked, ...]
    call: Call
    media_location: str = NODE_LOCATION
    breakouts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnedAway:
    """The caller is not in. `at` is the question, or the prompt, that they did not get past."""

    at: str
    reason: str
    asked: tuple[Asked, ...]


Outcome = Joined | TurnedAway


class _Out(Exception):
    """Ends a way in."""

    def __init__(self, *, at: str, reason: str = "") -> None:
        super().__init__(at)
        self.at = at
        self.reason = reason


class Joining:
    """One call's way in. The steps change what is known of the call, as they do on a node."""

    def __init__(self, ask: Ask, call: Call, *, database: Mapping[str, Result], dead_man: bool) -> None:
        self._ask_server = ask
        self._call = call
        self._database = database
        self._dead_man = dead_man
        self._display_name = call.caller.display_name
        self._asked: list[Asked] = []
        self._admitted_by_fallback = False

    async def enter(self) -> Outcome:
        """Ask all that a node asks, until somebody says no.

        1 the room, with PIN and sign-in   2 the participants   3 breakout rooms, place and picture
        """
        protocol = self._call.caller.protocol
        is_app = protocol == APP
        participants = APP_PARTICIPANTS if is_app else (("standard", protocol),)
        try:
            # 1 the room, with PIN and sign-in; a device is asked for its PIN after the participant question
            await (self._arrive_by_app() if is_app else self._ask_room(protocol))

            # 2 the participants
            for participant_type, spoken in participants:
                await self._ask_participant(participant_type, protocol=spoken)
            if not is_app:
                self._pass_prompts()
        except _Out as out:
            return TurnedAway(at=out.at, reason=out.reason, asked=tuple(self._asked))

        # 3 breakout rooms, place and picture; whatever comes, it keeps nobody out
        breakouts = await self._ask_breakouts()
        place = await self._ask(LOCATION, location_parameters(self._call))
        picture = avatar_parameters(self._call, width=PICTURE, height=PICTURE)
        await self._ask(f"{AVATAR}/{quote(alias_of(self._call), safe='')}", picture)
        return self._joined(place, breakouts=breakouts)

    async def call_out(self) -> Outcome:
        """Make a call out of the room. The answer has to be the room itself, and nobody asks about the participant."""
        parameters = service_parameters(self._call, protocol=self._call.caller.protocol)
        reading = await self._ask(SERVICE, parameters, running=self._call.room)
        if reading.verdict is Verdict.REJECTED:
            return TurnedAway(at=SERVICE, reason="not dialled", asked=tuple(self._asked))
        self._admitted_by_fallback = reading.verdict is Verdict.FALLBACK
        return self._joined(await self._ask(LOCATION, location_parameters(self._call)))

    async def _arrive_by_app(self) -> None:
        """Hold an app's conversation with its node, each step of which asks for the room again."""
        await self._ask_room("api")  # as it comes
        await self._ask_room("api")  # with a PIN, or without one as a guest
        if self._call.caller.sso and self._call.role and self._lacks_sign_in():
            await self._ask_room("api")  # with the provider that it has chosen
            self._sign_in()
            await self._ask_room("api")  # back from there
        self._pass_prompts()
        await self._ask_room("webrtc")
        self._pass_prompts()

    async def _ask_room(self, protocol: str) -> None:
        reading = await self._ask(SERVICE, service_parameters(self._call, protocol=protocol))
        if reading.verdict is Verdict.REJECTED:
            raise _Out(at=SERVICE, reason="conference not found")
        room, caller = reading.result, self._call.caller
        if reading.verdict is Verdict.FALLBACK:
            self._admitted_by_fallback = True
            room = self._database.get(caller.alias, {"name": caller.alias, "service_tag": ""})
        self._call = replace(self._call, room=room, role=_role_by_pin(room, typed=caller.pin))

    async def _ask_participant(self, participant_type: str, *, protocol: str) -> None:
        parameters = participant_parameters(
            self._call, protocol=protocol, participant_type=participant_type, uuid=str(uuid4())
        )
        reading = await self._ask(PARTICIPANT, parameters)
        if reading.verdict is Verdict.REJECTED:
            raise _Out(at=PARTICIPANT, reason=str(reading.result.get("reject_reason", "")))
        self._admitted_by_fallback |= reading.verdict is Verdict.FALLBACK
        changes = reading.result
        role = str(changes["preauthenticated_role"]) if changes.get("preauthenticated_role") else self._call.role
        self._call = replace(self._call, role=role, call_tag=str(changes.get("call_tag", self._call.call_tag)))
        self._display_name = str(changes.get("remote_display_name", self._display_name))

    async def _ask_breakouts(self) -> tuple[str, ...]:
        """Ask for each breakout room of a Host's room, and return those that there are."""
        uuids = self._call.room.get("breakout_uuids")
        if self._call.role != "chair" or not isinstance(uuids, list):
            return ()
        found = []
        for uuid in uuids:
            reading = await self._ask(SERVICE, breakout_parameters(self._call, uuid=uuid))
            if reading.result.get("breakout_uuid") == uuid:
                found.append(str(reading.result["breakout_name"]))
        return tuple(found)

    async def _ask(self, question: str, parameters: Parameters, *, running: Result | None = None) -> Reading:
        # The order of parameters means nothing, and a node does not keep one.
        turn = len(self._asked)
        shuffled = [*parameters.items()][turn:] + [*parameters.items()][:turn]
        began = time.perf_counter()
        reading = await self._ask_server(question, dict(shuffled))
        if running is not None and reading.verdict is Verdict.USED and _fixed(reading.result) != _fixed(running):
            reading = dropped("the answer is not the running service")
        if self._dead_man:
            reading = after_dead_man(question, reading)
        took = (time.perf_counter() - began) * 1000
        self._asked.append(Asked(question=question, reading=reading, milliseconds=took))
        return reading

    def _sign_in(self) -> None:
        account = self._call.caller.sso
        self._call = replace(self._call, sso=account)
        self._display_name = (account.display_name if account else "") or self._display_name

    def _pass_prompts(self) -> None:
        """Raise _Out where a PIN or a sign-in still stands between the caller and the room."""
        if self._call.role is None:
            raise _Out(at="PIN", reason="wrong PIN" if self._call.caller.pin else "")
        if self._lacks_sign_in():
            raise _Out(at="single sign-on")

    def _lacks_sign_in(self) -> bool:
        room = self._call.room
        group = "host_identity_provider_group" if self._call.role == "chair" else "guest_identity_provider_group"
        is_trusted = room.get("non_idp_participants") == "allow_if_trusted" and self._call.caller.registered
        return group in room and self._call.sso is None and not is_trusted

    def _joined(self, place: Reading, *, breakouts: tuple[str, ...] = ()) -> Joined:
        return Joined(
            room=str(self._call.room["name"]),
            role=str(self._call.role),
            display_name=self._display_name,
            admitted_by_fallback=self._admitted_by_fallback,
            asked=tuple(self._asked),
            call=self._call,
            media_location=str(place.result.get("location", NODE_LOCATION)),
            breakouts=breakouts,
        )


def _role_by_pin(room: Result, *, typed: str) -> str | None:
    """Return the role that a PIN opens. Without a PIN of the room everybody is a Host; a guest may need none."""
    if "pin" not in room:
        return "chair"
    if typed:
        roles = ((key, role) for key, role in PINS if key in room and _digits(room[key]) == _digits(typed))
        return next((role for _, role in roles), None)
    return "guest" if room.get("allow_guests") and "guest_pin" not in room else None


def _digits(pin: object) -> str:
    """Return a PIN without the `#` that says where it ends."""
    return str(pin).removesuffix("#")


def _fixed(room: Result) -> dict[str, object]:
    return {key: value for key, value in room.items() if key not in {*PER_PARTICIPANT, "prefer_ipv6"}}
