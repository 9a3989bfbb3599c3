"""The demo's OpenID provider, driven over HTTP as a relying party and a browser would."""

import json
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientSession, CookieJar
from aiohttp.test_utils import TestServer, unused_port
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import KeySet

from plugin.shell.demo.accounts import Account, Client
from plugin.shell.demo.provider import Provider

REDIRECT = "http://127.0.0.1:9/signed-in"
VERIFIER = "v" * 43
ALICE = Account(
    username="alice", password="correct horse", subject="u-alice", groups=("board",), acr="mfa", amr=("pwd", "hwk")
)


@dataclass
class Time:
    now: datetime = datetime(2026, 11, 24, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@dataclass
class House:
    """A provider that runs, a browser, and a relying party's two requests."""

    provider: Provider
    browser: ClientSession
    time: Time
    request: dict[str, str] = field(
        default_factory=lambda: {
            "response_type": "code",
            "client_id": "vestibule",
            "redirect_uri": REDIRECT,
            "scope": "openid",
            "state": "s",
            "nonce": "n",
            "code_challenge": create_s256_code_challenge(VERIFIER),
            "code_challenge_method": "S256",
        }
    )

    async def ask(self, **changes: str | None) -> tuple[int, dict[str, str]]:
        """GET the authorization endpoint: the status and, where it redirects, the parameters that come back."""
        return await self._authorize("GET", changes, None)

    async def sign_in(self, *, password: str = ALICE.password, **changes: str | None) -> tuple[int, dict[str, str]]:
        return await self._authorize("POST", changes, {"username": "alice", "password": password})

    async def _authorize(
        self, method: str, changes: dict[str, str | None], form: dict[str, str] | None
    ) -> tuple[int, dict[str, str]]:
        query = {name: value for name, value in {**self.request, **changes}.items() if value is not None}
        url = f"{self.provider.issuer}/authorize"
        async with self.browser.request(method, url, params=query, data=form, allow_redirects=False) as answer:
            location = answer.headers.get("Location", "")
        assert not location or location.startswith(REDIRECT)
        return answer.status, {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}

    async def redeem(self, code: str, **changes: str | None) -> tuple[int, dict[str, str]]:
        fields = {
            "grant_type": "authorization_code",
            "client_id": "vestibule",
            "redirect_uri": REDIRECT,
            "code": code,
            "code_verifier": VERIFIER,
            **changes,
        }
        sent = {name: value for name, value in fields.items() if value is not None}
        async with self.browser.post(f"{self.provider.issuer}/token", data=sent) as answer:
            return answer.status, await answer.json()


@pytest.fixture
async def house() -> AsyncIterator[House]:
    time = Time()
    port = unused_port()
    client = Client(client_id="vestibule", redirect_uri=REDIRECT)
    provider = Provider(issuer=f"http://127.0.0.1:{port}", client=client, accounts=[ALICE], clock=time)
    async with TestServer(provider.app(), port=port), ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
        yield House(provider=provider, browser=browser, time=time)


async def test_a_sign_in_yields_a_signed_id_token(house: House) -> None:
    _, answer = await house.sign_in()

    _, tokens = await house.redeem(answer["code"])

    async with house.browser.get(f"{house.provider.issuer}/jwks") as jwks:
        keys = KeySet.import_key_set(await jwks.json())
    token = jwt.decode(tokens["id_token"], keys, algorithms=["ES256"])
    noon = int(house.time.now.timestamp())
    assert token.header == {"alg": "ES256", "typ": "JWT", "kid": keys.keys[0].kid}
    assert token.claims.pop("at_hash")
    assert token.claims.pop("sid")
    assert token.claims == {
        "iss": house.provider.issuer,
        "aud": "vestibule",
        "sub": "u-alice",
        "iat": noon,
        "exp": noon + 600,
        "auth_time": noon,
        "nonce": "n",
        "acr": "mfa",
        "amr": ["pwd", "hwk"],
        "groups": ["board"],
    }


async def test_keys_are_public_and_say_what_they_are_for(house: House) -> None:
    async with house.browser.get(f"{house.provider.issuer}/jwks") as answer:
        (key,) = (await answer.json())["keys"]

    assert {name: key[name] for name in ("kty", "crv", "use", "alg")} == {
        "kty": "EC",
        "crv": "P-256",
        "use": "sig",
        "alg": "ES256",
    }
    assert "d" not in key


async def test_discovery_names_the_endpoints_of_this_issuer(house: House) -> None:
    async with house.browser.get(f"{house.provider.issuer}/.well-known/openid-configuration") as answer:
        metadata = await answer.json()

    assert metadata["issuer"] == house.provider.issuer
    assert metadata["jwks_uri"] == f"{house.provider.issuer}/jwks"
    assert metadata["code_challenge_methods_supported"] == ["S256"]


async def test_the_answer_names_its_issuer_and_returns_the_state(house: House) -> None:
    _, answer = await house.sign_in()

    assert (answer["iss"], answer["state"]) == (house.provider.issuer, "s")


async def test_a_browser_without_a_session_is_shown_the_sign_in_page(house: House) -> None:
    async with house.browser.get(f"{house.provider.issuer}/authorize", params=house.request) as answer:
        page = await answer.text()

    assert answer.status == 200
    assert '<input name="password" type="password"' in page


async def test_a_session_signs_in_again_without_a_form_and_keeps_its_auth_time(house: House) -> None:
    _, first = await house.sign_in()
    await house.redeem(first["code"])
    house.time.now += timedelta(hours=9)

    _, again = await house.ask()

    _, tokens = await house.redeem(again["code"])
    claims = _claims(tokens["id_token"])
    assert claims["iat"] - claims["auth_time"] == 9 * 3600


@pytest.mark.parametrize("request_that_needs_a_form", [{"max_age": "3600"}, {"prompt": "login"}, {"max_age": "soon"}])
async def test_a_session_is_not_enough_where_a_sign_in_is_asked_for(
    house: House, request_that_needs_a_form: dict[str, str]
) -> None:
    await house.sign_in()
    house.time.now += timedelta(hours=9)

    status, answer = await house.ask(**request_that_needs_a_form)

    assert (status, answer) == (200, {})


async def test_a_session_ends(house: House) -> None:
    await house.sign_in()
    house.time.now += timedelta(hours=12)

    status, answer = await house.ask()

    assert (status, answer) == (200, {})


async def test_prompt_none_without_a_session_is_answered_with_an_error(house: House) -> None:
    _, answer = await house.ask(prompt="none")

    assert (answer["error"], answer["iss"]) == ("login_required", house.provider.issuer)


async def test_a_wrong_password_yields_no_code(house: House) -> None:
    status, answer = await house.sign_in(password="wrong")

    assert (status, answer) == (403, {})


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge": VERIFIER, "code_challenge_method": "plain"},
        {"code_challenge": None},
        {"code_challenge": "short"},
        {"nonce": None},
    ],
)
async def test_a_request_without_s256_or_nonce_is_refused(house: House, changes: dict[str, str | None]) -> None:
    _, answer = await house.sign_in(**changes)

    assert (answer["error"], "code" in answer) == ("invalid_request", False)


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "http://127.0.0.1:9/elsewhere"},
        {"redirect_uri": "https://attacker.example/signed-in"},
        {"redirect_uri": None},
        {"client_id": "another"},
    ],
)
async def test_an_unknown_place_to_return_to_is_never_redirected_to(
    house: House, changes: dict[str, str | None]
) -> None:
    status, answer = await house.sign_in(**changes)

    assert (status, answer) == (400, {})


