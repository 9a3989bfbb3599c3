"""The door for Pexip Infinity: policy questions over HTTP, each answered with a 200 and an explicit action.

Pexip falls back to its own database on anything else, so there is no 4xx here, except the 401 that a setting may ask
for, and the 404 by which Pexip draws its own placeholder for an avatar. Who asks is looked at before what is asked.
"""

import hmac
import logging
from base64 import b64decode
from collections.abc import Mapping
from functools import partial

from aiohttp import web

from plugin.core.address import is_within
from plugin.core.reasons import Reason
from plugin.platforms.pexip import Endpoint, PexipSettings
from plugin.shell.arrival import budget_of
from plugin.shell.gate import Gate, House, Lane
from plugin.shell.http import explicit, recognise
from plugin.shell.metering import QUESTION, REASON, marked
from plugin.shell.metrics import UNREADABLE
from plugin.shell.pexip_desk import PexipDesk, Question, Said, endpoint_of, question_of, refusal
from plugin.shell.source import source_of

log = logging.getLogger(__name__)

# Joins have a lane of their own: nobody is kept from one by pictures, or by devices that register again and again.
# Pictures and registrations give way first, and a join last: when nothing is left for its proofs.
JOINS, REGISTRATIONS, OTHERS = "pexip-joins", "pexip-registrations", "pexip-others"


class PexipDoor:
    """Answers everything below `<path_prefix>/policy/`, where the configuration has a `[pexip]` table."""

    def __init__(self, *, gate: Gate) -> None:
        self._gate = gate
        self._desk = PexipDesk()
        joins = Lane(gate=gate, name=JOINS, most=100, patience=1.8)
        registrations = Lane(gate=gate, name=REGISTRATIONS, most=20, patience=0.75)
        others = Lane(gate=gate, name=OTHERS, most=20, patience=0.5)
        self._lanes = {Endpoint.SERVICE: joins, Endpoint.PARTICIPANT: joins, Endpoint.REGISTRATION: registrations}
        self._lanes |= dict.fromkeys((Endpoint.LOCATION, Endpoint.AVATAR, Endpoint.DIRECTORY), others)

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The ways through this door."""
        return self._lanes[Endpoint.SERVICE], self._lanes[Endpoint.REGISTRATION], self._lanes[Endpoint.AVATAR]

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return the one route: every method and every path, so that nothing is ever left to the platform.

        It stands after all others. What has nothing to do with policy is a 404.
        """
        return [web.route("*", r"/{path:[\s\S]*}", self.handle, expect_handler=_expect_nothing)]

    async def handle(self, request: web.Request) -> web.Response:
        budget = budget_of(request)
        # Nothing is waited for between here and the lane: who asks is told by the configuration of the house that
        # answers.
        config = self._gate.config
        entry = config.pexip
        if entry is None or "/policy" not in request.path:
            raise web.HTTPNotFound
        # A profile's URL that ends in a slash makes the path begin with two.
        path = "/" + request.path.lstrip("/")
        endpoint = endpoint_of(path.removeprefix(entry.path_prefix))
        request[QUESTION] = endpoint.name.lower() if endpoint else UNREADABLE
        refuse = partial(_refuse, endpoint)
        if request.method != "GET" or endpoint is None:
            return refuse(Reason.REQUEST_MALFORMED)
        source = source_of(request, proxies=config.proxies)
        if entry.sources and not is_within(source, entry.sources):
            log.error("policy question from an unlisted source", extra={"source": source})
            return refuse(Reason.CALLER_UNAUTHENTICATED)
        credential = _credential(request, known=entry.credentials)
        if credential is None:
            if entry.challenge and "Authorization" not in request.headers:
                return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="vestibule"'})
            log.error("policy question without valid credentials", extra={"source": source})
            return refuse(Reason.CALLER_UNAUTHENTICATED)
        recognise(request)
        if credential:
            log.info("policy question", extra={"endpoint": endpoint.value, "credential": credential})
        with self._lanes[endpoint].enter(waited=budget.spent()) as house:
            if isinstance(house, Reason):
                return refuse(house)
            raw_path, raw_query = request.raw_path.partition("?")[0], request.rel_url.raw_query_string
            question = question_of(raw_path, raw_query, endpoint=endpoint, budget=budget, credential=credential)
            answer = self._answer(question, house=house, settings=entry.settings)
            return await explicit(answer, otherwise=refuse, seconds=budget.due())

    async def _answer(self, question: Question, *, house: House, settings: PexipSettings) -> web.Response:
        return _respond(await self._desk.answer(question, house=house, settings=settings))


def _credential(request: web.Request, *, known: Mapping[str, bytes]) -> str | None:
    """Say by which credential the platform is recognised: empty where it has one only, None by none."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    try:
        given = b64decode(text.strip(), validate=True) if scheme.lower() == "basic" else b""
    except ValueError:
        given = b""
    # All are compared, so that the time it takes does not tell which one is nearly right.
    right = [name for name, secret in known.items() if hmac.compare_digest(given, secret)]
    return right[0] if right else None


async def _expect_nothing(_request: web.Request) -> None:
    """Let a question pass whatever its `Expect` header says: a 417 would be no answer."""


def _refuse(endpoint: Endpoint | None, reason: Reason) -> web.Response:
    response = _respond(refusal(endpoint, reason))
    response[REASON] = reason.code
    return response


def _respond(said: Said) -> web.Response:
    if said is None:
        return web.Response(status=404)
    if isinstance(said, bytes):
        return web.Response(body=said, content_type="image/jpeg")
    return marked(web.json_response(said), said=said)
