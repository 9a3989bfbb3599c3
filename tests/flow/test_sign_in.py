"""People sign in at a provider that others wrote, and liars bring answers that are not theirs."""

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from urllib.parse import parse_qsl, urlsplit

import pytest

from idp_adapters.oidc import adapter
from plugin.core.errors import Refused, Unavailable
from plugin.core.reasons import Reason
from plugin.flow.sign_in import LIFETIME, Answer, Client, Registration, SignedIn, SignIns
from plugin.ports import IdpSettings
from plugin.shell.fetch import HttpFetch
from tests.fakes import HandClock, MemoryStore
from tests.idp_adapters.foreign.provider import REDIRECT_URI, ForeignProvider, browse
from tests.idp_adapters.proving import house_for

pytestmark = pytest.mark.component("node-oidc-provider")

NONCE = "the-nonce-of-this-enrolment"
MINE, ANOTHERS = "this-browser", "another-browser"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The relying party, and whom it sends people to."""

    issuer: str
    sign_ins: SignIns
    store: MemoryStore
    clock: HandClock

    async def answer(self, *, browser: str = MINE, nonce: str = NONCE) -> Answer:
        """Have alice sign in, and return what her browser is sent back with."""
        url = await self.sign_ins.begin(self.issuer, nonce=nonce, browser=browser)
        parts = urlsplit(url)
        told = await browse(parts._replace(query="").geturl(), question=dict(parse_qsl(parts.query)), account="alice")
        return Answer(state=told["state"], code=told["code"], issuer=told["iss"])

    async def refusal(self, answer: Answer, *, browser: str = MINE) -> Reason:
        with pytest.raises(Refused) as refused:
            await self.sign_ins.finish(answer, browser=browser)
        return refused.value.reason


@asynccontextmanager
async def opened(provider: ForeignProvider, *, client_id: str = "vestibule") -> AsyncIterator[Desk]:
    settings = IdpSettings(
        issuer=provider.issuer, audience=frozenset({"vestibule"}), algorithms=frozenset({"ES256"}), org="acme"
    )
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(house_for(adapter(settings)))
        fetch = HttpFetch(hosts=frozenset({"127.0.0.1"}))
        stack.push_async_callback(fetch.close)
        client, store = Client(issuer=provider.issuer, client_id=client_id), MemoryStore()
        sign_ins = SignIns(
            registrations={provider.issuer: Registration(client=client, fetch=fetch, post=fetch.post)},
            redirect_uri=REDIRECT_URI,
            recognise=partial(house.verification.identities.recognise, login_age=timedelta(minutes=10)),
            store=store,
            clock=house.clock,
            random_bytes=secrets.token_bytes,
        )
        yield Desk(issuer=provider.issuer, sign_ins=sign_ins, store=store, clock=house.clock)


@pytest.fixture
async def desk(foreign_provider: ForeignProvider) -> AsyncIterator[Desk]:
    async with opened(foreign_provider) as opening:
        yield opening


async def test_a_person_who_signs_in_gets_a_token_for_this_nonce(desk: Desk) -> None:
    answer = await desk.answer()

    signed_in = await desk.sign_ins.finish(answer, browser=MINE)

    assert isinstance(signed_in, SignedIn)
    assert signed_in.nonce == NONCE


async def test_a_person_is_asked_to_sign_in_anew_and_sent_back_to_our_page_alone(desk: Desk) -> None:
    url = await desk.sign_ins.begin(desk.issuer, nonce=NONCE, browser=MINE)

    question = dict(parse_qsl(urlsplit(url).query))
    assert (question["prompt"], question["max_age"], question["redirect_uri"]) == ("login", "0", REDIRECT_URI)
    assert (question["response_type"], question["code_challenge_method"]) == ("code", "S256")


async def test_an_answer_with_a_state_that_nobody_made_is_refused(desk: Desk) -> None:
    answer = await desk.answer()

    forged = Answer(state="forged", code=answer.code, issuer=answer.issuer)

    assert await desk.refusal(forged) is Reason.SIGN_IN_UNKNOWN


async def test_an_answer_for_another_browsers_sign_in_is_refused(desk: Desk) -> None:
    answer = await desk.answer(browser=ANOTHERS)

    assert await desk.refusal(answer) is Reason.SIGN_IN_UNKNOWN


async def test_an_answer_counts_once(desk: Desk) -> None:
    answer = await desk.answer()
    await desk.sign_ins.finish(answer, browser=MINE)

    assert await desk.refusal(answer) is Reason.SIGN_IN_UNKNOWN


async def test_a_code_that_was_used_is_refused_by_the_next_sign_in(desk: Desk) -> None:
    used, fresh = await desk.answer(), await desk.answer()
    await desk.sign_ins.finish(used, browser=MINE)

    injected = Answer(state=fresh.state, code=used.code, issuer=fresh.issuer)

    assert await desk.refusal(injected) is Reason.SIGN_IN_UNKNOWN


async def test_a_stolen_code_is_refused_in_the_thiefs_own_sign_in(desk: Desk) -> None:
    stolen, thiefs = await desk.answer(), await desk.answer(browser=ANOTHERS)

    injected = Answer(state=thiefs.state, code=stolen.code, issuer=thiefs.issuer)

    assert await desk.refusal(injected, browser=ANOTHERS) is Reason.SIGN_IN_UNKNOWN


@pytest.mark.parametrize("issuer", ["https://attacker.example", None])
async def test_an_answer_that_another_provider_sends_or_nobody_signs_is_refused(desk: Desk, issuer: str | None) -> None:
    answer = await desk.answer()

    mixed_up = Answer(state=answer.state, code=answer.code, issuer=issuer)

    assert await desk.refusal(mixed_up) is Reason.SIGN_IN_UNKNOWN


async def test_a_token_of_another_client_is_refused(foreign_provider: ForeignProvider) -> None:
    async with opened(foreign_provider, client_id="payroll") as desk:
        answer = await desk.answer()

        assert await desk.refusal(answer) is Reason.TOKEN_AUDIENCE


async def test_a_token_for_the_nonce_of_another_enrolment_is_refused(desk: Desk) -> None:
    answer = await desk.answer()
    (key,) = (key for kind, key in desk.store.entries if kind == "sign-in")
    begun = await desk.store.get("sign-in", key, now=desk.clock())
    assert begun is not None
    changed = {**begun, "nonce": "the-nonce-of-another"}
    await desk.store.put("sign-in", key, changed, expires_at=desk.clock() + LIFETIME)

    assert await desk.refusal(answer) is Reason.TOKEN_NONCE


async def test_a_sign_in_that_took_too_long_is_over(desk: Desk) -> None:
    answer = await desk.answer()

    desk.clock.move(seconds=LIFETIME.total_seconds())

    assert await desk.refusal(answer) is Reason.SIGN_IN_UNKNOWN


async def test_nobody_is_sent_to_a_provider_that_is_not_configured(desk: Desk) -> None:
    with pytest.raises(Refused) as refused:
        await desk.sign_ins.begin("https://attacker.example", nonce=NONCE, browser=MINE)

    assert refused.value.reason is Reason.TOKEN_ISSUER


async def test_a_provider_that_is_down_is_an_outage(desk: Desk, foreign_provider: ForeignProvider) -> None:
    foreign_provider.stop()

    with pytest.raises(Unavailable):
        await desk.sign_ins.begin(desk.issuer, nonce=NONCE, browser=MINE)
