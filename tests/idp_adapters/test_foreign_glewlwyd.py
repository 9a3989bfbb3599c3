"""Sign-ins at Debian's glewlwyd, whose makers have nothing in common with ours, and what this house makes of them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from idp_adapters.oidc import adapter
from plugin.core.finding import Gap, Proven
from plugin.core.identity import Level
from plugin.core.reasons import Reason
from plugin.flow.circuit import COOL_DOWN
from plugin.ports import IdpSettings
from plugin.shell.check import prepare
from plugin.shell.doctor.id_token import examine
from plugin.shell.doctor.report import Level as Standing
from plugin.shell.doctor.report import Line
from tests.idp_adapters.foreign.glewlwyd import CLIENT, Glewlwyd
from tests.idp_adapters.proving import House, house_for, refusal
from tests.shell.parties import DeviceAuthority
from tests.shell.world import write_configuration

pytestmark = pytest.mark.component("glewlwyd")


@pytest.fixture
async def glewlwyd(tmp_path: Path) -> AsyncIterator[Glewlwyd]:
    folder = tmp_path / "glewlwyd"
    folder.mkdir()
    provider = Glewlwyd(folder)
    provider.start()
    try:
        await provider.configure()
        yield provider
    finally:
        provider.stop()


@pytest.fixture
async def house(glewlwyd: Glewlwyd) -> AsyncIterator[House]:
    settings = IdpSettings(
        issuer=glewlwyd.issuer, audience=frozenset({CLIENT}), algorithms=frozenset({"ES256"}), org="acme"
    )
    async with house_for(adapter(settings)) as opened:
        yield opened


async def test_a_sign_in_proves_who_it_is_and_which_groups_they_are_in(glewlwyd: Glewlwyd, house: House) -> None:
    tokens = await glewlwyd.sign_in(nonce="n-0S6_WzA2Mj")

    found = await house.find(tokens.id_token)

    assert isinstance(found, Proven)
    person = found.value
    assert (person.issuer, person.org, person.level) == (glewlwyd.issuer, "acme", Level.SIGNED_IN)
    assert person.groups == {"staff", "board"}
    assert (person.nonce, person.amr, person.auth_time) == ("n-0S6_WzA2Mj", ("session",), None)


async def test_the_same_person_is_the_same_at_the_next_sign_in(glewlwyd: Glewlwyd, house: House) -> None:
    first = await house.find((await glewlwyd.sign_in()).id_token)
    second = await house.find((await glewlwyd.sign_in()).id_token)

    assert isinstance(first, Proven)
    assert isinstance(second, Proven)
    assert first.value.key == second.value.key


async def test_an_access_token_of_the_same_sign_in_is_not_an_id_token(glewlwyd: Glewlwyd, house: House) -> None:
    tokens = await glewlwyd.sign_in()

    assert refusal(await house.find(tokens.access_token)) == (Gap.REFUSED, Reason.TOKEN_TYPE)


async def test_a_token_counts_once(glewlwyd: Glewlwyd, house: House) -> None:
    tokens = await glewlwyd.sign_in()
    await house.find(tokens.id_token)

    assert refusal(await house.find(tokens.id_token)) == (Gap.REFUSED, Reason.TOKEN_REPLAYED)


async def test_a_token_has_an_end(glewlwyd: Glewlwyd, house: House) -> None:
    tokens = await glewlwyd.sign_in()
    house.clock.move(minutes=7)

    assert refusal(await house.find(tokens.id_token)) == (Gap.REFUSED, Reason.TOKEN_EXPIRED)


async def test_a_new_key_is_fetched_when_a_token_names_it_and_the_old_one_still_counts(
    glewlwyd: Glewlwyd, house: House
) -> None:
    before = await glewlwyd.sign_in()
    await house.find((await glewlwyd.sign_in()).id_token)

    await glewlwyd.rotate_keys()
    house.clock.move(seconds=COOL_DOWN.total_seconds())

    assert isinstance(await house.find((await glewlwyd.sign_in()).id_token), Proven)
    assert isinstance(await house.find(before.id_token), Proven)


async def test_while_it_is_down_its_last_keys_do_and_without_them_nobody_is_proven(
    glewlwyd: Glewlwyd, house: House
) -> None:
    first, second = await glewlwyd.sign_in(), await glewlwyd.sign_in()
    glewlwyd.stop()
    assert refusal(await house.find(first.id_token)) == (Gap.UNAVAILABLE, Reason.IDP_UNREACHABLE)

    glewlwyd.start()
    house.clock.move(seconds=COOL_DOWN.total_seconds())
    assert isinstance(await house.find(first.id_token), Proven)
    glewlwyd.stop()

    assert isinstance(await house.find(second.id_token), Proven)


# What the doctor tells of its tokens


async def examined(glewlwyd: Glewlwyd, folder: Path, token: str) -> dict[str, Line]:
    file = write_configuration(
        folder, acme=glewlwyd.issuer, partners="https://sso.partners.example", authority=DeviceAuthority()
    )
    (folder / "token").write_text(token)
    asked = examine(prepare(file), name="acme", file=str(folder / "token"), clock=lambda: datetime.now(UTC))
    return {line.subject: line async for line in asked}


async def test_the_doctor_finds_no_fault_with_its_id_token_and_tells_nothing_personal(
    glewlwyd: Glewlwyd, tmp_path: Path
) -> None:
    lines = await examined(glewlwyd, tmp_path, (await glewlwyd.sign_in()).id_token)

    assert [line for line in lines.values() if line.level is not Standing.OK] == []
    assert lines["person groups"].found == '2 told by `"groups"`'
    assert "alice" not in str(lines).lower()


async def test_the_doctor_says_that_its_access_token_is_of_a_kind_that_does_not_count(
    glewlwyd: Glewlwyd, tmp_path: Path
) -> None:
    lines = await examined(glewlwyd, tmp_path, (await glewlwyd.sign_in()).access_token)

    faults = {subject for subject, line in lines.items() if line.level is Standing.FAULT}
    assert faults == {"token kind"}
