"""The door for Pexip Infinity: policy questions over HTTP, each answered with a 200 and an explicit action.

Pexip falls back to its own database on anything else, so there is no 4xx here, except the 401 that a setting may ask
for, and the 404 by which Pexip draws its own placeholder for an avatar.
"""

import hmac
import logging
import re
import secrets
import time
from base64 import b64decode
from collections.abc import Mapping
from functools import partial
from urllib.parse import parse_qsl

from aiohttp import web

from plugin.core.decision import Decision
from plugin.core.join import JoinRequest
from plugin.core.reasons import Reason
from plugin.platforms import pexip, pexip_answers, pexip_questions
from plugin.platforms.pexip import Endpoint, LeftToPlatform, NotAJoin, PexipSettings
from plugin.platforms.pexip_rooms import PexipRooms
from plugin.ports import Json
from plugin.shell.config_platforms import PexipEntry
from plugin.shell.gate import Gate, House, Lane
from plugin.shell.http import explicit
from plugin.shell.source import IpNetwork, is_within, source_of

log = logging.getLogger(__name__)

MAX_PARAMETERS = 200
MOST_AT_ONCE = 100
_DIGITS = "0123456789"


class PexipDoor:
    """Answers everything below `<path_prefix>/policy/`."""

    def __init__(self, entry: PexipEntry, *, gate: Gate, proxies: tuple[IpNetwork, ...]) -> None:
        self._entry = entry
        self._proxies = proxies
        self._lane = Lane(gate=gate, most=MOST_AT_ONCE)
        self._credential = f"{entry.username}:{entry.password}".encode()

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return the one route: every method and every path, so that nothing is ever left to the platform.

        It stands after all others. What has nothing to do with policy is a 404.
        """
        return [web.route("*", r"/{path:[\s\S]*}", self.handle, expect_handler=_expect_nothing)]

    async def handle(self, request: web.Request) -> web.Response:
        if "/policy" not in request.path:
            raise web.HTTPNotFound
        # A profile's URL that ends in a slash makes the path begin with two.
        path = "/" + request.path.lstrip("/")
        endpoint = _endpoint(path.removeprefix(self._entry.path_prefix))
        refuse = partial(_refuse, endpoint)
        if request.method != "GET" or endpoint is None:
            return refuse(Reason.REQUEST_MALFORMED)
        source = source_of(request, proxies=self._proxies)
        if self._entry.sources and (source is None or not is_within(source, self._entry.sources)):
            log.error("policy question from an unlisted source", extra={"source": source})
            return refuse(Reason.CALLER_UNAUTHENTICATED)
        if not self._is_authenticated(request):
            if self._entry.challenge and "Authorization" not in request.headers:
                return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="vestibule"'})
            log.error("policy question without valid credentials", extra={"source": source})
            return refuse(Reason.CALLER_UNAUTHENTICATED)
        with self._lane.enter() as house:
            if isinstance(house, Reason):
                return refuse(house)
            return await explicit(self._answer(request, endpoint, house=house), otherwise=refuse)

    async def _answer(self, request: web.Request, endpoint: Endpoint, *, house: House) -> web.Response:
        since = time.time_ns()
        params = _parameters(request.rel_url.raw_query_string)
        if params is None:
            return _refuse(endpoint, Reason.REQUEST_MALFORMED)
        read = pexip_questions.read(endpoint, params, settings=self._entry.settings, now=house.clock())
        if isinstance(read, LeftToPlatform):
            return web.json_response(pexip.LEAVE)
        if isinstance(read, NotAJoin):
            return _refuse(endpoint, read.reason)
        platform = PexipAnswers(rooms=house.rooms, settings=self._entry.settings)
        answer = await house.admission.answer(read, platform=platform, read_since=since)
        return web.json_response(answer.body)

    def _is_authenticated(self, request: web.Request) -> bool:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            return hmac.compare_digest(b64decode(text.strip(), validate=True), self._credential)
        except ValueError:
            return False


class PexipAnswers:
    """The answering side: what the rooms can keep people from, and how a decision is said."""

    def __init__(self, *, rooms: PexipRooms, settings: PexipSettings) -> None:
        self._rooms = rooms
        self._settings = settings

    def honour(self, join: JoinRequest, decision: Decision) -> Decision:
        return pexip_answers.honour(join, decision, rooms=self._rooms)

    def write(self, join: JoinRequest, decision: Decision, *, decision_id: str, trace_id: str) -> Json:
        body = pexip_answers.write(
            join,
            decision,
            rooms=self._rooms,
            decision_id=decision_id,
            random_pin=random_pin,
            settings=self._settings,
        )
        return {**body, "trace_id": trace_id}


def random_pin(length: int) -> str:
    """Draw a PIN that nobody is told."""
    return "".join(secrets.choice(_DIGITS) for _ in range(length))


async def _expect_nothing(_request: web.Request) -> None:
    """Let a question pass whatever its `Expect` header says: a 417 would be no answer."""


def _endpoint(path: str) -> Endpoint | None:
    match re.sub("^/+", "/", path).split("/")[1:]:
        case ["policy", "v1", "service", "configuration"]:
            return Endpoint.SERVICE
        case ["policy", "v1", "participant", "properties"]:
            return Endpoint.PARTICIPANT
        case ["policy", "v1", "participant", "location"]:
            return Endpoint.LOCATION
        case ["policy", "v1", "participant", "avatar", *_]:
            return Endpoint.AVATAR
        case ["policy", "v1", "registrations"]:
            return Endpoint.DIRECTORY
        case ["policy", "v1", "registrations", *_]:
            return Endpoint.REGISTRATION
    return None


def _parameters(raw_query: str) -> Mapping[str, tuple[str, ...]] | None:
    """Decode the query; None where it cannot be decoded. Repeated parameters are kept, in order."""
    try:
        pairs = parse_qsl(raw_query, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except ValueError:
        return None
    params: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        params[name] = (*params.get(name, ()), value)
    return params


def _refuse(endpoint: Endpoint | None, reason: Reason) -> web.Response:
    """Answer the endpoint's safe constant; `reason` is an envelope key that Pexip ignores and logs."""
    body = pexip.SAFE_ANSWERS[endpoint] if endpoint else pexip.REJECT
    if body is None:
        return web.Response(status=404)
    return web.json_response({**body, "reason": reason.code})
