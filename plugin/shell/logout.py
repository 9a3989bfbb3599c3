"""Where identity providers tell who has signed out: `POST /v1/logout`, a form with `logout_token`.

Whoever asks is told whether it was taken (OpenID Connect Back-Channel Logout 1.0, section 2.8). There is no limit for
one address: a provider that signs out a whole company speaks from one.
"""

import logging

from aiohttp import web

from plugin.core.errors import Refused, Unavailable
from plugin.core.reasons import Reason
from plugin.shell.arrival import budget_of
from plugin.shell.gate import Gate, House, Lane
from plugin.shell.http import explicit
from plugin.shell.metering import REASON
from plugin.shell.metrics import Metrics

log = logging.getLogger(__name__)

LOGOUTS = "logouts"
PATH = "/v1/logout"
FIELD = "logout_token"
NO_STORE = {"Cache-Control": "no-store"}


class LogoutDoor:
    """Answers 200 where somebody has been signed out, 400 for a bad token, 503 where it should be tried again."""

    def __init__(self, *, gate: Gate, metrics: Metrics) -> None:
        self._metrics = metrics
        self._lane = Lane(gate=gate, name=LOGOUTS, most=20, patience=0.5)

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The ways through this door."""
        return (self._lane,)

    def routes(self) -> list[web.AbstractRouteDef]:
        return [web.post(PATH, self._logout), web.route("*", PATH, _only_post)]

    async def _logout(self, request: web.Request) -> web.Response:
        budget = budget_of(request)
        with self._lane.enter(waited=budget.spent()) as house:
            if isinstance(house, Reason):
                return _unavailable(house)
            return await explicit(self._take(request, house=house), otherwise=_unavailable, seconds=budget.due())

    async def _take(self, request: web.Request, *, house: House) -> web.Response:
        try:
            token = await _read(request)
            issuer = await house.logout.take(token)
        except Refused as refused:
            log.warning("logout token refused", extra={"reason": refused.reason.code})
            self._metrics.logouts.labels("refused").inc()
            return _refused(refused.reason)
        except Unavailable as unavailable:
            log.error("logout token not taken", extra={"reason": unavailable.reason.code})  # noqa: TRY400 - no traceback
            self._metrics.logouts.labels("unavailable").inc()
            return _unavailable(unavailable.reason)
        log.info("signed out", extra={"issuer": issuer})
        self._metrics.logouts.labels("taken").inc()
        return web.Response(headers=NO_STORE)


async def _read(request: web.Request) -> str:
    """Read the token out of the form. Raises Refused."""
    try:
        form = await request.post()
    except (ValueError, web.HTTPException):
        raise Refused(Reason.REQUEST_MALFORMED) from None
    tokens = form.getall(FIELD, [])
    if len(tokens) != 1 or not isinstance(tokens[0], str):
        raise Refused(Reason.REQUEST_MALFORMED)
    return tokens[0]


async def _only_post(_request: web.Request) -> web.Response:
    return _said(405, error="invalid_request", description="expected POST", headers={"Allow": "POST"})


def _refused(reason: Reason) -> web.Response:
    return _said(400, error="invalid_request", description=reason.code)


def _unavailable(reason: Reason) -> web.Response:
    response = _said(503, error="temporarily_unavailable", description=reason.code)
    response[REASON] = reason.code
    return response


def _said(status: int, *, error: str, description: str, headers: dict[str, str] | None = None) -> web.Response:
    body = {"error": error, "error_description": description}
    return web.json_response(body, status=status, headers={**NO_STORE, **(headers or {})})
