"""Key ids that are new, forged or withdrawn: looked up at once, and never so often that it hurts the provider."""

from datetime import timedelta

from plugin.core.reasons import Reason
from tests.flow.provider import House, settle
from tests.jose.issuer import NOW


async def test_key_that_is_new_is_looked_up_at_once(house: House) -> None:
    await house.ids()
    house.clock.move(minutes=1)
    house.provider.key_ids = ["second", "first"]

    found = await house.ids("second")

    assert found == ["second", "first"]


async def test_forged_key_ids_cannot_hammer_the_provider(house: House) -> None:
    await house.ids()
    house.clock.move(minutes=1)

    found = [await house.ids(f"forged-{number}") for number in range(100)]

    assert found == [["first"]] * 100
    assert house.provider.rounds == 2


async def test_forged_key_ids_cause_one_fetch_in_30_seconds(house: House) -> None:
    await house.ids()

    for second in range(1, 121):
        house.clock.now = NOW + timedelta(seconds=second)
        await house.ids(f"forged-{second}")

    assert house.provider.rounds == 1 + 4


async def test_key_id_known_to_be_unknown_is_not_looked_up_again(house: House) -> None:
    await house.ids()
    house.clock.move(minutes=1)
    await house.ids("forged")
    house.clock.move(minutes=1)

    await house.ids("forged")

    assert house.provider.rounds == 2


async def test_key_id_is_not_called_unknown_before_the_provider_was_asked(house: House) -> None:
    await house.ids()
    house.provider.key_ids = ["first", "second"]
    cooling_down = await house.ids("second")
    house.clock.move(seconds=30)

    found = await house.ids("second")

    assert cooling_down == ["first"]
    assert found == ["first", "second"]


async def test_unknown_key_id_is_not_believed_forged_while_nobody_can_look(house: House) -> None:
    await house.ids()
    house.provider.is_down = True
    house.clock.move(minutes=1)

    verdicts = [await house.reason("second") for _ in range(3)]

    assert verdicts == [Reason.IDP_UNREACHABLE] * 3
    assert await house.ids("first") == ["first"]
    assert house.provider.rounds == 2


async def test_withdrawn_key_is_gone_after_the_renewal(house: House) -> None:
    await house.ids()
    house.provider.key_ids = ["second"]
    house.clock.move(minutes=5)
    await house.ids()
    await settle()

    assert await house.ids("first") == ["second"]
