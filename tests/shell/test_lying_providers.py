"""Providers whose documents lie, over real sockets: where they try to lead us, and what they try to make us read."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from plugin.core.errors import Unavailable
from plugin.core.reasons import Reason
from plugin.flow.provider_keys import ProviderKeys
from plugin.shell.wiring import utc_now
from tests.flow.provider import jwk, settings
from tests.shell.fetching import fetching

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
KEYS = {"keys": [jwk("first")]}


@dataclass(slots=True, kw_only=True)
class Liar:
    """A provider on loopback whose two documents can be anything, and a service inside that nobody may be led to."""

    url: str
    inside: str
    asked_inside: list[str]
    documents: dict[str, Answer] = field(default_factory=dict)

    def says(self, **metadata: object) -> None:
        """Publish metadata that is good but for some members."""
        good = {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        self.documents["/.well-known/openid-configuration"] = document({**good, **metadata})

    async def reason(self) -> Reason | None:
        """Say why its keys cannot be had, None where they can."""
        async with fetching(timeout=1) as fetch:
            keys = ProviderKeys([settings(self.url)], fetch=fetch, clock=utc_now)
            try:
                await keys.keys(self.url, key_id="first")
            except Unavailable as outage:
                return outage.reason
            finally:
                await keys.close()
        return None


def document(content: object, **headers: str) -> Answer:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body, headers=headers)

    return answer


def redirect(to: str) -> Answer:
    async def answer(_: web.Request) -> web.Response:
        raise web.HTTPFound(to)

    return answer


@asynccontextmanager
async def listening(answer: Answer) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app, host="127.0.0.1") as server:
        yield str(server.make_url("")).rstrip("/")


@pytest_asyncio.fixture
async def liar() -> AsyncIterator[Liar]:
    asked_inside: list[str] = []
    documents: dict[str, Answer] = {"/keys": document(KEYS)}

    async def inside(request: web.Request) -> web.Response:
        asked_inside.append(request.path)
        return web.json_response(KEYS)

    async def outside(request: web.Request) -> web.StreamResponse:
        return await documents[request.path](request)

    async with listening(inside) as service, listening(outside) as url:
        liar = Liar(url=url, inside=service, asked_inside=asked_inside, documents=documents)
        liar.says()
        yield liar


async def test_a_provider_that_does_not_lie_is_believed(liar: Liar) -> None:
    assert await liar.reason() is None


@pytest.mark.parametrize(
    "jwks_uri",
    [
        pytest.param("{inside}/keys", id="another port of the host"),
        pytest.param("http://localhost:{port}/keys", id="another name of the host"),
        pytest.param("http://127.1:{port}/keys", id="a short form of the address"),
        pytest.param("http://2130706433:{port}/keys", id="the address as a number"),
        pytest.param("http://[::ffff:127.0.0.1]:{port}/keys", id="the address mapped into IPv6"),
        pytest.param("http://169.254.169.254/latest/meta-data", id="a cloud's metadata"),
        pytest.param("http://127.0.0.1:{port}@{bare}/keys", id="credentials that look like the host"),
        pytest.param("{inside}\\@127.0.0.1/keys", id="a backslash"),
        pytest.param("file:///etc/passwd", id="a file"),
        pytest.param("gopher://127.0.0.1:{port}/_GET", id="gopher"),
        pytest.param("http://127.0.0.1:{port}0000/keys", id="a port that is none"),
    ],
)
async def test_metadata_leads_nobody_inside(liar: Liar, jwks_uri: str) -> None:
    port, bare = liar.inside.rpartition(":")[2], liar.url.partition("//")[2]
    liar.says(jwks_uri=jwks_uri.format(inside=liar.inside, port=port, bare=bare))

    verdict = await liar.reason()

    assert verdict is Reason.IDP_MISCONFIGURED
    assert liar.asked_inside == []


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys"])
async def test_a_redirect_leads_nobody_inside(liar: Liar, path: str) -> None:
    liar.documents[path] = redirect(f"{liar.inside}{path}")

    verdict = await liar.reason()

    assert verdict is Reason.IDP_MISCONFIGURED
    assert liar.asked_inside == []


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys"])
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(document(b"[" * 30_000 + b"]" * 30_000), id="nested 30,000 deep"),
        pytest.param(document({"a": json.loads("[" * 40 + "]" * 40)}), id="nested 40 deep"),
        pytest.param(document(b" " * 10 * 2**20), id="10 MiB"),
        pytest.param(document(gzip.compress(b" " * 2**24), **{"Content-Encoding": "gzip"}), id="compressed"),
        pytest.param(document(b'{"keys":[],"keys":[],"issuer":1,"issuer":2}'), id="members twice"),
        pytest.param(document(b"\xff\xfe{}"), id="not UTF-8"),
        pytest.param(document({"keys": [jwk(str(number)) for number in range(33)]}), id="33 keys"),
        pytest.param(document({"keys": [{"kty": "EC", "d": "AA"}]}), id="a private key"),
    ],
)
async def test_a_document_that_is_too_much_or_not_clear_is_not_used(liar: Liar, path: str, answer: Answer) -> None:
    liar.documents[path] = answer

    assert await liar.reason() is Reason.IDP_MISCONFIGURED


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys"])
async def test_a_document_that_never_ends_is_given_up(liar: Liar, path: str) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"{")
        await asyncio.Event().wait()
        return response

    liar.documents[path] = answer

    assert await liar.reason() is Reason.IDP_UNREACHABLE
