"""Sign-ins at a provider that others wrote and certified, and what this house makes of the tokens that they yield."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from idp_adapters.oidc import adapter
from plugin.core import base64url
from plugin.core.finding import Gap, Proven, Unproven
from plugin.core.identity import Level
from plugin.core.reasons import Reason
from plugin.flow.circuit import COOL_DOWN
from plugin.jose.strict_json import read_object
from plugin.ports import IdpSettings
from tests.idp_adapters.foreign.provider import ForeignProvider, login, sign_in
from tests.idp_adapters.proving import House, house_for, refusal

pytestmark = pytest.mark.component("node-oidc-provider")


@pytest.fixture
async def house(foreign_provider: ForeignProvider) -> AsyncIterator[House]:
    settings = IdpSettings(
        issuer=foreign_provider.issuer,
        audience=frozenset({"vestibule", "vestibule-rsa"}),
        algorithms=frozenset({"ES256", "RS256"}),
        org="acme",
        acr={"urn:example:mfa": Level.MULTI_FACTOR, "phr": Level.PHISHING_RESISTANT},
    )
    async with house_for(adapter(settings)) as opened:
        yield opened


async def test_a_sign_in_elsewhere_proves_who_it_is(foreign_provider: ForeignProvider, house: House):
    id_token = await login(foreign_provider, nonce="n-0S6_WzA2Mj", acr_values="phr")

    finding = await house.find(id_token)

    assert isinstance(finding, Proven)
    identity = finding.value
    assert identity.key == f"{foreign_provider.issuer}#alice"
    assert identity.groups == {"staff", "board"}
    assert identity.level is Level.PHISHING_RESISTANT
    assert identity.amr == ("hwk", "user")
    assert identity.nonce == "n-0S6_WzA2Mj"
    assert identity.auth_time is not None
    assert identity.session_id is not None


async def test_a_sign_in_without_a_named_acr_is_worth_the_least(foreign_provider: ForeignProvider, house: House):
    finding = await house.find(await login(foreign_provider))

    assert isinstance(finding, Proven)
    assert finding.value.level is Level.SIGNED_IN


async def test_a_token_under_rsa_is_accepted_as_well(foreign_provider: ForeignProvider, house: House):
    tokens = await sign_in(foreign_provider, account="bob", client_id="vestibule-rsa")

    assert isinstance(await house.find(tokens.id_token), Proven)


async def test_a_token_for_another_client_is_refused(foreign_provider: ForeignProvider, house: House):
    tokens = await sign_in(foreign_provider, client_id="payroll")

    assert refusal(await house.find(tokens.id_token)) == (Gap.REFUSED, Reason.TOKEN_AUDIENCE)


async def test_an_access_token_for_the_same_audience_is_refused(foreign_provider: ForeignProvider, house: House):
    tokens = await sign_in(foreign_provider)

    assert refusal(await house.find(tokens.access_token)) == (Gap.REFUSED, Reason.TOKEN_TYPE)


async def test_a_token_past_its_end_is_refused(foreign_provider: ForeignProvider, house: House):
    id_token = await login(foreign_provider)

    house.clock.move(minutes=7)

    assert refusal(await house.find(id_token)) == (Gap.REFUSED, Reason.TOKEN_EXPIRED)


async def test_a_rotation_of_keys_is_followed(foreign_provider: ForeignProvider, house: House):
    before = await login(foreign_provider)
    await house.find(before)

    await foreign_provider.rotate_keys()
    house.clock.move(seconds=COOL_DOWN.total_seconds())

    assert isinstance(await house.find(await login(foreign_provider)), Proven)


async def test_a_token_from_before_a_rotation_holds_while_its_key_is_published(
    foreign_provider: ForeignProvider, house: House
):
    before = await login(foreign_provider)

    await foreign_provider.rotate_keys()

    assert isinstance(await house.find(before), Proven)


async def test_a_key_that_is_published_no_more_proves_nothing(foreign_provider: ForeignProvider, house: House):
    before = await login(foreign_provider)

    foreign_provider.restart()

    assert refusal(await house.find(before)) == (Gap.REFUSED, Reason.TOKEN_KEY)


async def test_nobody_is_proven_by_a_provider_that_was_never_reached(foreign_provider: ForeignProvider, house: House):
    id_token = await login(foreign_provider)

    foreign_provider.stop()

    assert refusal(await house.find(id_token)) == (Gap.UNAVAILABLE, Reason.IDP_UNREACHABLE)


async def test_a_provider_that_hangs_is_an_outage(foreign_provider: ForeignProvider, house: House):
    id_token = await login(foreign_provider)

    with foreign_provider.hung():
        finding = await house.find(id_token)

    assert refusal(finding) == (Gap.UNAVAILABLE, Reason.IDP_UNREACHABLE)


async def test_the_last_good_keys_serve_through_an_outage(foreign_provider: ForeignProvider, house: House):
    first, second = await login(foreign_provider), await login(foreign_provider)
    await house.find(first)

    foreign_provider.stop()

    assert isinstance(await house.find(second), Proven)


async def test_the_last_good_keys_serve_while_the_provider_hangs(foreign_provider: ForeignProvider, house: House):
    first, second = await login(foreign_provider), await login(foreign_provider)
    await house.find(first)

    with foreign_provider.hung():
        finding = await house.find(second)

    assert isinstance(finding, Proven)


async def test_last_good_keys_are_not_good_for_ever(foreign_provider: ForeignProvider, house: House):
    await house.find(await login(foreign_provider))
    id_token = await login(foreign_provider)

    foreign_provider.stop()
    house.clock.move(hours=24)

    assert refusal(await house.find(id_token)) == (Gap.UNAVAILABLE, Reason.IDP_UNREACHABLE)


async def test_a_provider_that_is_back_is_asked_again(foreign_provider: ForeignProvider, house: House):
    id_token = await login(foreign_provider)
    foreign_provider.stop()
    await house.find(id_token)

    foreign_provider.start()
    house.clock.move(seconds=COOL_DOWN.total_seconds())

    assert isinstance(await house.find(await login(foreign_provider)), Proven)


@asynccontextmanager
async def told() -> AsyncIterator[tuple[str, asyncio.Queue[str]]]:
    """Listen for logout tokens, as a client does, at an address that is returned."""
    tokens: asyncio.Queue[str] = asyncio.Queue()

    async def take(request: web.Request) -> web.Response:
        form = await request.post()
        tokens.put_nowait(str(form["logout_token"]))
        return web.Response()

    app = web.Application()
    app.add_routes([web.post("/v1/logout", take)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1/logout", tokens
    await runner.cleanup()


async def test_a_session_that_the_provider_ends_opens_nothing_more(
    house: House, foreign_provider: ForeignProvider
) -> None:
    id_token = await login(foreign_provider)
    other = await login(foreign_provider)
    session = str(read_object(base64url.decode(id_token.split(".")[1]))["sid"])

    async with told() as (uri, tokens):
        await foreign_provider.sign_out(uri=uri, sub="alice", sid=session)
        await house.logout.take(await tokens.get())

    ended = await house.find(id_token)
    assert isinstance(ended, Unproven)
    assert ended.reason is Reason.SIGNED_OUT
    assert isinstance(await house.find(other), Proven)
