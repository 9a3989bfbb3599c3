"""What is kept of an admission, and whom it speaks for when the platform's list is held against it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from plugin.core.decision import Allow, Decision, Deny, because
from plugin.core.join import Call, Direction, JoinRequest
from plugin.core.reasons import Reason
from plugin.flow.admissions import Admissions, Standing, mark_of
from plugin.flow.ledger import KIND, KIND_ADMITTED
from tests.fakes import NOON, HandClock, MemoryStore
from tests.joins import ROOM

ALLOW = Allow(zone="core", capabilities=frozenset(), reasons=(), revisit_at=None)
DENY = Deny(reasons=(because(Reason.ROOM_UNKNOWN),))
LATER = NOON + timedelta(days=1)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def entering(call: str | None, *, direction: Direction = Direction.DIAL_IN) -> JoinRequest:
    return replace(ROOM, call=Call(call_id=call, api=False) if call else None, direction=direction)


async def recorded(store: MemoryStore, join: JoinRequest, decision: Decision, *, outcome: str = "allow") -> Admissions:
    """Keep a decision and its mark as the ledger does."""
    mark = mark_of(join, decision)
    if mark is not None:
        await store.put(KIND_ADMITTED, mark, {"decision": "dec_1"}, expires_at=LATER)
    await store.put(KIND, "dec_1", {"outcome": outcome, "zone": "core"}, expires_at=LATER)
    return Admissions(store=store, clock=HandClock())


async def test_a_call_is_admitted_to_its_room_and_to_no_other(store: MemoryStore):
    join = entering("call-1")
    admissions = await recorded(store, join, ALLOW)

    rooms = [("call-1", "core", join.alias), ("call-2", "core", join.alias), ("call-1", "meetme", join.alias)]
    seen = [await admissions.of_call(call, zone=zone, conference=conference) for call, zone, conference in rooms]

    assert seen == [Standing.ADMITTED, Standing.UNKNOWN, Standing.UNKNOWN]
    assert await admissions.of_call("call-1", zone="core", conference="another") is Standing.UNKNOWN


async def test_a_refusal_to_choose_a_room_leaves_no_mark(store: MemoryStore):
    await recorded(store, entering("call-1"), DENY, outcome="deny")

    assert {kind for kind, _ in store.entries} == {KIND}


async def test_a_refusal_takes_the_place_of_an_earlier_admission_of_the_call(store: MemoryStore):
    join = replace(entering("call-1"), zone="core")
    await recorded(store, join, ALLOW)
    admissions = await recorded(store, join, DENY, outcome="deny")

    assert await admissions.of_call("call-1", zone="core", conference=join.alias) is Standing.REFUSED


async def test_a_call_out_that_is_refused_takes_nothing_away_from_the_others(store: MemoryStore):
    assert mark_of(replace(entering(None, direction=Direction.DIAL_OUT), zone="core"), DENY) is None


async def test_an_admission_that_was_said_as_a_refusal_is_none(store: MemoryStore):
    join = entering("call-1")
    admissions = await recorded(store, join, ALLOW, outcome="deny")

    assert await admissions.of_call("call-1", zone="core", conference=join.alias) is Standing.REFUSED


async def test_a_mark_without_its_record_admits_nobody(store: MemoryStore):
    join = entering("call-1")
    admissions = await recorded(store, join, ALLOW)
    del store.entries[KIND, "dec_1"]

    assert await admissions.of_call("call-1", zone="core", conference=join.alias) is Standing.REFUSED


async def test_a_question_that_only_chooses_a_room_admits_nobody_yet(store: MemoryStore):
    assert mark_of(entering(None), ALLOW) is None


async def test_a_room_that_was_let_call_out_speaks_for_its_calls_out_and_for_no_other(store: MemoryStore):
    join = entering(None, direction=Direction.DIAL_OUT)
    admissions = await recorded(store, join, ALLOW)

    assert await admissions.of_calls_out(zone="core", conference=join.alias) is Standing.ADMITTED
    assert await admissions.of_calls_out(zone="meetme", conference=join.alias) is Standing.UNKNOWN
    assert await admissions.of_call("call-1", zone="core", conference=join.alias) is Standing.UNKNOWN


async def test_no_id_of_a_call_is_in_the_store(store: MemoryStore):
    await recorded(store, entering("69434387-e444-411c"), ALLOW)

    assert "69434387" not in repr(store.entries)
