"""Work beside the answers: it ends with its block, and is missed where it ends before."""

import asyncio
import logging

import pytest

from plugin.shell.beside import beside

GONE = "nobody does it any more"


async def test_work_ends_with_its_block_and_nothing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with beside(work(), gone=GONE):
        await asyncio.sleep(0)  # a turn, in which it begins

    assert ended.is_set()
    assert GONE not in caplog.text


async def test_work_that_ends_before_its_block_is_missed(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        raise LookupError("what somebody asked")

    with caplog.at_level(logging.ERROR):
        async with beside(work(), gone=GONE):
            await asyncio.sleep(0)  # a turn, in which it ends
            await asyncio.sleep(0)  # and one in which that is said

    assert GONE in caplog.text
    assert "what somebody asked" not in caplog.text
