"""The circuit breaker of a provider: closed, open and half-open, moved by the provider alone."""

import asyncio
import logging

import pytest

from plugin.core.reasons import Reason
from plugin.flow.circuit import Circuit
from tests.flow.provider import ISSUER, House, settle


def circuit(house: House) -> Circuit:
    return house.keys.health(ISSUER).circuit


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [vars(entry)["circuit"] for entry in caplog.records if "circuit" in vars(entry)]


async def test_a_circuit_is_closed_before_and_after_a_good_answer(house: House) -> None:
    before = circuit(house)
    await house.ids()

    assert (before, circuit(house)) == (Circuit.CLOSED, Circuit.CLOSED)


async def test_a_failure_opens_it_and_a_wait_half_opens_it(house: House) -> None:
    house.provider.is_down = True
    await house.reason()
    seen = [circuit(house)]
    house.clock.move(seconds=5)

    seen.append(circuit(house))

    assert seen == [Circuit.OPEN, Circuit.HALF_OPEN]


async def test_many_who_come_while_it_is_half_open_make_one_trial(house: House) -> None:
    house.provider.is_down = True
    await house.reason()
    house.clock.move(seconds=5)
    house.provider.answers.clear()
    waiting = [asyncio.create_task(house.reason("first")) for _ in range(20)]
    await settle()

    on_trial = circuit(house)
    house.provider.answers.set()
    verdicts = await asyncio.gather(*waiting)

    assert on_trial is Circuit.HALF_OPEN
    assert set(verdicts) == {Reason.IDP_UNREACHABLE}
    assert house.provider.rounds == 2
    assert circuit(house) is Circuit.OPEN


async def test_forged_key_ids_try_no_open_circuit(house: House) -> None:
    await house.ids()
    house.provider.is_down = True
    for _ in range(6):  # until it waits for 80 s
        house.clock.move(seconds=90)
        await house.reason("forged")
    before = house.provider.rounds

    house.clock.move(seconds=40)  # longer than the cool-down of key ids
    verdicts = [await house.reason(f"forged-{number}") for number in range(100)]

    assert set(verdicts) == {Reason.IDP_UNREACHABLE}
    assert house.provider.rounds == before
    assert circuit(house) is Circuit.OPEN


async def test_a_good_trial_closes_it(house: House) -> None:
    house.provider.is_down = True
    await house.reason()
    house.provider.is_down = False
    house.clock.move(seconds=5)

    await house.ids()

    assert circuit(house) is Circuit.CLOSED
    assert house.keys.health(ISSUER).failures == 0


async def test_each_change_is_logged_and_nothing_else(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    house.provider.is_down = True
    for seconds in (0, 1, 5):
        house.clock.move(seconds=seconds)
        await house.reason()
    house.provider.is_down = False
    house.clock.move(seconds=30)

    await house.ids()
    await house.ids()

    assert told(caplog) == ["open", "half-open", "open", "half-open", "closed"]
    assert vars(caplog.records[0]).items() >= {"issuer": ISSUER, "reason": "idp-unreachable", "failures": 1}.items()


async def test_a_provider_that_answers_nonsense_opens_it_for_another_reason(house: House) -> None:
    house.provider.key_set = b"<html>"

    verdict = await house.reason()

    assert verdict is Reason.IDP_MISCONFIGURED
    assert circuit(house) is Circuit.OPEN


async def test_a_bug_opens_it_too_and_is_told_by_its_kind_alone(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.provider.metadata = {"issuer": object()}  # which json.dumps cannot write
    with pytest.raises(TypeError):
        await house.ids()

    health = house.keys.health(ISSUER)

    assert (health.circuit, health.failures, health.failure) == (Circuit.OPEN, 1, Reason.INTERNAL_ERROR)
    assert told(caplog) == ["open"]
    assert vars(caplog.records[0])["detail"] == "TypeError"


async def test_a_bug_behind_stale_keys_opens_it_and_leaves_the_keys(house: House) -> None:
    await house.ids()
    house.provider.metadata = {"issuer": object()}
    house.clock.move(minutes=5)

    found = await house.ids()
    await settle()

    assert found == ["first"]
    assert circuit(house) is Circuit.OPEN


async def test_what_is_cancelled_has_not_failed(house: House) -> None:
    house.provider.answers.clear()
    waiting = asyncio.create_task(house.ids())
    await settle()

    await house.keys.close()
    await asyncio.wait([waiting])

    assert circuit(house) is Circuit.CLOSED


async def test_a_change_of_keys_is_remembered_and_logged(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await house.ids()
    at_first = house.keys.health(ISSUER)
    house.provider.key_ids = ["second", "third"]
    house.clock.move(minutes=1)

    await house.ids("third")

    health = house.keys.health(ISSUER)
    assert (at_first.keys, at_first.changed_at) == (1, None)
    assert (health.keys, health.changed_at) == (2, house.clock.now)
    (entry,) = caplog.records
    assert vars(entry).items() >= {"issuer": ISSUER, "added": 2, "withdrawn": 1}.items()


async def test_keys_in_another_order_are_no_change(house: House) -> None:
    house.provider.key_ids = ["first", "second"]
    await house.ids()
    house.provider.key_ids = ["second", "first"]
    house.clock.move(minutes=5)

    await house.ids()
    await settle()

    assert house.keys.health(ISSUER).changed_at is None
