"""The manners of the JSON doors: mistakes are named, strangers are told that they are, work is bounded."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.shell.world import World, opened

PERSON = {"display_name": "A Person", "protocol": "webrtc", "remote_address": "192.0.2.7", "vendor": "test"}


@pytest.mark.parametrize("bearer", [None, "", "wrong", "portal-token-of-the-tests-012345678"])
async def test_an_unknown_caller_is_told_that_it_is_unknown(world: World, bearer: str | None) -> None:
    status, body = await world.post("/v1/joins", {"conference": "board"}, bearer=bearer)

    assert status == 401
    assert "decision" not in body


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda body: body.pop("conference"), "conference"),
        (lambda body: body.update(conference=7), "conference"),
        (lambda body: body.update(id_tokn="x"), "id_tokn"),
        (lambda body: body.update(id_token=7), "id_token"),
        (lambda body: body["participant"].update(remote_address="nowhere"), "participant.remote_address"),
        (lambda body: body.update(evidence={}), "evidence"),
        (lambda body: body.update(evidence=[{"format": "x509"}]), "evidence[0].payload"),
    ],
)
async def test_a_callers_mistake_is_named(world: World, change: Callable[[dict], object], field: str) -> None:
    body = {"conference": "board", "participant": dict(PERSON)}
    change(body)

    status, answer = await world.post("/v1/joins", body)

    assert status == 400
    assert answer["error"]["field"] == field


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b'{"conference":"a","conference":"b"}', b"\xff", b'{"a":NaN}'])
async def test_a_body_that_is_no_object_is_named(world: World, raw: bytes) -> None:
    headers = {"Authorization": "Bearer portal-token-of-the-tests-0123456789"}
    async with world.session.post(f"{world.url}/v1/joins", data=raw, headers=headers) as response:
        answer = await response.json()

    assert response.status == 400
    assert answer["error"]["field"] == "body"


@pytest.mark.parametrize("path", ["/v1/joins", "/v1/challenges", "/v1/tickets"])
async def test_a_door_is_asked_by_post_alone(world: World, path: str) -> None:
    async with world.session.get(f"{world.url}{path}") as response:
        answer = await response.json()

    assert (response.status, response.headers["Allow"]) == (405, "POST")
    assert answer["error"]["message"] == "got GET, expected POST"


async def test_a_challenge_does_not_tell_whether_a_conference_exists(world: World) -> None:
    known, unknown = await world.challenge("board"), await world.challenge("no-such-conference")

    assert known.keys() == unknown.keys()


async def test_a_caller_whose_conferences_are_others_is_told_so(tmp_path: Path) -> None:
    async with opened(tmp_path, caller='conferences = ["budget"]') as world:
        status, body = await world.post("/v1/joins", {"conference": "board"})

    assert (status, body["error"]["field"]) == (403, "conference")


@pytest.mark.parametrize("header", ["Bearer \udcff", "Bearer", "Basic x", "bearer"])
async def test_an_odd_authorization_is_an_unknown_caller(world: World, header: str) -> None:
    url = f"{world.url}/v1/joins"
    raw = {"Authorization": header.encode("utf-8", "surrogateescape").decode("latin-1")}
    async with world.session.post(url, json={"conference": "board"}, headers=raw) as response:
        assert response.status == 401


async def test_a_compressed_body_is_not_inflated(world: World) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    async with world.session.post(f"{world.url}/v1/challenges", data=bomb, headers=headers) as response:
        answer = await response.json()

    assert (response.status, answer["error"]["field"]) == (400, "body")


async def test_a_body_of_very_many_values_is_not_parsed(world: World) -> None:
    status, answer = await world.post("/v1/challenges", {"conference": "board", "x": [0] * 6000}, bearer=None)

    assert (status, answer["error"]["field"]) == (400, "body")
    assert "too many values" in answer["error"]["message"]
