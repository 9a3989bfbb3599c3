"""`find`: whatever happens to a proof becomes a fact, and never an open door."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.core.errors import Refused, Unavailable
from plugin.core.finding import Finding, Gap, Proven, Unproven
from plugin.core.reasons import Reason
from plugin.flow.budget import Budget, Share
from plugin.flow.find import find as find_within
from tests.flow.recorded import SINCE

T = TypeVar("T")
SECRET = "eyJhbGciOi-what-somebody-presented"


async def find(proof: Awaitable[T], *, left: float = 1.0) -> Finding[T]:
    """Look for a proof of a person while that share of the budget lasts `left` seconds more."""
    budget = Budget(since=SINCE, began=0.0, monotonic=lambda: Share.IDENTITY.value - left)
    return await find_within(proof, budget=budget, share=Share.IDENTITY)


async def failing(error: BaseException) -> str:
    raise error


async def test_a_proof_that_holds_is_proven() -> None:
    async def proof() -> str:
        return "alice"

    assert await find(proof()) == Proven(value="alice")


async def test_a_refusal_is_a_gap_that_says_refused() -> None:
    finding = await find(failing(Refused(Reason.TOKEN_EXPIRED, "got and expected")))

    assert finding == Unproven(gap=Gap.REFUSED, reason=Reason.TOKEN_EXPIRED, detail="got and expected")


async def test_an_outage_is_a_gap_that_says_unavailable() -> None:
    finding = await find(failing(Unavailable("idp", Reason.IDP_UNREACHABLE)))

    assert finding == Unproven(gap=Gap.UNAVAILABLE, reason=Reason.IDP_UNREACHABLE)


async def test_a_proof_that_never_comes_is_unavailable() -> None:
    finding = await find(asyncio.Event().wait(), left=0.01)

    assert isinstance(finding, Unproven)
    assert (finding.gap, finding.reason) == (Gap.UNAVAILABLE, Reason.DEADLINE)


@pytest.mark.parametrize("bug", [ValueError(SECRET), KeyError(SECRET), RecursionError(SECRET), MemoryError(SECRET)])
async def test_a_bug_of_an_adapter_is_unavailable_and_tells_nothing(
    bug: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        finding = await find(failing(bug))

    assert isinstance(finding, Unproven)
    assert (finding.gap, finding.reason) == (Gap.UNAVAILABLE, Reason.INTERNAL_ERROR)
    assert SECRET not in caplog.text + finding.detail


@given(st.sampled_from([ArithmeticError, AssertionError, AttributeError, LookupError, OSError, TypeError]))
def test_no_exception_of_an_adapter_is_ever_a_proof(kind: type[Exception]) -> None:
    async def once() -> object:
        return await find(failing(kind()))

    assert isinstance(asyncio.run(once()), Unproven)


async def test_giving_up_is_not_swallowed() -> None:
    waiting = asyncio.create_task(find(asyncio.Event().wait()))
    await asyncio.sleep(0)
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting


class Panic(BaseException):
    """What a native library raises when it gives up: no Exception."""


async def test_a_panic_of_a_native_library_is_unavailable() -> None:
    async def panicking() -> object:
        raise Panic

    finding = await find(panicking())

    assert isinstance(finding, Unproven)
    assert finding.reason is Reason.INTERNAL_ERROR


async def test_that_something_else_was_given_up_is_unavailable_and_ends_nobody() -> None:
    given_up: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    given_up.cancel()

    async def waiting() -> object:
        return await given_up

    finding = await find(waiting())

    assert isinstance(finding, Unproven)
