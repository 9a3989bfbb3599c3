"""How long keys are good, and what an outage does to them."""

import asyncio
from datetime import timedelta

import pytest

from plugin.core.errors import Unavailable
from plugin.core.reasons import Reason
from plugin.flow.provider_keys import ProviderKeys
from plugin.ports import Fetched
from tests.flow.provider import (
    ISSUER,
    HandClock,
    House,
    Provider,
    ids,
    settings,
    settle,
)
from tests.jose.issuer import NOW


async def test_nobody_is_asked_before_the_first_question(house: House) -> None:
    assert house.provider.asked == []


async def test_fresh_keys_are_not_fetched_again(house: House) -> None:
    await house.ids()
    house.clock.move(minutes=4)

    await house.ids("first")

    assert house.provider.rounds == 1


async def test_many_who_ask_at_once_cause_one_fetch(house: House) -> None:
    found = await asyncio.gather(*(house.ids("first") for _ in range(50)))

    assert found == [["first"]] * 50
    assert house.provider.rounds == 1


async def test_first_of_many_may_give_up_without_harm_to_the_others(house: House) -> None:
    house.provider.answers.clear()
    first = asyncio.create_task(house.ids())
    await settle()
    second = asyncio.create_task(house.ids())
    await settle()

    first.cancel()
    await settle()
    house.provider.answers.set()

    assert await second == ["first"]
    assert first.cancelled()
    assert house.provider.rounds == 1


async def test_stale_keys_are_served_at_once_and_renewed_behind(house: House) -> None:
    await house.ids()
    house.clock.move(minutes=5)
    house.provider.key_ids = ["second"]
    house.provider.answers.clear()

    meanwhile = [await house.ids("first") for _ in range(3)]
    house.provider.answers.set()
    await settle()

    assert meanwhile == [["first"]] * 3
    assert await house.ids() == ["second"]
    assert house.provider.rounds == 2


@pytest.mark.parametrize(
    ("max_age", "still_fresh", "stale"),
    [
        pytest.param(None, {"minutes": 4.9}, {"minutes": 5}, id="not told"),
        pytest.param(0, {"minutes": 4.9}, {"minutes": 5}, id="none"),
        pytest.param(3600, {"minutes": 59.9}, {"minutes": 60}, id="an hour"),
        pytest.param(10**9, {"hours": 11.9}, {"hours": 12}, id="forever"),
    ],
)
async def test_provider_says_within_bounds_how_long_keys_are_fresh(
    house: House, max_age: int | None, still_fresh: dict[str, float], stale: dict[str, float]
) -> None:
    house.provider.max_age = max_age
    await house.ids()
    rounds = []

    for age in (still_fresh, stale):
        house.clock.now = NOW + timedelta(**age)
        await house.ids()
        await settle()
        rounds.append(house.provider.rounds)

    assert rounds == [1, 2]


async def test_outage_is_survived_for_a_day_and_no_longer(house: House) -> None:
    await house.ids()
    house.provider.is_down = True
    house.clock.move(hours=23, minutes=59)
    last_good = await house.ids("first")
    await settle()
    house.clock.move(minutes=1)

    verdict = await house.reason("first")

    assert last_good == ["first"]
    assert verdict is Reason.IDP_UNREACHABLE


async def test_renewal_during_an_outage_ends_it(house: House) -> None:
    await house.ids()
    house.provider.is_down = True
    house.clock.move(hours=25)
    await house.reason()
    house.provider.is_down = False
    house.clock.move(minutes=2)

    assert await house.ids() == ["first"]


async def test_provider_that_is_down_is_not_hammered(house: House) -> None:
    house.provider.is_down = True

    verdicts = {await house.reason("first") for _ in range(20)}

    assert verdicts == {Reason.IDP_UNREACHABLE}
    assert house.provider.rounds == 1


async def test_back_off_grows_and_ends(house: House) -> None:
    house.provider.is_down = True
    asked_at = []

    for second in range(300):
        house.clock.now = NOW + timedelta(seconds=second)
        before = house.provider.rounds
        await house.reason()
        if house.provider.rounds > before:
            asked_at.append(second)

    assert asked_at == [0, 5, 15, 35, 75, 155, 235]


async def test_failing_renewals_behind_stale_keys_back_off_too(house: House) -> None:
    await house.ids()
    house.provider.is_down = True
    house.clock.move(hours=1)

    for _ in range(20):
        await house.ids()
        await settle()

    assert house.provider.rounds == 2


async def test_outage_of_one_issuer_is_not_anothers() -> None:
    other = "https://partner.example"
    asked = []

    async def fetch(url: str, *, limit: int) -> Fetched:
        asked.append(url)
        if url.startswith(other):
            raise Unavailable(other, Reason.IDP_UNREACHABLE)
        return await provider(url, limit=limit)

    provider = Provider()
    keys = ProviderKeys([settings(), settings(other)], fetch=fetch, clock=HandClock())

    found = await keys.keys(ISSUER, key_id="first")
    with pytest.raises(Unavailable):
        await keys.keys(other, key_id="first")

    assert ids(found) == ["first"]


async def test_bug_in_a_fetch_reaches_who_waits_and_is_not_repeated_at_once(house: House) -> None:
    house.provider.metadata = {"issuer": object()}  # which json.dumps cannot write

    with pytest.raises(TypeError):
        await house.ids()
    verdict = await house.reason()

    assert verdict is Reason.INTERNAL_ERROR
    assert house.provider.rounds == 1


async def test_closing_ends_a_renewal_that_hangs(house: House) -> None:
    house.provider.answers.clear()
    waiting = asyncio.create_task(house.ids())
    await settle()

    await house.keys.close()
    await settle()

    assert waiting.cancelled()


async def test_failed_renewal_is_logged_with_its_reason(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.provider.is_down = True

    await house.reason()

    (entry,) = caplog.records
    assert vars(entry).items() >= {"issuer": ISSUER, "reason": "idp-unreachable"}.items()
