"""HAProxy's checks: who is not ready gets no questions, and with nobody ready every question is still rejected."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest
from aiohttp import web

from tests.deploy.test_haproxy import PATIENCE, REJECTED, SERVICE, Proxy, shipped_proxy
from tests.shell.parties import DeviceAuthority
from tests.shell.world import basic, caller, opened

pytestmark = [pytest.mark.component("haproxy"), pytest.mark.component("openssl")]

QUESTION = f"{SERVICE}?{urlencode(caller('townhall', ticket='', address='192.0.2.7'))}"
PASSWORD = (f"Authorization: {basic()['Authorization']}",)
SERVER = 'proxies = ["127.0.0.2/32"]'
CLIENT_ERROR = 503


async def until(proxy: Proxy, *, is_right: Callable[[tuple[int, object]], bool]) -> tuple[int, object]:
    """Ask by a door that no error page covers until the checks have come to it."""
    async with asyncio.timeout(PATIENCE):
        answer = await proxy.ask("/livez")
        while not is_right(answer):
            answer = await proxy.ask("/livez")
    return answer


def is_up(answer: tuple[int, object]) -> bool:
    return answer == (200, {"live": True})


def is_down(answer: tuple[int, object]) -> bool:
    return answer[0] == CLIENT_ERROR


async def test_a_service_that_is_not_ready_is_taken_out_and_comes_back(tmp_path: Path):
    (tmp_path / "house").mkdir()
    async with opened(tmp_path / "house", server=SERVER) as world:
        port = int(world.url.rpartition(":")[2])
        with shipped_proxy(tmp_path / "proxy", port=port, authority=DeviceAuthority()) as proxy:
            before = await proxy.ask(QUESTION, headers=PASSWORD)

            house, world.gate.house = world.gate.house, None
            await until(proxy, is_right=is_down)
            out = await proxy.ask(QUESTION, headers=PASSWORD)

            world.gate.house = house
            await until(proxy, is_right=is_up)
            after = await proxy.ask(QUESTION, headers=PASSWORD)

    assert [answer[1]["action"] for answer in (before, after)] == ["continue", "continue"]  # type: ignore[index] # objects, or it fails
    assert out == REJECTED


Answer = Callable[[web.Request], Awaitable[web.Response]]


@asynccontextmanager
async def in_front_of(folder: Path, answer: Answer) -> AsyncIterator[Proxy]:
    """Run the proxy in front of something that answers everything, checks as well, in one way."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    with shipped_proxy(folder / "proxy", port=runner.addresses[0][1], authority=DeviceAuthority()) as proxy:
        yield proxy
    await runner.cleanup()


async def reject(_: web.Request) -> web.Response:
    return web.json_response({"status": "success", "action": "reject"})


async def admit(_: web.Request) -> web.Response:
    return web.json_response({"status": "success", "action": "continue"})


async def not_ready(_: web.Request) -> web.Response:
    return web.json_response({"ready": False}, status=503)


@pytest.mark.parametrize("answer", [reject, admit, not_ready])
async def test_what_answers_and_is_not_ready_does_not_look_alive(tmp_path: Path, answer: Answer):
    async with in_front_of(tmp_path, answer) as proxy:
        await until(proxy, is_right=is_down)

        assert await proxy.ask(QUESTION) == REJECTED
