"""`/enrol`: the page on which somebody signs in and registers a device, and the sign-in behind it.

A token is in the body of one answer to the page's own script and nowhere else: in no URL, cookie, storage or document.
Another origin can neither begin a sign-in here nor finish one.
"""

import logging
from functools import partial
from pathlib import Path

from aiohttp import web

from plugin.core.decision import Deny, because
from plugin.core.errors import Refused
from plugin.flow.sign_in import Answer
from plugin.platforms import generic
from plugin.platforms.generic import MAX_SHORT, MAX_TOKEN, check_members, read_text
from plugin.ports import Json
from plugin.shell.config import WEBAUTHN
from plugin.shell.gate import Gate, House, Lane
from plugin.shell.generic_door import NO_STORE, Arrival, Handler, answer_client, error
from plugin.shell.metering import marked
from plugin.shell.rate import RateLimit

log = logging.getLogger(__name__)

PORTAL = "portal"
FILES = Path(__file__).parent / "page"
PAGE = ("index.html", "text/html")
PARTS = {
    "/enrol": PAGE,
    "/enrol/callback": PAGE,
    "/enrol/style.css": ("style.css", "text/css"),
    "/enrol/enrol.js": ("enrol.js", "text/javascript"),
    "/enrol/doors.js": ("doors.js", "text/javascript"),
}
# The prefix has browsers insist on Secure, on the path `/` and on this very host (RFC 6265bis 4.1.3.2).
COOKIE = "__Host-vestibule-sign-in"
HEADERS = {
    **NO_STORE,
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "publickey-credentials-create=(self), publickey-credentials-get=()",
    "X-Content-Type-Options": "nosniff",
}


class PortalDoor:
    """The page's files, and the two steps of a sign-in. Where nobody can sign in, there is no page."""

    def __init__(self, *, gate: Gate, limit: RateLimit) -> None:
        self._gate = gate
        self._limit = limit
        self._lane = Lane(gate=gate, name=PORTAL, most=10, patience=0.5)

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The way through this door."""
        return (self._lane,)

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            *(web.get(path, partial(self._file, name, kind)) for path, (name, kind) in PARTS.items()),
            web.get("/enrol/providers", self._providers),
            web.post("/enrol/sign-in", partial(self._open, self._begin)),
            web.post("/enrol/token", partial(self._open, self._finish)),
        ]

    async def _file(self, name: str, kind: str, _request: web.Request) -> web.StreamResponse:
        if not self._gate.config.portal:
            return error(404, message="nobody can sign in here")
        return web.FileResponse(FILES / name, headers={**HEADERS, "Content-Type": f"{kind}; charset=utf-8"})

    async def _providers(self, _request: web.Request) -> web.Response:
        told = [{"issuer": entry.client.issuer, "label": entry.label} for entry in self._gate.config.portal]
        return web.json_response({"providers": told}, headers=HEADERS)

    async def _open(self, answer: Handler, request: web.Request) -> web.Response:
        return await answer_client(
            partial(_answer, answer), request, gate=self._gate, limit=self._limit, lane=self._lane
        )

    async def _begin(self, _request: web.Request, body: Json, *, house: House) -> web.Response:
        """Make the challenge of an enrolment, and say where its person signs in."""
        check_members(body, known=frozenset({"issuer"}))
        issuer = read_text(body, "issuer", most=MAX_TOKEN, least=1)
        begun = await house.enrolment.begin(WEBAUTHN, payload={})
        # One secret for each sign-in: who got hold of an older one has nothing.
        browser = house.sign_ins.secret()
        url = await house.sign_ins.begin(issuer, nonce=begun.challenge.id, browser=browser)
        response = web.json_response({"url": url}, headers=HEADERS)
        response.set_cookie(COOKIE, browser, path="/", max_age=600, secure=True, httponly=True, samesite="Lax")
        return response

    async def _finish(self, request: web.Request, body: Json, *, house: House) -> web.Response:
        """Hand the page its token, and what T is made of."""
        check_members(body, known=frozenset({"state", "code", "iss"}))
        answer = Answer(
            state=read_text(body, "state", most=MAX_SHORT, least=1),
            code=read_text(body, "code", most=MAX_TOKEN, least=1),
            issuer=read_text(body, "iss", most=MAX_TOKEN, least=1) if "iss" in body else None,
        )
        signed_in = await house.sign_ins.finish(answer, browser=request.cookies.get(COOKIE, ""))
        told = {
            "id_token": signed_in.unverified_token,
            "challenge_id": signed_in.nonce,
            "tenant": house.config.tenant,
            "origin": house.origin,
        }
        response = web.json_response(told, headers=HEADERS)
        response.del_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="Lax")
        return response


async def _answer(answer: Handler, arrival: Arrival, body: Json, *, house: House) -> web.Response:
    """Answer the page's own script alone, or refuse with a reason."""
    # A script of another origin cannot leave this header out, nor choose it (Fetch 3.2).
    if arrival.request.headers.get("Origin") != house.origin:
        return error(403, field="Origin", message="expected the page's own origin")
    try:
        return await answer(arrival.request, body, house=house)
    except Refused as refused:
        log.info("sign-in refused", extra={"reason": refused.reason.code, "detail": refused.detail})
        refusal = generic.write(Deny(reasons=(because(refused.reason),)), decision_id="", trace_id="")
        return marked(web.json_response(refusal, status=403, headers=HEADERS), said=refusal)
