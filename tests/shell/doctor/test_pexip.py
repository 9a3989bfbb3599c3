"""`vestibule doctor --pexip`: every trial holds against the service, and no liar in its place goes unnoticed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from plugin.shell.check import check
from plugin.shell.doctor import pexip
from plugin.shell.doctor.command import examine
from plugin.shell.doctor.report import Level, Line
from tests.shell.doctor.asking import options
from tests.shell.world import PASSWORD, World, opened

REJECT = {"status": "success", "action": "reject"}
ROOM = {"name": "board", "service_tag": "board", "service_type": "conference"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def lines_of(world: World, url: str) -> tuple[Line, ...]:
    return await examine(options(world.folder / "vestibule.toml", "--pexip", url))


def faults(lines: tuple[Line, ...]) -> dict[str, str]:
    return {line.subject.removeprefix("pexip "): line.found for line in lines if line.level is Level.FAULT}


@asynccontextmanager
async def answering(handler: Handler) -> AsyncIterator[str]:
    app = web.Application(handler_args={"max_line_size": 2**18})
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_the_service_rejects_every_failure_and_every_lie(world: World):
    lines = await lines_of(world, world.url)

    assert [line for line in lines if line.level is not Level.OK] == []
    assert {record.outcome for record in world.records} == {"deny"}


async def test_a_stranger_is_told_that_nothing_behind_the_door_was_examined(tmp_path: Path):
    async with opened(tmp_path, pexip='sources = ["192.0.2.0/24"]') as world:
        lines = await lines_of(world, world.url)

    (line,) = [line for line in lines if line.level is not Level.OK]
    assert (line.level, line.subject) == (Level.WARNING, "pexip an alias that nobody knows")
    assert "sources" in line.advice


async def test_a_report_says_what_it_cannot_prove(world: World):
    lines = await lines_of(world, world.url)

    assert "live check" in lines[-1].found


async def test_the_password_is_in_no_line(world: World):
    lines = await lines_of(world, world.url)

    assert PASSWORD not in repr(lines)


async def admit_everybody(_request: web.Request) -> web.Response:
    return web.json_response({"status": "success", "action": "continue", "result": ROOM})


async def reject_with_a_room(_request: web.Request) -> web.Response:
    return web.json_response({**REJECT, "result": ROOM})


async def continue_bare(_request: web.Request) -> web.Response:
    return web.json_response({"status": "success", "action": "continue"})


async def challenge(_request: web.Request) -> web.Response:
    return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})


async def redirect(_request: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": "/elsewhere"})


async def fail(_request: web.Request) -> web.Response:
    return web.Response(status=500)


async def sign_in_page(_request: web.Request) -> web.Response:
    return web.Response(text="<html>Please sign in</html>", content_type="text/html")


async def hang_up(request: web.Request) -> web.Response:
    assert request.transport
    request.transport.close()
    return web.Response()


@pytest.mark.parametrize(
    ("liar", "found"),
    [
        (admit_everybody, "it was admitted"),
        (reject_with_a_room, "it was admitted"),
        (continue_bare, "own database"),
        (challenge, "status 401"),
        (redirect, "status 302"),
        (fail, "status 500"),
        (sign_in_page, "content type `text/html`"),
        (hang_up, "no answer"),
    ],
)
async def test_each_open_door_is_a_fault_and_says_what_is_open(world: World, liar: Handler, found: str):
    async with answering(liar) as url:
        told = faults(await lines_of(world, url))

    assert found in told["an alias that nobody knows"]
    assert found in told["a conference, and a ticket that was never issued"]


async def test_an_answer_that_never_comes_is_a_fault_and_does_not_end_the_report(world: World):
    config, ended = check(world.folder / "vestibule.toml").config, asyncio.Event()

    async def wait(_request: web.Request) -> web.Response:
        await ended.wait()
        return web.Response()

    async with answering(wait) as url:
        told = faults(tuple([line async for line in pexip.examine(url, config=config, seconds=0.01)]))
        ended.set()

    assert "TimeoutError" in told["no credentials"]
    assert "TimeoutError" in told["a participant without a call"]


async def test_a_device_that_may_register_and_an_open_phonebook_are_faults(world: World):
    async def open_to_devices(request: web.Request) -> web.Response:
        if "registrations" in request.path:
            return web.json_response({"status": "success", "action": "continue", "result": [{"alias": "board"}]})
        return web.Response(status=404) if "avatar" in request.path else web.json_response(REJECT)

    async with answering(open_to_devices) as url:
        told = faults(await lines_of(world, url))

    assert told.keys() == {"the phonebook", "a device that nobody knows registers"}


async def test_without_pexip_there_is_nothing_to_examine(tmp_path: Path):
    async with opened(tmp_path) as world:
        file = world.folder / "vestibule.toml"
        kept, _, _ = file.read_text().partition("[pexip]")
        file.write_text(kept)

        (line,) = await lines_of(world, world.url)

    assert line.level is Level.FAULT
    assert "[pexip]" in line.found
