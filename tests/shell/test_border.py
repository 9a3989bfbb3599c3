"""The border to a conferencing node: whatever happens, a 200 with an explicit action comes back."""

import asyncio
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from tests.shell.world import PASSWORD, World, basic, caller, opened

FOUR_BYTES = "\U0001f600" * 1000


async def raw(world: World, request: bytes) -> bytes:
    """Speak HTTP by hand and return everything that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(world.url.rpartition(":")[2]))
    writer.write(request)
    await writer.drain()
    answer = await reader.read()
    writer.close()
    return answer


def rejects(answer: bytes) -> bool:
    return b" 200 OK\r\n" in answer and b'"action": "reject"' in answer and b'"result"' not in answer


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD + "x", "pässwörd"])
async def test_wrong_credentials_are_rejected_explicitly(world: World, password: str) -> None:
    answer = await world.pexip(
        "service/configuration", password=password, **caller("townhall", ticket="", address="192.0.2.7")
    )

    assert answer["action"] == "reject"


@pytest.mark.parametrize("header", [{}, {"Authorization": "Basic !!!"}, {"Authorization": "Bearer x"}])
async def test_missing_credentials_are_rejected_explicitly(world: World, header: dict[str, str]) -> None:
    url = f"{world.url}/policy/v1/service/configuration"
    params = caller("townhall", ticket="", address="192.0.2.7")
    async with world.session.get(url, params=params, headers=header) as response:
        answer = await response.json()

    assert response.status == 200
    assert answer["action"] == "reject"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"])
async def test_another_method_is_answered_with_200(world: World, method: str) -> None:
    async with world.session.request(
        method, f"{world.url}/policy/v1/service/configuration", headers=basic()
    ) as response:
        text = await response.text()

    assert response.status == 200
    assert method == "HEAD" or '"action": "reject"' in text


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET /policy/v1/service/configuration?x=" + b"a" * 70_000 + b" HTTP/1.1",
        b"GET /policy/v1/service/configuration HTTP/9.9",
        b"GET http://[ HTTP/1.1",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"garbage",
        b"GET  /policy/v1/service/configuration  HTTP/1.1",
    ],
)
async def test_what_cannot_be_parsed_is_rejected_explicitly(world: World, request_line: bytes) -> None:
    answer = await raw(world, request_line + b"\r\nHost: x\r\nConnection: close\r\n\r\n")

    assert rejects(answer)


@pytest.mark.parametrize("query", ["local_alias=%ff%fe", "a=1" + "&a=1" * 300, "local_alias=a&local_alias=b"])
async def test_a_query_that_cannot_be_understood_is_rejected_explicitly(world: World, query: str) -> None:
    auth = basic()["Authorization"].encode()
    line = f"GET /policy/v1/service/configuration?call_direction=dial_in&protocol=sip&{query} HTTP/1.1\r\n".encode()

    answer = await raw(world, line + b"Host: x\r\nConnection: close\r\nAuthorization: " + auth + b"\r\n\r\n")

    assert rejects(answer)


@pytest.mark.parametrize("field", sorted(caller("townhall", ticket="", address="192.0.2.7")))
async def test_a_text_of_a_thousand_four_byte_characters_is_answered(world: World, field: str) -> None:
    params = {**caller("townhall", ticket="", address="192.0.2.7"), field: FOUR_BYTES}

    answer = await world.pexip("service/configuration", **params)

    assert answer["action"] in {"continue", "reject"}


async def test_long_names_and_tags_of_a_guest_do_not_cost_the_answer(world: World) -> None:
    long = {"remote_display_name": FOUR_BYTES, "vendor": FOUR_BYTES, "remote_alias": FOUR_BYTES, "call_tag": FOUR_BYTES}
    params = {**caller("townhall", ticket="", address="192.0.2.7"), **long}
    query = "&".join(f"{name}={quote_plus(value)}" for name, value in params.items())
    auth = basic()["Authorization"].encode()
    line = f"GET /policy/v1/service/configuration?{query} HTTP/1.1\r\n".encode()

    answer = await raw(world, line + b"Host: x\r\nConnection: close\r\nAuthorization: " + auth + b"\r\n\r\n")

    assert len(line) > 48_000
    assert b'"action": "continue"' in answer


@pytest.mark.parametrize("path", ["service/config", "participant", "", "../v2/service", quote("\U0001f600")])
async def test_an_unknown_policy_path_is_rejected_explicitly(world: World, path: str) -> None:
    answer = await raw(world, f"GET /policy/v1/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())

    assert rejects(answer)


async def test_questions_before_the_house_is_open_and_after_it_is_shut_are_rejected(tmp_path: Path) -> None:
    async with opened(tmp_path) as world:
        world.gate.house = None

        answer = await world.service("townhall")

    assert answer["action"] == "reject"
    assert answer["reason"] == "not-serving"


async def test_an_unlisted_source_is_rejected_explicitly(tmp_path: Path) -> None:
    async with opened(tmp_path, pexip='sources = ["192.0.2.0/24"]') as world:
        answer = await world.service("townhall")

    assert answer["action"] == "reject"


async def test_a_challenge_is_sent_only_where_a_setting_asks_for_it(tmp_path: Path) -> None:
    async with (
        opened(tmp_path, pexip="challenge = true") as world,
        world.session.get(f"{world.url}/policy/v1/service/configuration") as response,
    ):
        assert response.status == 401


async def test_a_path_prefix_is_part_of_the_address(tmp_path: Path) -> None:
    async with opened(tmp_path, pexip='path_prefix = "/apps/vestibule"') as world:
        world.url += "/apps/vestibule"

        answer = await world.service("townhall")

    assert answer["action"] == "continue"


async def test_the_other_questions_have_safe_answers(world: World) -> None:
    location = await world.pexip("participant/location", **caller("board", ticket="", address="192.0.2.7"))
    directory = await world.pexip("registrations", q="ali", limit="10")
    registration = await world.pexip("registrations/alice@example.com", protocol="webrtc")
    async with world.session.get(f"{world.url}/policy/v1/participant/avatar/alice", headers=basic()) as avatar:
        assert avatar.status == 404

    assert "location" not in location.get("result", {})
    assert directory["result"] == []
    assert directory["ignore_local"] is True
    assert registration["action"] == "reject"


@pytest.mark.parametrize("field", ["participant_uuid", "service_name", "vendor", "bypass_lock", "unheard_of"])
async def test_a_long_text_in_a_participant_question_does_not_cost_the_answer(world: World, field: str) -> None:
    room = await world.service("townhall")

    answer = await world.participant(room, call="c-1", **{field: FOUR_BYTES})

    assert answer["action"] == "continue"


@pytest.mark.parametrize(
    "line",
    [
        "GET /policy/v1/registrations/al%0Aice HTTP/1.1",
        "GET /policy HTTP/1.1",
        "GET /elsewhere/policy/v1/service/configuration HTTP/1.1",
        "GET /policy/v1/service/configuration HTTP/1.1\r\nExpect: x",
        "BREW /policy/v1/service/configuration HTTP/1.1",
    ],
)
async def test_whatever_looks_like_a_policy_question_gets_an_action(world: World, line: str) -> None:
    answer = await raw(world, f"{line}\r\nHost: x\r\nConnection: close\r\n\r\n".encode())

    assert b" 200 OK\r\n" in answer
    assert b'"action": "reject"' in answer


async def test_a_profile_whose_url_ends_in_a_slash_is_answered(world: World) -> None:
    world.url += "/"

    answer = await world.service("townhall")

    assert answer["action"] == "continue"


async def test_a_line_that_comes_in_pieces_is_answered(world: World) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(world.url.rpartition(":")[2]))
    writer.write(b"GET /policy/v1/service/configuration?x=")
    for _ in range(80):
        writer.write(b"a" * 1024)
        await writer.drain()
    writer.write(b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    answer = await reader.read()

    writer.close()
    assert rejects(answer)


async def test_a_path_of_slashes_is_rejected_before_it_costs_anything(world: World) -> None:
    answer = await raw(world, b"GET " + b"/" * 200_000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    assert rejects(answer)
