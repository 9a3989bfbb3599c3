"""A `Store` against the simplest thing that it could be: a dictionary."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.ports import Json, Store
from plugin.stores.sqlite import open_sqlite
from tests.conformance.contender import NOON

Entries = dict[str, tuple[Json, datetime]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    operation: str
    key: str
    number: int
    now: datetime

    @property
    def until(self) -> datetime:
        return self.now + timedelta(minutes=2)


CALLS = st.builds(
    Call,
    operation=st.sampled_from(["put", "get", "take", "claim", "swap"]),
    key=st.sampled_from("ab"),
    number=st.integers(0, 1),
    now=st.integers(0, 5).map(lambda minutes: NOON + timedelta(minutes=minutes)),
)


def expected(entries: Entries, call: Call) -> object:
    """Do to a dictionary what the call does to a store."""
    live = entries[call.key][0] if call.key in entries and entries[call.key][1] > call.now else None
    old, new = {"n": call.number}, {"n": call.number + 1}
    match call.operation:
        case "put":
            entries[call.key] = (old, call.until)
            return None
        case "claim" if live is None:
            entries[call.key] = ({}, call.until)
            return True
        case "swap" if live == old:
            entries[call.key] = (new, call.until)
            return True
        case "take" if live is not None:
            del entries[call.key]
    return live if call.operation in ("get", "take") else False


async def made(store: Store, call: Call) -> object:
    old, new = {"n": call.number}, {"n": call.number + 1}
    match call.operation:
        case "put":
            await store.put("kind", call.key, old, expires_at=call.until)
            return None
        case "claim":
            return await store.claim("kind", call.key, expires_at=call.until, now=call.now)
        case "swap":
            return await store.swap("kind", call.key, old=old, new=new, expires_at=call.until, now=call.now)
        case "take":
            return await store.take("kind", call.key, now=call.now)
    return await store.get("kind", call.key, now=call.now)


@settings(max_examples=40, deadline=None)
@given(calls=st.lists(CALLS, max_size=30))
def test_any_sequence_of_calls_does_what_a_dictionary_would(
    tmp_path_factory: pytest.TempPathFactory, calls: list[Call]
) -> None:
    async def outcomes() -> list[object]:
        store = await open_sqlite(f"sqlite:///{tmp_path_factory.mktemp('store')}/store.db")
        made_of = [await made(store, call) for call in calls]
        await store.close()
        return made_of

    entries: Entries = {}
    assert asyncio.run(outcomes()) == [expected(entries, call) for call in calls]
