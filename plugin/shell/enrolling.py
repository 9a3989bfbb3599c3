"""The JSON doors for devices: to enrol one, and to look after one's own.

Who asks is told by a token of somebody who has just signed in: in the body to enrol, else as `Authorization: Bearer`.
A refusal has a reason that the person can act on, and a reference by which its line in the log is found.
"""

import logging
import secrets
from functools import partial

from aiohttp import web

from plugin.core.decision import Deny, because
from plugin.core.device import DeviceState
from plugin.core.errors import Refused
from plugin.flow.enrolment import Application
from plugin.platforms import generic, generic_enrolment
from plugin.ports import Json
from plugin.shell.gate import Gate, House, Lane
from plugin.shell.generic_door import NO_STORE, Arrival, Handler, answer_client, write_challenge
from plugin.shell.metering import marked
from plugin.shell.rate import RateLimit

log = logging.getLogger(__name__)

DEVICES = "devices"


class EnrolmentDoor:
    """`/v1/enrolments` and `/v1/devices`. They share what clients may ask within a minute."""

    def __init__(self, *, gate: Gate, limit: RateLimit) -> None:
        self._gate = gate
        self._limit = limit
        self._lane = Lane(gate=gate, name=DEVICES, most=10, patience=0.5)

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The way through this door."""
        return (self._lane,)

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.post("/v1/enrolments/challenges", partial(self._open, self._begin)),
            web.post("/v1/enrolments", partial(self._open, self._enrol)),
            web.get("/v1/devices", partial(self._open, self._list)),
            web.patch("/v1/devices/{device}", partial(self._open, self._change)),
            web.delete("/v1/devices/{device}", partial(self._open, self._revoke)),
        ]

    async def _open(self, answer: Handler, request: web.Request) -> web.Response:
        return await answer_client(
            partial(_answer, answer),
            request,
            gate=self._gate,
            limit=self._limit,
            lane=self._lane,
            with_body=request.method in {"POST", "PATCH"},
        )

    async def _begin(self, _request: web.Request, body: Json, *, house: House) -> web.Response:
        evidence_format, payload = generic_enrolment.read_begin(body)
        begun = await house.enrolment.begin(evidence_format, payload=payload)
        answer = {**write_challenge(begun.challenge), "answer": begun.answer}
        return web.json_response(answer, status=201, headers=NO_STORE)

    async def _enrol(self, _request: web.Request, body: Json, *, house: House) -> web.Response:
        wish = generic_enrolment.read_enrol(body)
        device = await house.enrolment.enrol(
            Application(
                unverified_token=wish.unverified_token,
                evidence=wish.evidence,
                name=wish.name,
                invitation=wish.invitation,
            )
        )
        return web.json_response(generic_enrolment.write_device(device), status=201, headers=NO_STORE)

    async def _list(self, request: web.Request, _body: Json, *, house: House) -> web.Response:
        devices = await house.keeping.list(_token(request))
        return web.json_response({"devices": list(map(generic_enrolment.write_device, devices))}, headers=NO_STORE)

    async def _change(self, request: web.Request, body: Json, *, house: House) -> web.Response:
        change, device_id = generic_enrolment.read_change(body), request.match_info["device"]
        if isinstance(change, DeviceState):
            device = await house.keeping.give_up(_token(request), device_id, state=change)
        else:
            device = await house.keeping.rename(_token(request), device_id, name=change)
        return web.json_response(generic_enrolment.write_device(device), headers=NO_STORE)

    async def _revoke(self, request: web.Request, _body: Json, *, house: House) -> web.Response:
        device = await house.keeping.give_up(_token(request), request.match_info["device"], state=DeviceState.REVOKED)
        return web.json_response(generic_enrolment.write_device(device), headers=NO_STORE)


async def _answer(answer: Handler, arrival: Arrival, body: Json, *, house: House) -> web.Response:
    """Answer, or refuse with a reason and a reference."""
    try:
        return await answer(arrival.request, body, house=house)
    except Refused as refused:
        reference = f"enr_{secrets.token_hex(8)}"
        fields = {"reference": reference, "reason": refused.reason.code, "detail": refused.detail}
        log.info("device refused", extra=fields)
        decision = Deny(reasons=(because(refused.reason),))
        refusal = generic.write(decision, decision_id=reference, trace_id="")
        return marked(web.json_response(refusal, status=403, headers=NO_STORE), said=refusal)


def _token(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not 0 < len(token) <= generic.MAX_TOKEN:
        raise generic.BadRequest("Authorization", "expected `Bearer` with an ID token")
    return token.strip()
