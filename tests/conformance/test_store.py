"""What every `Store` must do, whatever it keeps its entries in."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from plugin.core.errors import Unavailable
from plugin.core.reasons import Reason
from plugin.ports import Json, Store
from plugin.stores.sqlite import open_sqlite
from tests.conformance.contender import LATER, NOON
from tests.fakes import MemoryStore

TASKS = 20
VALUE: Json = {"text": "café ☕ \" ' ; --", "number": 1, "list": [1.5, None, True], "nested": {"b": 1, "a": 2}}


async def open_memory(_url: str) -> MemoryStore:
    return MemoryStore()


@pytest_asyncio.fixture(params=[open_sqlite, open_memory], ids=["sqlite", "the tests' own"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    opened = await request.param(f"sqlite:///{tmp_path}/state/store.db")
    yield opened
    await opened.close()


async def test_what_was_put_is_got_as_often_as_asked(store: Store) -> None:
    await store.put("kind", "key", VALUE, expires_at=LATER)

    assert [await store.get("kind", "key", now=NOON) for _ in range(2)] == [VALUE, VALUE]


async def test_the_last_put_counts(store: Store) -> None:
    await store.put("kind", "key", {"n": 1}, expires_at=LATER)
    await store.put("kind", "key", {"n": 2}, expires_at=LATER + timedelta(minutes=1))

    assert await store.get("kind", "key", now=LATER) == {"n": 2}


@pytest.mark.parametrize(("kind", "key"), [("kind", "other"), ("other", "key"), ("key", "kind"), ("kindkey", "")])
async def test_kind_and_key_are_both_part_of_the_address(store: Store, kind: str, key: str) -> None:
    await store.put("kind", "key", VALUE, expires_at=LATER)

    assert await store.get(kind, key, now=NOON) is None


@pytest.mark.parametrize("key", ["", "' OR 1=1 --", "%", "*", "a\x00b", "é", "\U0001f512" * 250])
async def test_a_key_is_any_text_and_only_text(store: Store, key: str) -> None:
    await store.put("kind", key, {"mine": True}, expires_at=LATER)
    await store.put("kind", "another", {"mine": False}, expires_at=LATER)

    assert await store.take("kind", key, now=NOON) == {"mine": True}


async def test_what_was_taken_is_gone(store: Store) -> None:
    await store.put("kind", "key", VALUE, expires_at=LATER)

    taken = [await store.take("kind", "key", now=NOON) for _ in range(2)]

    assert taken == [VALUE, None]


async def test_the_second_claim_is_too_late(store: Store) -> None:
    assert [await store.claim("kind", "key", expires_at=LATER, now=NOON) for _ in range(2)] == [True, False]


async def test_what_was_put_cannot_be_claimed(store: Store) -> None:
    await store.put("kind", "key", VALUE, expires_at=LATER)

    assert not await store.claim("kind", "key", expires_at=LATER, now=NOON)
    assert await store.get("kind", "key", now=NOON) == VALUE


async def test_a_claim_that_has_expired_can_be_made_again_and_then_holds(store: Store) -> None:
    await store.claim("kind", "key", expires_at=LATER, now=NOON)

    assert await store.claim("kind", "key", expires_at=LATER + timedelta(minutes=1), now=LATER)
    assert not await store.claim("kind", "key", expires_at=LATER + timedelta(minutes=1), now=LATER)


async def test_a_swap_replaces_what_it_expects(store: Store) -> None:
    await store.put("kind", "key", VALUE, expires_at=LATER)
    reordered = dict(reversed(list(VALUE.items())))

    swapped = await store.swap(
        "kind", "key", old=reordered, new={"n": 2}, expires_at=LATER + timedelta(minutes=1), now=NOON
    )

    assert (swapped, await store.get("kind", "key", now=LATER)) == (True, {"n": 2})


async def test_a_swap_leaves_alone_what_it_does_not_expect(store: Store) -> None:
    await store.put("kind", "key", VALUE, expires_at=LATER)

    swapped = await store.swap("kind", "key", old={"n": 1}, new={"n": 2}, expires_at=LATER, now=NOON)

    assert (swapped, await store.get("kind", "key", now=NOON)) == (False, VALUE)


async def test_a_swap_makes_nothing_out_of_nothing(store: Store) -> None:
    swapped = await store.swap("kind", "key", old={}, new=VALUE, expires_at=LATER, now=NOON)

    assert (swapped, await store.get("kind", "key", now=NOON)) == (False, None)


Use = Callable[[Store, datetime], Awaitable[object]]


async def get(store: Store, now: datetime) -> object:
    return await store.get("kind", "key", now=now)


async def take(store: Store, now: datetime) -> object:
    return await store.take("kind", "key", now=now)


async def swap(store: Store, now: datetime) -> object:
    return await store.swap("kind", "key", old=VALUE, new={}, expires_at=now + timedelta(days=1), now=now) or None


@pytest.mark.parametrize("use", [get, take, swap])
@pytest.mark.parametrize(("now", "is_there"), [(LATER - timedelta(milliseconds=1), True), (LATER, False)])
async def test_an_entry_is_gone_from_the_moment_it_expires(
    store: Store, use: Use, now: datetime, *, is_there: bool
) -> None:
    await store.put("kind", "key", VALUE, expires_at=LATER)

    assert (await use(store, now) is not None) == is_there


async def test_of_many_tasks_one_takes(store: Store) -> None:
    await store.put("kind", "key", VALUE, expires_at=LATER)

    taken = await asyncio.gather(*(store.take("kind", "key", now=NOON) for _ in range(TASKS)))

    assert sorted(taken, key=str) == sorted([VALUE, *[None] * (TASKS - 1)], key=str)


async def test_of_many_tasks_one_claims(store: Store) -> None:
    claimed = await asyncio.gather(*(store.claim("kind", "key", expires_at=LATER, now=NOON) for _ in range(TASKS)))

    assert sorted(claimed) == [*[False] * (TASKS - 1), True]


async def test_of_many_tasks_one_swaps(store: Store) -> None:
    await store.put("kind", "key", {}, expires_at=LATER)

    swapped = await asyncio.gather(
        *(store.swap("kind", "key", old={}, new={"n": n}, expires_at=LATER, now=NOON) for n in range(TASKS))
    )

    assert sorted(swapped) == [*[False] * (TASKS - 1), True]


async def test_a_store_that_was_closed_is_unavailable(store: Store) -> None:
    await store.close()

    with pytest.raises(Unavailable) as unavailable:
        await store.get("kind", "key", now=NOON)

    assert unavailable.value.reason is Reason.STORE_UNAVAILABLE


async def test_a_store_can_be_closed_twice(store: Store) -> None:
    await store.close()

    await store.close()


async def test_a_kind_is_read_page_by_page_in_the_order_of_its_keys(store: Store) -> None:
    for key in ("c", "a", "b"):
        await store.put("kind", key, {"key": key}, expires_at=LATER)
    await store.put("kind", "d", {"key": "expired"}, expires_at=NOON)
    await store.put("other", "a", {"key": "foreign"}, expires_at=LATER)

    first = await store.page("kind", after="", limit=2, now=NOON)
    second = await store.page("kind", after="b", limit=2, now=NOON)

    assert first == (("a", {"key": "a"}), ("b", {"key": "b"}))
    assert second == (("c", {"key": "c"}),)
