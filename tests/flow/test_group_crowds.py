"""Many who need their groups at once: one question, one failure, and what comes of one person keeps nobody else out."""

import asyncio
from datetime import timedelta

import pytest

from plugin.core.errors import Refused, Unavailable
from plugin.core.identity import GroupsGap
from plugin.flow.group_lookup import with_groups
from tests.fakes import HandClock
from tests.flow.test_group_lookup import (
    ANOTHER,
    GROUPS,
    ISSUER,
    OID,
    Handler,
    Service,
    graph,
    looking,
    person,
    saying,
    service,
    told,
    with_status,
)

__all__ = ["service"]  # a fixture

OF_ONE_PERSON = (with_status(404), with_status(400), with_status(403), saying({"value": ["g" * 256]}))


@pytest.mark.parametrize("answer", OF_ONE_PERSON)
async def test_what_comes_of_one_person_keeps_nobody_else_out_and_is_asked_once(
    service: Service, answer: Handler
) -> None:
    service.answer = answer
    async with looking(graph(service)) as lookup:
        for _ in range(5):
            with pytest.raises(Refused):
                await lookup.groups(OID)
        assert len(service.asked) == 1
        service.answer = None

        assert await told(lookup, ANOTHER) == set(GROUPS)


async def test_many_who_ask_for_one_person_cause_one_question(service: Service) -> None:
    async with looking(graph(service)) as lookup:
        await asyncio.gather(*(lookup.groups(OID) for _ in range(30)))

    assert (len(service.tokens), len(service.asked)) == (1, 1)


async def test_a_failure_that_a_crowd_met_counts_once_and_one_of_them_tries_again(service: Service) -> None:
    clock = HandClock()
    service.answer = with_status(503)
    async with looking(graph(service), clock=clock) as lookup:
        await asyncio.gather(*(lookup.groups(f"p{n}") for n in range(20)), return_exceptions=True)
        met = len(service.asked)
        clock.move(seconds=6)  # the first wait, and not one that doubled twenty times
        await asyncio.gather(*(lookup.groups(f"p{n}") for n in range(20)), return_exceptions=True)

    assert len(service.asked) == met + 1


async def test_a_clock_that_is_set_back_makes_no_answer_younger(service: Service) -> None:
    clock = HandClock()
    async with looking(graph(service), clock=clock) as lookup:
        await lookup.groups(OID)
        clock.move(days=-1)
        service.answer = saying({"value": []})

        assert await told(lookup) == set()


async def test_who_has_no_time_to_wait_is_proven_without_groups_and_the_failure_counts(service: Service) -> None:
    service.answer = service.hang
    async with looking(graph(service)) as lookup:
        somebody = await with_groups(person(), lookups={ISSUER: lookup}, seconds=0.05)
        assert (somebody.groups, somebody.groups_gap) == (None, GroupsGap.UNREACHABLE)
        with pytest.raises(Unavailable):  # joins the question that is still being asked, to its end
            await lookup.groups(OID)
        with pytest.raises(Unavailable):
            await lookup.groups(ANOTHER)

    assert len(service.asked) == 1


async def test_groups_say_until_when_they_count(service: Service) -> None:
    clock = HandClock()
    async with looking(graph(service), clock=clock) as lookup:
        await lookup.groups(OID)
        asked_at = clock()
        clock.move(minutes=4)
        somebody = await with_groups(person(), lookups={ISSUER: lookup})

    assert somebody.groups_until == asked_at + timedelta(minutes=5)
