"""Documents over plain HTTP, where what comes is signed by itself: from the configured origins and from no other."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from plugin.core.errors import Unavailable
from plugin.core.reasons import Reason
from plugin.shell.fetch import HttpFetch
from tests.shell.fetching import LIMIT, SHORT, Names, fetching


async def echo(request: web.Request) -> web.Response:
    return web.Response(body=f"{request.content_type} ".encode() + await request.read())


async def test_a_question_arrives_with_its_kind() -> None:
    app = web.Application()
    app.router.add_post("/ocsp", echo)
    async with TestServer(app) as server, fetching() as fetch:
        url = str(server.make_url("/ocsp"))
        fetched = await fetch.post(url, b"question", media_type="application/ocsp-request", limit=LIMIT)

    assert fetched.body == b"application/ocsp-request question"


PLAIN = frozenset({"http://ocsp.example.com:8080"})


@pytest.mark.parametrize(
    "url",
    [
        "http://ocsp.example.com/",
        "http://ocsp.example.com:8081/",
        "http://other.example.com:8080/",
        "http://user@ocsp.example.com:8080/",
        "ftp://ocsp.example.com:8080/",
    ],
)
async def test_only_the_configured_origin_may_be_asked_without_tls(url: str) -> None:
    names = Names("192.0.2.1")
    hosts = frozenset({"ocsp.example.com", "other.example.com"})
    fetch = HttpFetch(hosts=hosts, plain_origins=PLAIN, resolver=names, timeout=SHORT)

    with pytest.raises(Unavailable):
        await fetch.post(url, b"", media_type="application/ocsp-request", limit=LIMIT)

    await fetch.close()
    assert names.asked == []


async def test_a_plain_origin_inside_is_reached_only_where_it_may_be() -> None:
    names = Names("127.0.0.1", "10.0.0.1")
    hosts = frozenset({"ocsp.example.com"})
    fetch = HttpFetch(hosts=hosts, plain_origins=PLAIN, resolver=names, timeout=SHORT)

    with pytest.raises(Unavailable) as outage:
        await fetch.post("http://ocsp.example.com:8080/", b"", media_type="application/ocsp-request", limit=LIMIT)

    await fetch.close()
    assert (outage.value.reason, names.asked) == (Reason.IDP_MISCONFIGURED, ["ocsp.example.com"])
