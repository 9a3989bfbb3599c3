"""A simulated conferencing node of Pexip Infinity: it asks a policy server about each caller, as a real one does.

The requests have the parameters, spellings and habits of real ones (node_calls.py), and come in their order
(node_joins.py); the answers are held to the platform's own rules (node_rules.py). And it fails as a real one does,
which is open: where no valid answer comes within the time, the node falls back to its own database, and in this one
every alias has a room without a PIN. `admitted_by_fallback` says so.

It is the platform's side of the wire, and must never import what writes the answers.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from urllib.parse import urlencode
from uuid import uuid4

from aiohttp import ClientError, ClientSession, ClientTimeout, encode_basic_auth
from yarl import URL

from plugin.shell.demo.node_calls import (
    Call,
    Caller,
    Parameters,
    SsoAccount,
    breakout_parameters,
    probe_parameters,
)
from plugin.shell.demo.node_fields import Result
from plugin.shell.demo.node_joins import PICTURE, Asked, Joined, Joining, Outcome, TurnedAway
from plugin.shell.demo.node_pictures import problem_of_picture
from plugin.shell.demo.node_rules import AVATAR, SERVICE, Reading, Verdict, dropped, read

__all__ = ["Asked", "Caller", "Joined", "Node", "Outcome", "SsoAccount", "TurnedAway"]

TIMEOUT_SECONDS = 5.0


class Node:
    """A conferencing node with a policy profile: a URL, a name and a password.

    `configured` are the names of locations, themes and groups of identity providers. `dead_man` = a local policy
    rejects what the policy server has not let pass. `database` are rooms of the node's own, by alias.
    """

    def __init__(
        self,
        *,
        http: ClientSession,
        policy_url: str,
        username: str,
        password: str,
        configured: frozenset[str] = frozenset(),
        timeout_seconds: float = TIMEOUT_SECONDS,
        dead_man: bool = False,
        database: Mapping[str, Result] | None = None,
    ) -> None:
        self._http = http
        self._policy_url = policy_url
        self._headers = {"Authorization": encode_basic_auth(username, password)}
        self._configured = configured
        self._timeout = ClientTimeout(total=timeout_seconds)
        self._dead_man = dead_man
        self._database = database or {}
        self._ports = count(50001)

    async def dial(self, caller: Caller) -> Outcome:
        """Let a caller dial, and return what became of them."""
        return await self._joining(self._call(caller)).enter()

    async def transfer(self, joined: Joined, *, to: str, call_tag: str | None = None) -> Outcome:
        """Move somebody into another conference: the same call, signed in as before, asks for another room.

        The tag stays what the answers made of it, unless the app comes back with one of its own.
        """
        call = joined.call
        moved = replace(
            call,
            caller=replace(call.caller, alias=to),
            call_tag=call.call_tag if call_tag is None else call_tag,
            previous_service=joined.room,
            room={},
            role=None,
        )
        return await self._joining(moved).enter()

    async def dial_out(self, joined: Joined, *, to: Caller) -> Outcome:
        """Let the room call somebody, who becomes a guest there. It is the only way in by RTMP."""
        call = replace(self._call(to), direction="dial_out", room=joined.call.room, role="guest")
        return await self._joining(call).call_out()

    async def open_breakout(self, joined: Joined, *, uuid: str) -> Reading:
        """Ask for a breakout room as a node does for a Host, whatever the main room's answer said."""
        return await self.ask(SERVICE, breakout_parameters(joined.call, uuid=uuid))

    async def probe(self, caller: Caller, *, trigger: str) -> Reading:
        """Ask whether an alias exists, for a SIP `options` or `subscribe` or an H.323 `lrq`. Nobody joins."""
        return await self.ask(SERVICE, probe_parameters(self._call(caller), trigger=trigger))

    async def ask(self, question: str, parameters: Parameters) -> Reading:
        """Ask one question. Everything but a 200 with a valid answer, in time, leads to the node's own database."""
        url = URL(f"{self._policy_url}/policy/v1/{question}?{urlencode(parameters, doseq=True)}", encoded=True)
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
            return _read_picture(body, content_type=answer.content_type)
        if answer.content_type != "application/json":
            return dropped(f"the content type is `{answer.content_type}`")
        return read(question, body, configured=self._configured)

    def _call(self, caller: Caller) -> Call:
        return Call(caller=caller, uuid=str(uuid4()), port=next(self._ports), call_tag=caller.call_tag)

    def _joining(self, call: Call) -> Joining:
        return Joining(self.ask, call, database=self._database, dead_man=self._dead_man)


def _read_picture(picture: bytes, *, content_type: str) -> Reading:
    if content_type != "image/jpeg":
        return dropped(f"the content type is `{content_type}`")
    problem = problem_of_picture(picture, width=PICTURE, height=PICTURE)
    return dropped(problem) if problem else Reading(verdict=Verdict.USED)
