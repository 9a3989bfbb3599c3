"""The JSON doors: challenges and tickets for clients, joins for platforms that authenticate themselves.

A 4xx means that the request itself is at fault, and names the field. A refusal of a person is an answer, not an error.
"""

import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

from aiohttp import web

from plugin.core import base64url
from plugin.core.decision import Decision, Deny, because
from plugin.core.enforcement import Enforcement
from plugin.core.errors import Unavailable
from plugin.core.join import JoinRequest
from plugin.core.reasons import Reason
from plugin.core.transcript import VERSION, Purpose
from plugin.flow.budget import Budget
from plugin.flow.challenges import Challenge
from plugin.flow.exchange import Refusal
from plugin.jose.strict_json import read_object
from plugin.platforms import generic
from plugin.platforms.generic import BadRequest, NotEntitled
from plugin.ports import Json
from plugin.shell.arrival import budget_of
from plugin.shell.client_certificate import client_certificate_of
from plugin.shell.config_platforms import CallerEntry
from plugin.shell.gate import Gate, House, Lane
from plugin.shell.http import explicit, recognise
from plugin.shell.metering import REASON, marked
from plugin.shell.rate import RateLimit
from plugin.shell.source import source_of

log = logging.getLogger(__name__)

NO_STORE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
BEARER = {"WWW-Authenticate": "Bearer"}
CLIENTS, CALLERS = "clients", "callers"
MAX_VALUES = 5_000
NOTHING: Mapping[str, str] = {}

