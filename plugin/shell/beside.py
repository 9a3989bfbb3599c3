"""Work that goes on beside the answers for as long as a block lasts.

It must never end before without anybody hearing of it, nor go on after the block.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from functools import partial

log = logging.getLogger(__name__)


@asynccontextmanager
async def beside(work: Coroutine[object, object, None], *, gone: str) -> AsyncIterator[None]:
    """Have work done within the block. `gone` says, in the log, what nobody does any more if it ends by itself."""
    task = asyncio.create_task(work)
    task.add_done_callback(partial(_say_how_it_ended, gone))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def _say_how_it_ended(gone: str, task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        log.error(gone, extra={"exception": type(task.exception()).__name__})
