"""A simulated conferencing node of Pexip Infinity: it asks a policy server about each caller, as a real one does.

The requests have the parameters, spellings and habits of real ones; the answers are held to the platform's own rules
(node_rules.py). And it fails as a real one does, which is open: where no valid answer comes within the time, the node
falls back to its own database, and in this one every alias has a room without a PIN. `admitted_by_fallback` says so.

It is the platform's side of the wire, and must never import what writes the answers.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from urllib.parse import quote, urlencode
from uuid import uuid4

from aiohttp import ClientError, ClientSession, ClientTimeout, encode_basic_auth
from yarl import URL

from plugin.shell.demo.node_rules import LOCATION, PARTICIPANT, SERVICE, Reading, Result, Verdict, dropped, read

TIMEOUT_SECONDS = 5.0
AVATAR = "participant/avatar"
# An app's conversation with its node has several steps, and each asks for the room again.
SERVICE_QUESTIONS = {"webrtc": ("api", "api", "webrtc"), "sip": ("sip",), "h323": ("h323",)}
# An app is two participants: one that talks to the API, and then one that has media.
PARTICIPANTS = {
    "webrtc": (("api", "api"), ("standard", "webrtc")),
    "sip": (("standard", "sip"),),
    "h323": (("standard", "h323"),),
}
TRIGGERS = {"api": "web", "webrtc": "web", "sip": "invite", "h323": "setup"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody who dials. `protocol` is `webrtc` (an app, which has no alias but its name), `sip` or `h323`."""

    alias: str
    display_name: str
    address: str
    remote_alias: str = ""
    protocol: str = "webrtc"
    call_tag: str = ""
    vendor: str = "Mozilla/5.0 (X11; Linux x86_64) Chrome/130.0.0.0 Safari/537.36"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question, and what the node made of the answer."""

    question: str
    reading: Reading
    milliseconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """The caller is in `room`, as `chair` (a Host) or `guest`."""

    room: str
    role: str
    display_name: str
    admitted_by_fallback: bool
    asked: tuple[Asked, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnedAway:
    """The caller is not in. `at` is the question, or the prompt, that they did not get past."""

    at: str
    reason: str
    asked: tuple[Asked, ...]


Outcome = Joined | TurnedAway


class Node:
    """A conferencing node with a policy profile: a URL, a name and a password."""

    def __init__(
        self,
        *,
        http: ClientSession,
        policy_url: str,
        username: str,
        password: str,
        configured: frozenset[str] = frozenset(),
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._http = http
        self._policy_url = policy_url
        self._headers = {"Authorization": encode_basic_auth(username, password)}
        self._configured = configured
        self._timeout = ClientTimeout(total=timeout_seconds)
        self._ports = count(50001)

    async def dial(self, caller: Caller) -> Outcome:
        """Let a caller dial, and return what became of them."""
        return await _Call(self, caller, port=next(self._ports)).join()

    async def ask(self, question: str, parameters: Mapping[str, str]) -> Reading:
        """Ask one question. Everything but a 200 with a valid answer, in time, leads to the node's own database."""
        url = URL(f"{self._policy_url}/policy/v1/{question}?{urlencode(parameters)}", encoded=True)
        try:
            async with self._http.get(
                url, headers=self._headers, timeout=self._timeout, allow_redirects=False
            ) as answer:
                body = await answer.read()
        except (ClientError, TimeoutError) as error:
            return dropped(f"no answer: {type(error).__name__}")
        if answer.status != 200:  # noqa: PLR2004 - HTTP's OK
            return dropped(f"the HTTP status is {answer.status}")
        if question.startswith(AVATAR):
            is_picture = answer.content_type == "image/jpeg"
            return Reading(verdict=Verdict.USED) if is_picture else dropped("the picture is not a JPEG")
        if answer.content_type != "application/json":
            return dropped(f"the content type is `{answer.content_type}`")
        return read(question, body, configured=self._configured)


