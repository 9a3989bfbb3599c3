"""Fetching a document: its size, its time, its form, and nothing kept between two of them."""

import asyncio
import gzip

import pytest
from aiohttp import web

from plugin.core.reasons import Reason
from tests.shell.fetching import (
    LIMIT,
    SHORT,
    document,
    fetching,
    reason_of,
    serving,
    serving_bytes,
)


async def test_document_arrives_with_its_age() -> None:
    async with serving(document) as url, fetching() as fetch:
        fetched = await fetch(url, limit=LIMIT)

    assert (fetched.status, fetched.body, fetched.max_age) == (200, b'{"keys":[]}', 3600)


@pytest.mark.parametrize(
    ("header", "max_age"),
    [
        ("max-age=60", 60),
        ("private,max-age=60,must-revalidate", 60),
        ("MAX-AGE=0", 0),
        ("no-store", None),
        ("", None),
        ("s-maxage=60", None),
        ("x-max-age=60", None),
        ("max-age=-60", None),
        ("max-age=soon", None),
        (f"max-age={'9' * 5000}", None),
    ],
)
async def test_age_is_read_from_cache_control(header: str, max_age: int | None) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(headers={"Cache-Control": header})

    async with serving(answer) as url, fetching() as fetch:
        fetched = await fetch(url, limit=LIMIT)

    assert fetched.max_age == max_age


async def test_status_is_the_callers_to_judge() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=503)

    async with serving(answer) as url, fetching() as fetch:
        fetched = await fetch(url, limit=LIMIT)

    assert fetched.status == 503


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308])
async def test_redirect_is_not_followed(status: int) -> None:
    asked = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path_qs)
        return web.Response(status=status, headers={"Location": "/keys?again"})

    async with serving(answer) as url, fetching() as fetch:
        verdict = await reason_of(fetch, url)

    assert verdict is Reason.IDP_MISCONFIGURED
    assert asked == ["/keys"]


async def test_document_of_ten_megabytes_is_dropped_while_it_comes() -> None:
    sent = []

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(10 * 1024):
            await response.write(b"x" * 1024)
            sent.append(1024)
        return response

    async with serving(answer) as url, fetching() as fetch:
        verdict = await reason_of(fetch, url)

    assert verdict is Reason.IDP_MISCONFIGURED
    assert sum(sent) < 10 * 2**20


async def test_document_of_just_the_limit_arrives() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * LIMIT)

    async with serving(answer) as url, fetching() as fetch:
        fetched = await fetch(url, limit=LIMIT)

    assert len(fetched.body) == LIMIT


async def test_document_shorter_than_announced_is_not_taken_for_whole() -> None:
    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}")
        await writer.drain()

    async with serving_bytes(script) as url, fetching() as fetch:
        verdict = await reason_of(fetch, url)

    assert verdict is Reason.IDP_UNREACHABLE


async def test_document_announced_beyond_the_limit_is_dropped() -> None:
    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n" + b"x" * (LIMIT + 1))
        await writer.drain()

    async with serving_bytes(script) as url, fetching() as fetch:
        verdict = await reason_of(fetch, url)

    assert verdict is Reason.IDP_MISCONFIGURED


async def test_compressed_document_is_not_unpacked() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(b"0" * 10 * 2**20), headers={"Content-Encoding": "gzip"})

    async with serving(answer) as url, fetching() as fetch:
        verdict = await reason_of(fetch, url)

    assert verdict is Reason.IDP_MISCONFIGURED


async def test_provider_that_says_nothing_is_given_up() -> None:
    async def script(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with serving_bytes(script) as url, fetching(timeout=SHORT) as fetch:
        verdict = await reason_of(fetch, url)

    assert verdict is Reason.IDP_UNREACHABLE


async def test_provider_that_drips_is_given_up() -> None:
    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(SHORT / 10)

    async with serving_bytes(script) as url, fetching(timeout=SHORT) as fetch:
        verdict = await reason_of(fetch, url)

    assert verdict is Reason.IDP_UNREACHABLE


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 10_000 + b"\r\n", b""]
)
async def test_provider_that_does_not_speak_http_is_unreachable(answer: bytes) -> None:
    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    async with serving_bytes(script) as url, fetching() as fetch:
        verdict = await reason_of(fetch, url)

    assert verdict is Reason.IDP_UNREACHABLE


async def test_closed_port_is_unreachable() -> None:
    async with serving(document) as url:
        pass

    async with fetching() as fetch:
        verdict = await reason_of(fetch, url)

    assert verdict is Reason.IDP_UNREACHABLE


async def test_cookies_are_not_kept() -> None:
    seen = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Cookie"))
        response = web.Response()
        response.set_cookie("session", "abc")
        return response

    async with serving(answer) as url, fetching() as fetch:
        await fetch(url, limit=LIMIT)
        await fetch(url, limit=LIMIT)

    assert seen == [None, None]


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")

    async with serving(document) as url, fetching() as fetch:
        fetched = await fetch(url, limit=LIMIT)

    assert fetched.status == 200