Handler = Callable[..., Awaitable[web.Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A request whose body may still be on its way, and the time that there is for the answer."""

    request: web.Request
    budget: Budget


class GenericAnswers:
    """The answering side: plain JSON, which leaves every restriction to the platform as an obligation."""

    def __init__(self, enforcement: Enforcement) -> None:
        self._enforcement = enforcement

    def honour(self, _join: JoinRequest, decision: Decision) -> Decision:
        return generic.honour(decision, enforcement=self._enforcement)

    def write(self, _join: JoinRequest, decision: Decision, *, decision_id: str, trace_id: str) -> Json:
        return generic.write(decision, decision_id=decision_id, trace_id=trace_id)

    def told(self, _join: JoinRequest, decision: Decision) -> str:
        return generic.told(decision)


class GenericDoor:
    """`POST /v1/challenges`, `POST /v1/tickets` and `POST /v1/joins`.

    Who asks is told by the configuration that counts at that moment; and whom to believe is looked up again in the
    house that answers, since a body can be sent slowly, across a change of both.
    """

    def __init__(self, *, gate: Gate, limit: RateLimit) -> None:
        self._gate = gate
        self._limit = limit
        # Clients are strangers until they have proven something, so there is less room for them than for platforms.
        self._clients = Lane(gate=gate, name=CLIENTS, most=25, patience=0.5)
        self._platforms = Lane(gate=gate, name=CALLERS, most=100, patience=1.0)

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The ways through this door."""
        return self._clients, self._platforms

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.post("/v1/challenges", partial(self._open, self._challenge)),
            web.route("*", "/v1/challenges", _only_post),
            web.post("/v1/tickets", partial(self._open, self._ticket)),
            web.route("*", "/v1/tickets", _only_post),
            web.post("/v1/joins", self._join),
            web.route("*", "/v1/joins", _only_post),
        ]

    async def _open(self, answer: Handler, request: web.Request) -> web.Response:
        return await answer_client(answer, request, gate=self._gate, limit=self._limit, lane=self._clients)

    async def _challenge(self, _arrival: Arrival, body: Json, *, house: House) -> web.Response:
        alias = generic.read_challenge(body)
        challenge = await house.challenges.issue(alias, purpose=Purpose.JOIN)
        return web.json_response(write_challenge(challenge), status=201, headers=NO_STORE)

    async def _ticket(self, arrival: Arrival, body: Json, *, house: House) -> web.Response:
        certifying = house.config.proxies if house.config.client_certificates else ()
        certificate = client_certificate_of(arrival.request, certifying=certifying)
        join = generic.read_ticket(body, client_certificate=certificate, now=house.clock())
        issued = await house.exchange.issue(join, budget=arrival.budget)
        if isinstance(issued, Refusal):
            record = issued.record
            refusal = generic.write(issued.decision, decision_id=record.decision_id, trace_id=record.trace_id)
            return marked(web.json_response(refusal, status=403, headers=NO_STORE), said=refusal)
        answer = {"ticket": issued.secret, "expires_at": issued.expires_at.isoformat()}
        return web.json_response(answer, status=201, headers=NO_STORE)

    async def _join(self, request: web.Request) -> web.Response:
        budget, config = budget_of(request), self._gate.config
        source = source_of(request, proxies=config.proxies)
        caller = _caller_of(request, callers=config.callers)
        if caller is None and not self._limit.allows(source, per_minute=config.requests_per_minute):
            return _too_many()
        if caller is None:
            log.error("join without a valid bearer token", extra={"source": source})
            return _unauthenticated()
        recognise(request)
        answer = partial(self._answer_join, Arrival(request=request, budget=budget))
        asked = ask(answer, request, lane=self._platforms, waited=budget.spent())
        return await explicit(explained(asked), otherwise=denied, seconds=budget.due())

    async def _answer_join(self, arrival: Arrival, body: Json, *, house: House) -> web.Response:
        caller = _caller_of(arrival.request, callers=house.config.callers)
        if caller is None:  # its token was taken away while it sent the body
            return _unauthenticated()
        join = generic.read_join(body, caller=caller.rights, now=house.clock())
        platform = GenericAnswers(caller.rights.enforcement)
        trace = _traceparent(arrival.request) if caller.traces else None
        answer = await house.admission.answer(join, platform=platform, budget=arrival.budget, caller_trace=trace)
        return marked(web.json_response(answer.body, headers=NO_STORE), said=answer.body)


def _caller_of(request: web.Request, *, callers: tuple[CallerEntry, ...]) -> CallerEntry | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    found = None
    for caller in callers:  # every one is compared, so that the time tells nothing
        if hmac.compare_digest(token.strip().encode(errors="replace"), caller.token.encode()):
            found = caller
    return found if scheme.lower() == "bearer" else None


async def _only_post(request: web.Request) -> web.Response:
    return error(405, message=f"got {request.method}, expected POST", headers={"Allow": "POST"})


def _traceparent(request: web.Request) -> str | None:
    """Return the one `traceparent`. Of several, nobody knows whose each is (W3C Trace Context 3.2.1: at most one)."""
    texts = request.headers.getall("traceparent", [])
    return texts[0] if len(texts) == 1 else None


async def answer_client(
    answer: Handler,
    request: web.Request,
    *,
    gate: Gate,
    limit: RateLimit,
    lane: Lane,
    with_body: bool = True,
) -> web.Response:
    """Have anybody answered, as often as the configuration says: `answer` gets the arrival, the body and the house."""
    budget, config = budget_of(request), gate.config
    source = source_of(request, proxies=config.proxies)
    if not limit.allows(source, per_minute=config.requests_per_minute):
        return _too_many()
    asking = ask if with_body else ask_without_body
    arrival = Arrival(request=request, budget=budget)
    asked = asking(partial(answer, arrival), request, lane=lane, waited=budget.spent())
    return await explicit(explained(asked), otherwise=denied, seconds=budget.due())


def write_challenge(challenge: Challenge) -> dict[str, object]:
    """Write the parts of what a device is to sign."""
    transcript = challenge.transcript
    return {
        "challenge_id": challenge.id,
        "version": VERSION,
        "purpose": transcript.purpose.value,
        "tenant": transcript.tenant,
        "origin": transcript.origin,
        "conference": transcript.conference,
        "nonce": base64url.encode(transcript.nonce),
        "expires_at": challenge.expires_at.isoformat(),
    }


async def ask(answer: Handler, request: web.Request, *, lane: Lane, waited: float) -> web.Response:
    """Answer one request. Its body is read first: who sends it slowly holds nobody up, and has not waited for us."""
    body = await _body(request)
    with lane.enter(waited=waited) as house:
        return denied(house) if isinstance(house, Reason) else await answer(body, house=house)


async def ask_without_body(answer: Handler, _request: web.Request, *, lane: Lane, waited: float) -> web.Response:
    """Answer one request whose method has no body."""
    with lane.enter(waited=waited) as house:
        return denied(house) if isinstance(house, Reason) else await answer({}, house=house)


async def _body(request: web.Request) -> dict[str, object]:
    """Read a JSON object, strictly: a member that stands twice could hide one of two meanings."""
    try:
        raw = await request.read()
        # Counted before it is parsed: many small values take long, and whoever sends them has proven nothing yet.
        if sum(map(raw.count, (b",", b"{", b"["))) > MAX_VALUES:
            raise BadRequest("body", f"got too many values, expected at most {MAX_VALUES}")
        return read_object(raw)
    except web.HTTPRequestEntityTooLarge:
        raise BadRequest("body", f"got more than {request.client_max_size} bytes") from None
    except ValueError as error:
        raise BadRequest("body", str(error)) from None


async def explained(answer: Awaitable[web.Response]) -> web.Response:
    """Turn a caller's mistakes into 4xx, and a store that does not answer into an explicit refusal."""
    try:
        return await answer
    except BadRequest as bad:
        return error(400, field=bad.field, message=bad.message)
    except NotEntitled as foreign:
        return error(403, field=foreign.field, message=foreign.message)
    except Unavailable as unavailable:
        return denied(unavailable.reason)


def error(status: int, *, message: str, field: str = "", headers: Mapping[str, str] = NOTHING) -> web.Response:
    """Say what is at fault with a request."""
    body = {"error": {"field": field, "message": message}}
    return web.json_response(body, status=status, headers={**NO_STORE, **headers})


def _too_many() -> web.Response:
    return error(429, message="too many requests from this address", headers={"Retry-After": "60"})


def _unauthenticated() -> web.Response:
    return error(401, message="expected `Authorization: Bearer` with a caller's token", headers=BEARER)


def denied(reason: Reason) -> web.Response:
    """Refuse because this house cannot answer: nobody is admitted by a failure."""
    body = generic.write(Deny(reasons=(because(reason),)), decision_id="", trace_id="")
    response = web.json_response(body, status=503, headers=NO_STORE)
    response[REASON] = reason.code
    return response
