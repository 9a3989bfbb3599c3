"""The border's last resort: an explicit answer for whatever goes wrong behind it."""

import asyncio
import logging

import pytest
from aiohttp import web

from plugin.core.reasons import Reason
from plugin.shell.http import explicit

SECRET = "what-somebody-asked"


def refused(reason: Reason) -> web.Response:
    return web.json_response({"action": "reject", "reason": reason.code})


async def failing(error: BaseException) -> web.Response:
    raise error


async def test_an_answer_passes_as_it_is() -> None:
    answer = web.json_response({})

    async def answering() -> web.Response:
        return answer

    assert await explicit(answering(), otherwise=refused, seconds=60) is answer


@pytest.mark.parametrize("bug", [ValueError(SECRET), RuntimeError(SECRET), RecursionError(SECRET), OSError(SECRET)])
async def test_a_bug_is_an_explicit_refusal_that_tells_nothing(
    bug: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        response = await explicit(failing(bug), otherwise=refused, seconds=60)

    assert response.status == 200
    assert Reason.INTERNAL_ERROR.code in (response.text or "")
    assert SECRET not in (response.text or "") + caplog.text


async def test_an_answer_that_never_comes_is_an_explicit_refusal() -> None:
    async def never() -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    response = await explicit(never(), otherwise=refused, seconds=0.01)

    assert Reason.DEADLINE.code in (response.text or "")


class Panic(BaseException):
    """What a native library raises when it gives up: no Exception."""


async def test_a_panic_of_a_native_library_is_an_explicit_refusal() -> None:
    response = await explicit(failing(Panic()), otherwise=refused, seconds=60)

    assert Reason.INTERNAL_ERROR.code in (response.text or "")


async def test_that_something_else_was_given_up_is_an_explicit_refusal() -> None:
    response = await explicit(failing(asyncio.CancelledError()), otherwise=refused, seconds=60)

    assert Reason.INTERNAL_ERROR.code in (response.text or "")
