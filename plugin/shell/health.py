"""`/livez` and `/readyz`: whether to restart this process, and whether to send questions to it.

Live is a process whose event loop turns. Ready is one that would answer with decisions: the gate is open, which it is
with a bundle alone, and the store can be written to. Neither asks an identity provider: while one is down, everybody
else can still be judged, and no balancer must take all replicas away for it.

Whoever reaches a door may ask, so an answer holds yes and no and nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from plugin.flow.budget import ANSWER_SECONDS
from plugin.shell.gate import Gate
from plugin.shell.http import explicit
from plugin.shell.metrics import Metrics

GATE, BUNDLE, STORE = "gate", "bundle", "store"
NO_STORE = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Answers for one service. Proxies that ask recognise `"ready": true`, not the status alone."""

    gate: Gate
    metrics: Metrics

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return the routes. They stand before any that catches all."""
        return [web.get("/livez", _live), web.get("/readyz", self._ready)]

    async def look(self) -> Mapping[str, bool]:
        """Look at everything that being ready takes, in a second at most, and leave it in the metrics."""
        house = self.gate.house
        is_writable = await house.store_check.is_writable() if house else False
        checks = {GATE: house is not None, BUNDLE: house is not None, STORE: is_writable}
        for name, holds in checks.items():
            self.metrics.ready.labels(name).set(holds)
        return checks

    async def _ready(self, _request: web.Request) -> web.Response:
        # On a door, aiohttp's own 500 would become a 200 that rejects: nothing may fail out of here.
        unready = _said(ready=False, checks={})
        return await explicit(self._answer(), otherwise=lambda _: unready, seconds=ANSWER_SECONDS)

    async def _answer(self) -> web.Response:
        checks = await self.look()
        # A configuration that was refused makes what decides no less ready. It is said, and an alert waits for it.
        configuration = "current" if self.gate.standing.is_current else "refused"
        return _said(ready=all(checks.values()), checks=checks, configuration=configuration)


async def _live(_request: web.Request) -> web.Response:
    return web.json_response({"live": True}, headers=NO_STORE)


def _said(*, ready: bool, checks: Mapping[str, bool], configuration: str = "") -> web.Response:
    body = {"ready": ready, "checks": {name: "ok" if holds else "fails" for name, holds in checks.items()}}
    body |= {"configuration": configuration} if configuration else {}
    return web.json_response(body, status=200 if ready else 503, headers=NO_STORE)
