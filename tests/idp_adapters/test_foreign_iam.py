"""Sign-ins at the provider of PyPI's pytest-iam: another reading of OpenID Connect, and what this house makes of it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from idp_adapters.oidc import adapter
from plugin.core.finding import Gap, Proven
from plugin.core.reasons import Reason
from plugin.flow.circuit import COOL_DOWN
from plugin.ports import IdpSettings
from tests.idp_adapters.foreign.iam import CLIENT, UNNAMED, Iam
from tests.idp_adapters.proving import House, house_for, refusal

pytestmark = pytest.mark.component("pytest-iam")


@pytest.fixture
def iam() -> Iterator[Iam]:
    provider = Iam()
    provider.start()
    yield provider
    provider.stop()


@pytest.fixture
async def house(iam: Iam) -> AsyncIterator[House]:
    settings = IdpSettings(
        issuer=iam.issuer, audience=frozenset({CLIENT, UNNAMED}), algorithms=frozenset({"RS256"}), org="acme"
    )
    async with house_for(adapter(settings)) as opened:
        yield opened


async def test_a_sign_in_proves_who_it_is_and_which_groups_they_are_in(iam: Iam, house: House):
    found = await house.find((await iam.sign_in(nonce="n-0S6_WzA2Mj")).id_token)

    assert isinstance(found, Proven)
    person = found.value
    assert (person.key, person.groups) == (f"{iam.issuer}#alice", {"staff", "board"})
    assert person.nonce == "n-0S6_WzA2Mj"
    assert person.auth_time is not None


async def test_a_token_that_names_no_audience_is_refused(iam: Iam, house: House):
    found = await house.find((await iam.sign_in(client_id=UNNAMED)).id_token)

    assert refusal(found) == (Gap.REFUSED, Reason.TOKEN_AUDIENCE)


async def test_an_access_token_that_only_its_lifetime_tells_from_an_id_token_is_refused(iam: Iam, house: House):
    found = await house.find((await iam.sign_in()).access_token)

    assert refusal(found) == (Gap.REFUSED, Reason.TOKEN_LIFETIME)


async def test_a_rotation_of_keys_is_followed_and_the_key_before_still_counts(iam: Iam, house: House):
    before = await iam.sign_in()
    await house.find((await iam.sign_in()).id_token)

    await iam.rotate_keys()
    house.clock.move(seconds=COOL_DOWN.total_seconds())

    assert isinstance(await house.find((await iam.sign_in()).id_token), Proven)
    assert isinstance(await house.find(before.id_token), Proven)


async def test_while_it_is_down_its_last_keys_do_and_without_them_nobody_is_proven(iam: Iam, house: House):
    first, second = await iam.sign_in(), await iam.sign_in()
    await house.find(first.id_token)
    iam.stop()

    assert isinstance(await house.find(second.id_token), Proven)
    async with house_for(house.provider) as newly_opened:
        assert refusal(await newly_opened.find(second.id_token)) == (Gap.UNAVAILABLE, Reason.IDP_UNREACHABLE)
