"""Measures every answer that leaves by a door: how long it took, and whether it refused for want of a decision.

The doors mark what they know of an answer; it is counted here, once. Nothing here changes an answer or fails one.
"""

import time
from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from plugin.core.reasons import Reason
from plugin.ports import Json
from plugin.shell.metrics import FAIL_CLOSED, Metrics

QUESTION = web.RequestKey("vestibule.question", str)
"""Set by a door whose questions are told by more than a path. One of `metrics.QUESTIONS`."""
REASON = web.ResponseKey("vestibule.reason", str)
"""Why a door refuses; a decision's own reasons are counted with its record."""
TRACE_ID = web.ResponseKey("vestibule.trace_id", str)

QUESTION_OF_PATH = {
    "/v1/joins": "joins",
    "/v1/tickets": "tickets",
    "/v1/challenges": "challenges",
    "/v1/logout": "logout",
}
REASON_OF_STATUS: Mapping[int, str] = {
    HTTPStatus.BAD_REQUEST: Reason.REQUEST_MALFORMED.code,
    HTTPStatus.UNAUTHORIZED: Reason.CALLER_UNAUTHENTICATED.code,
    HTTPStatus.TOO_MANY_REQUESTS: Reason.OVERLOADED.code,
}


def marked(response: web.Response, *, said: Json) -> web.Response:
    """Mark an answer with its trace. One that has a bare `reason`, as refusals without a decision do, with that too."""
    for key, name in ((TRACE_ID, "trace_id"), (REASON, "reason")):
        text = said.get(name)
        if isinstance(text, str) and text:
            response[key] = text
    return response


def measuring(metrics: Metrics) -> Middleware:
    """Make the middleware that measures."""

    @web.middleware
    async def measure(request: web.Request, handler: Handler) -> web.StreamResponse:
        began = time.perf_counter()
        response = await handler(request)
        question = request.get(QUESTION) or QUESTION_OF_PATH.get(request.path)
        if question is not None:  # what has none decides nothing: documents, checks
            seconds = time.perf_counter() - began
            trace_id = response.get(TRACE_ID)
            exemplar = {"trace_id": trace_id} if trace_id else None
            metrics.answer_seconds.labels(question).observe(seconds, exemplar=exemplar)
            reason = response.get(REASON) or REASON_OF_STATUS.get(response.status)
            if reason in FAIL_CLOSED:
                metrics.refused(question, reason)
        return response

    return measure
