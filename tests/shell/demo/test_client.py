"""The people's web client against providers and doors that lie or fail."""

from collections.abc import AsyncIterator, Callable
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer, unused_port

from plugin.shell.demo.accounts import Client
from plugin.shell.demo.client import Login, ProtocolError, WebClient

CLIENT = Client(client_id="vestibule", redirect_uri="http://127.0.0.1:9/signed-in")
LOGIN = Login(username="alice", password="correct horse")
Answer = Callable[[str, str], dict[str, str]]


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


def provider(port: int, answer: Answer | None, *, token_status: int = 200) -> web.Application:
    """A provider that answers the authorization request with what `answer` makes of issuer and state."""
    issuer = f"http://127.0.0.1:{port}"

    async def discovery(_: web.Request) -> web.Response:
        return web.json_response({"authorization_endpoint": f"{issuer}/authorize", "token_endpoint": f"{issuer}/token"})

    async def authorize(request: web.Request) -> web.Response:
        if answer is None:
            return web.Response(text="<form>")
        (state,) = parse_qs(urlsplit(str(request.url)).query)["state"]
        location = f"{CLIENT.redirect_uri}?{urlencode(answer(issuer, state))}"
        return web.Response(status=302, headers={"Location": location})

    async def token(_: web.Request) -> web.Response:
        return web.json_response({"id_token": "a.b.c"}, status=token_status)

    app = web.Application()
    app.add_routes(
        [
            web.get("/.well-known/openid-configuration", discovery),
            web.route("*", "/authorize", authorize),
            web.post("/token", token),
        ]
    )
    return app


async def sign_in(http: ClientSession, answer: Answer | None, *, token_status: int = 200) -> str:
    port = unused_port()
    async with TestServer(provider(port, answer, token_status=token_status), port=port):
        client = WebClient(http=http, service="http://127.0.0.1:9")
        return await client.sign_in(f"http://127.0.0.1:{port}", registered=CLIENT, nonce="n", login=LOGIN)


async def test_an_honest_answer_signs_in(http: ClientSession) -> None:
    token = await sign_in(http, lambda issuer, state: {"code": "c", "state": state, "iss": issuer})

    assert token == "a.b.c"


@pytest.mark.parametrize(
    "answer",
    [
        lambda issuer, _: {"code": "c", "state": "another", "iss": issuer},
        lambda _, state: {"code": "c", "state": state, "iss": "https://attacker.example"},
        lambda _, state: {"code": "c", "state": state},
        lambda issuer, state: {"error": "access_denied", "state": state, "iss": issuer},
        None,
    ],
    ids=["for another request", "from another issuer", "from nobody", "an error", "a form again"],
)
async def test_an_answer_that_is_not_for_this_client_is_refused(http: ClientSession, answer: Answer | None) -> None:
    with pytest.raises(ProtocolError):
        await sign_in(http, answer)


async def test_a_code_that_is_not_redeemed_is_no_sign_in(http: ClientSession) -> None:
    with pytest.raises(ProtocolError, match="got status `400`"):
        await sign_in(http, lambda issuer, state: {"code": "c", "state": state, "iss": issuer}, token_status=400)


async def test_a_door_that_does_not_serve_gives_no_challenge(http: ClientSession) -> None:
    async def unavailable(_: web.Request) -> web.Response:
        return web.Response(status=503)

    app = web.Application()
    app.router.add_post("/v1/challenges", unavailable)
    async with TestServer(app) as service:
        client = WebClient(http=http, service=str(service.make_url("")).rstrip("/"))

        with pytest.raises(ProtocolError, match="got status `503`"):
            await client.challenge("board")