async def test_a_code_works_once(house: House) -> None:
    _, answer = await house.sign_in()
    await house.redeem(answer["code"])

    status, body = await house.redeem(answer["code"])

    assert (status, body["error"]) == (400, "invalid_grant")


async def test_a_code_that_was_presented_wrongly_works_no_more(house: House) -> None:
    _, answer = await house.sign_in()
    await house.redeem(answer["code"], code_verifier="w" * 43)

    status, body = await house.redeem(answer["code"])

    assert (status, body["error"]) == (400, "invalid_grant")


async def test_a_code_ends_after_a_minute(house: House) -> None:
    _, answer = await house.sign_in()
    house.time.now += timedelta(seconds=60)

    status, body = await house.redeem(answer["code"])

    assert (status, body["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_request"),
        ({"redirect_uri": "http://127.0.0.1:9/elsewhere"}, "invalid_grant"),
        ({"client_id": "another"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
async def test_a_code_is_worth_nothing_to_somebody_else(
    house: House, changes: dict[str, str | None], error: str
) -> None:
    _, answer = await house.sign_in()

    _, body = await house.redeem(answer["code"], **changes)

    assert body["error"] == error
    assert "id_token" not in body


def test_a_provider_that_others_could_reach_is_not_built() -> None:
    client = Client(client_id="vestibule", redirect_uri=REDIRECT)

    with pytest.raises(ValueError, match="expected a loopback address"):
        Provider(issuer="http://192.0.2.1:8000", client=client, accounts=[], clock=Time())


def _claims(token: str) -> dict[str, int]:
    return json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))