class _Call:
    """One caller's way in. The steps change what is known of the call, as they do on a node."""

    def __init__(self, node: Node, caller: Caller, *, port: int) -> None:
        self._node = node
        self._caller = caller
        self._port = port
        self._call_uuid = str(uuid4())
        self._call_tag = caller.call_tag
        self._display_name = caller.display_name
        self._room: Result = {}
        self._role: str | None = None
        self._asked: list[Asked] = []
        self._admitted_by_fallback = False

    async def join(self) -> Outcome:
        """Ask all that a node asks, until somebody says no.

        1 the room   2 PIN and sign-in   3 the participants   4 place and picture
        """
        # 1 the room
        for protocol in SERVICE_QUESTIONS[self._caller.protocol]:
            reading = await self._ask(SERVICE, self._call_parameters(protocol))
            if reading.verdict is Verdict.REJECTED:
                return self._turned_away(at=SERVICE, reason="conference not found")
            self._enter_room(reading)

        # 2 PIN and sign-in; an app asks for them first, a SIP or H.323 device after the participant question
        if self._caller.protocol == "webrtc" and self._prompt():
            return self._turned_away(at=self._prompt(), reason="")

        # 3 the participants
        for participant_type, protocol in PARTICIPANTS[self._caller.protocol]:
            parameters = self._participant_parameters(protocol, participant_type=participant_type)
            reading = await self._ask(PARTICIPANT, parameters)
            if reading.verdict is Verdict.REJECTED:
                return self._turned_away(at=PARTICIPANT, reason=str(reading.result.get("reject_reason", "")))
            self._change_participant(reading)
        if self._prompt():
            return self._turned_away(at=self._prompt(), reason="")

        # 4 place and picture; whatever comes, it keeps nobody out
        await self._ask(LOCATION, self._location_parameters())
        await self._ask(f"{AVATAR}/{quote(self._caller.display_name, safe='')}", self._avatar_parameters())
        return Joined(
            room=str(self._room["name"]),
            role=str(self._role),
            display_name=self._display_name,
            admitted_by_fallback=self._admitted_by_fallback,
            asked=tuple(self._asked),
        )

    async def _ask(self, question: str, parameters: Mapping[str, str]) -> Reading:
        # The order of parameters means nothing, and a node does not keep one.
        turn = len(self._asked)
        shuffled = [*parameters.items()][turn:] + [*parameters.items()][:turn]
        began = time.perf_counter()
        reading = await self._node.ask(question, dict(shuffled))
        took = (time.perf_counter() - began) * 1000
        self._asked.append(Asked(question=question, reading=reading, milliseconds=took))
        return reading

    def _enter_room(self, reading: Reading) -> None:
        if reading.verdict is Verdict.FALLBACK:
            self._admitted_by_fallback = True
            self._room = {"name": self._caller.alias, "service_tag": ""}
        else:
            self._room = reading.result
        self._role = _role_on_arrival(self._room)

    def _change_participant(self, reading: Reading) -> None:
        self._admitted_by_fallback |= reading.verdict is Verdict.FALLBACK
        changes = reading.result
        self._role = str(changes["preauthenticated_role"]) if changes.get("preauthenticated_role") else self._role
        self._call_tag = str(changes.get("call_tag", self._call_tag))
        self._display_name = str(changes.get("remote_display_name", self._display_name))

    def _prompt(self) -> str:
        """Return what still stands between the caller and the room; these callers know no PIN and no password."""
        if self._role is None:
            return "PIN"
        group = "host_identity_provider_group" if self._role == "chair" else "guest_identity_provider_group"
        return "single sign-on" if group in self._room else ""

    def _turned_away(self, *, at: str, reason: str) -> TurnedAway:
        return TurnedAway(at=at, reason=reason, asked=tuple(self._asked))

    def _call_parameters(self, protocol: str) -> dict[str, str]:
        caller = self._caller
        return {
            "call_direction": "dial_in",
            "protocol": protocol,
            "bandwidth": "0",
            "vendor": caller.vendor,
            "encryption": "On",
            "registered": "False",
            "trigger": TRIGGERS[protocol],
            "remote_display_name": caller.display_name,
            "remote_alias": caller.remote_alias or caller.display_name,
            "remote_address": caller.address,
            "remote_port": str(self._port),
            "call_tag": self._call_tag,
            "idp_uuid": "",
            "has_authenticated_display_name": "False",
            "supports_direct_media": "False",
            "teams_tenant_id": "",
            "location": "Oslo",
            "node_ip": "127.0.0.1",
            "version_id": "39",
            "pseudo_version_id": "81234.0.0",
            "local_alias": caller.alias,
        }

    def _room_parameters(self) -> dict[str, str]:
        name = str(self._room["name"])
        return {"unique_service_name": name, "service_name": name, "service_tag": str(self._room["service_tag"])}

    def _participant_parameters(self, protocol: str, *, participant_type: str) -> dict[str, str]:
        return {
            **self._call_parameters(protocol),
            **self._room_parameters(),
            # Before its PIN a device has no role.
            "preauthenticated_role": (self._role or "") if self._caller.protocol == "webrtc" else "",
            "bypass_lock": "False",
            "receive_from_audio_mix": "main",
            "display_count": "",
            "participant_type": participant_type,
            "participant_uuid": str(uuid4()),
            "call_uuid": self._call_uuid,
            "breakout_uuid": "",
            "send_to_audio_mixes_mix_name": "main",
            "send_to_audio_mixes_prominent": "False",
        }

    def _location_parameters(self) -> dict[str, str]:
        return {
            **self._call_parameters(self._caller.protocol),
            **self._room_parameters(),
            "proxy_node_address": "",
            "proxy_node_location": "",
            "request_id": self._call_uuid[:8],
        }

    def _avatar_parameters(self) -> dict[str, str]:
        return {
            **self._call_parameters(self._caller.protocol),
            **self._room_parameters(),
            "height": "100",
            "width": "100",
            "role": str(self._role),
        }


def _role_on_arrival(room: Result) -> str | None:
    """Without a PIN everybody is a Host; with one, guests who need none are Guests; else a PIN has to be entered."""
    if "pin" not in room:
        return "chair"
    if room.get("allow_guests") and "guest_pin" not in room:
        return "guest"
    return None
