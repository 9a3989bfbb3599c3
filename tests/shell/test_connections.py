"""Connections of platforms: none ends without an answer, and none because nothing was asked for long."""

import asyncio
import json
from ipaddress import ip_network
from pathlib import Path

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from plugin.shell.check import prepare
from plugin.shell.http import KEPT_SECONDS, ExplicitRunner
from tests.shell.parties import DeviceAuthority
from tests.shell.world import CALLER_TOKEN, World, write_configuration


async def test_who_has_stopped_sending_while_the_answer_is_made_is_still_told_no(world: World) -> None:
    world.acme.hanging = True
    body = json.dumps({"conference": "board", "id_token": world.token("alice"), "participant": {}}).encode()
    head = f"POST /v1/joins HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {CALLER_TOKEN}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", int(world.url.rpartition(":")[2]))
    writer.write(head.encode() + body)
    await world.acme.asked.wait()

    writer.write_eof()

    answer = await reader.read()
    writer.close()
    assert b" 200 OK\r\n" in answer
    assert b'"action": "reject"' in answer


async def test_a_connection_is_kept_for_years() -> None:
    runner = ExplicitRunner(web.Application(), known=tuple, shutdown_timeout=0)
    await runner.setup()
    assert runner.server is not None

    connection = runner.server()

    assert isinstance(connection, RequestHandler)
    assert connection.keepalive_timeout == KEPT_SECONDS
    await runner.cleanup()


def test_networks_of_ipv4_that_are_written_as_ipv6_are_those_of_ipv4(tmp_path: Path) -> None:
    parts = {"server": 'proxies = ["::ffff:10.0.0.0/104"]'}
    authority = DeviceAuthority()
    file = write_configuration(
        tmp_path, acme="https://a.example", partners="https://b.example", authority=authority, **parts
    )

    assert prepare(file).config.proxies == (ip_network("10.0.0.0/8"),)
