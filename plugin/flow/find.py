"""Turns whatever becomes of a proof into a fact: the one place where a refusal, an outage, a delay or a bug is a gap.

Nothing that was refused or could not be looked at may leave here as nothing presented.
"""

import asyncio
import logging
from collections.abc import Awaitable
from typing import TypeVar

from plugin.core.errors import Refused, Unavailable
from plugin.core.finding import Finding, Gap, Proven, Unproven
from plugin.core.reasons import Reason
from plugin.flow.budget import Budget, Share

log = logging.getLogger(__name__)
T = TypeVar("T")


async def find(proof: Awaitable[T], *, budget: Budget, share: Share) -> Finding[T]:
    """Wait for a proof for as long as its share of the budget lasts, and turn whatever happens into a fact."""
    try:
        async with asyncio.timeout(budget.left(share)):
            return Proven(value=await proof)
    except Refused as refused:
        return Unproven(gap=Gap.REFUSED, reason=refused.reason, detail=refused.detail)
    except Unavailable as unavailable:
        return Unproven(gap=Gap.UNAVAILABLE, reason=unavailable.reason, detail=unavailable.detail)
    except TimeoutError:
        return Unproven(
            gap=Gap.UNAVAILABLE, reason=Reason.DEADLINE, detail=f"no proof within {share.value} s of the question"
        )
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as bug:
        # A bug must become a refusal, never an open door. A panic of a native library is no Exception.
        if is_cancelled(bug):
            raise
        # The traceback's text may hold what was presented, so only the kind of the exception is written down.
        log.error("proof failed", extra={"exception": type(bug).__name__})  # noqa: TRY400 - see above
        return Unproven(gap=Gap.UNAVAILABLE, reason=Reason.INTERNAL_ERROR, detail=type(bug).__name__)


def is_cancelled(error: BaseException) -> bool:
    """Say whether whoever waits here is told to stop, and not merely something that is waited for."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0
