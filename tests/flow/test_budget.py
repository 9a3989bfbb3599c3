"""The budget of one question: its parts end by moments, and the record says what was answered, however late it is."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from plugin.core.errors import Unavailable
from plugin.core.reasons import Reason
from plugin.flow.budget import ANSWER_SECONDS, Budget, Share
from plugin.flow.ledger import KIND, Ledger
from plugin.ports import Json
from tests.fakes import HandClock, MemoryStore
from tests.flow.recorded import NOON, RECORD, SINCE


class QueueingStore(MemoryStore):
    """Writes in the order in which it is asked, and not before it is `let_go`; what has begun is never given up."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = asyncio.Event()
        self._turn = asyncio.Lock()

    async def put(self, kind: str, key: str, value: Json, *, expires_at) -> None:
        await asyncio.shield(asyncio.ensure_future(self._put(kind, key, value, expires_at=expires_at)))

    async def _put(self, kind: str, key: str, value: Json, *, expires_at) -> None:
        async with self._turn:
            await self.let_go.wait()
            await super().put(kind, key, value, expires_at=expires_at)


def budget_after(seconds: float) -> Budget:
    return Budget(since=SINCE, began=100.0, monotonic=lambda: 100.0 + seconds)


def ledger_of(store: MemoryStore) -> Ledger:
    key = b"k" * 32
    return Ledger(store=store, clock=HandClock(), pseudonym_key=key, random_bytes=bytes, keep=timedelta(days=1))


def test_each_part_ends_before_the_next_and_all_before_the_answer():
    ends = [share.value for share in Share] + [ANSWER_SECONDS]

    assert all(earlier < later for earlier, later in pairwise(ends))


@pytest.mark.parametrize("share", Share)
def test_what_a_part_has_left_shrinks_to_nothing_and_no_further(share: Share):
    assert budget_after(0.0).left(share) == pytest.approx(share.value)
    assert budget_after(share.value / 2).left(share) == pytest.approx(share.value / 2)
    assert budget_after(share.value + 60).left(share) == 0.0


async def test_a_record_that_is_not_written_in_time_cannot_be_relied_on():
    ledger = ledger_of(QueueingStore())

    with pytest.raises(Unavailable) as caught:
        await ledger.enter(RECORD, budget=budget_after(Share.RECORD.value))

    assert caught.value.reason is Reason.DEADLINE


async def test_what_was_answered_outlives_the_record_that_came_too_late():
    store = QueueingStore()
    ledger = ledger_of(store)
    with pytest.raises(Unavailable):
        await ledger.enter(RECORD, budget=budget_after(Share.RECORD.value - 0.01))

    ledger.correct(replace(RECORD, outcome="deny"))
    store.let_go.set()
    await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})

    stored = await store.get(KIND, RECORD.decision_id, now=NOON)
    assert stored is not None
    assert stored["outcome"] == "deny"
