"""The four questions that are not about joins, at a real port: what each is answered, and to whom."""

import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from io import BytesIO
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image
from yarl import URL

from tests.shell.test_border import raw
from tests.shell.test_outages import locked
from tests.shell.world import PASSWORD, World, basic, caller, opened

KIOSK_PASSWORD = "password-of-the-kiosks"
ZONE = 'media = "Frankfurt"\noverflow = ["Oslo"]\navatar = "#2e7d5b"\n'
LISTED = """
[[conference]]
alias = "lobby@example.com"
zones = ["core", "meetme"]
classification = "internal"
owner = "{acme}#bob"
invited = ["org:acme"]
listed_for = ["acme"]
description = "The lobby"
"""
PEXIP = """
[[location]]
name = "Frankfurt"
[[registration]]
alias = "*@rooms.example.com"
org = "acme"
auth = "credentials"
username = "kiosk"
password_file = "kiosk"
"""
IN_MEETME = {**caller("townhall", ticket="", address="192.0.2.7"), "service_tag": "vestibule:meetme:townhall"}
KIOSK = {"protocol": "sip", "auth_type": "credentials", "remote_address": "192.0.2.7"}
UNLISTED = 'sources = ["198.51.100.0/24"]'
SAFE = {
    "participant/location": {"status": "fail"},
    "participant/avatar/alice": None,
    "registrations": {"status": "success", "result": [], "ignore_local": True},
    "registrations/kiosk@rooms.example.com": {"status": "success", "action": "reject", "result": {}},
}
ASKED = {
    "participant/location": IN_MEETME,
    "participant/avatar/alice": {**IN_MEETME, "width": "40", "height": "40"},
    "registrations": {"registration_alias": "kiosk@rooms.example.com", "q": "lob"},
    "registrations/kiosk@rooms.example.com": KIOSK,
}


async def ask(
    world: World, endpoint: str, params: dict[str, str], *, password: str = PASSWORD, forwarded: str = ""
) -> dict[str, object] | bytes | None:
    """Ask, and read the answer in the form in which the platform takes it."""
    headers = basic(password) | ({"X-Forwarded-For": forwarded} if forwarded else {})
    url = URL(f"{world.url}/policy/v1/{endpoint}", encoded=True).with_query(params)
    async with world.session.get(url, headers=headers) as response:
        if response.status == 404:
            return None
        assert response.status == 200
        if response.content_type == "image/jpeg":
            return await response.read()
        body: dict[str, object] = await response.json()
        body.pop("reason", None)
        return body


def at(folder: Path, *, pexip: str = "", server: str = "") -> AbstractAsyncContextManager[World]:
    (folder / "kiosk").write_text(KIOSK_PASSWORD + "\n")
    return opened(folder, zone=ZONE, conferences=LISTED, pexip=pexip + PEXIP, server=server)


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[World]:
    async with at(tmp_path) as world:
        yield world


async def test_media_goes_where_the_decision_put_the_person(house: World) -> None:
    room = await house.service("townhall")

    answer = await ask(house, "participant/location", {**IN_MEETME, "service_tag": room["result"]["service_tag"]})

    result = {"location": "Frankfurt", "overflow_locations": ["Oslo"]}
    assert answer == {"status": "success", "result": result}


async def test_a_participant_is_shown_as_a_silhouette_whatever_the_alias_says(house: World) -> None:
    one = await ask(house, "participant/avatar/alice", {**IN_MEETME, "width": "60", "height": "40"})
    other = await ask(house, "participant/avatar/..%2F..%2Fbob%00", {**IN_MEETME, "width": "60", "height": "40"})

    assert isinstance(one, bytes)
    assert one == other
    assert Image.open(BytesIO(one)).size == (60, 40)


async def test_a_registered_device_finds_what_is_listed_for_it(house: World) -> None:
    answer = await ask(house, "registrations", ASKED["registrations"])

    line = {"username": "lobby@example.com", "alias": "lobby@example.com", "description": "The lobby"}
    assert answer == {"status": "success", "result": [line], "ignore_local": True}


@pytest.mark.parametrize(
    "alias", ["kiosk@rooms.example.com", "sip%3AKiosk%40rooms.example.com", "hall/3@rooms.example.com"]
)
async def test_a_device_may_register_and_it_is_on_record(house: World, alias: str) -> None:
    answer = await ask(house, f"registrations/{alias}", KIOSK)

    assert answer == {"status": "success", "result": {"username": "kiosk", "password": KIOSK_PASSWORD}}
    assert [(record.phase, record.outcome) for record in house.records] == [("registration", "allow")]


@pytest.mark.parametrize(
    "alias", ["eve@example.com", "kiosk@rooms.example.com;x", "kiosk%2540rooms.example.com", "%ff@rooms.example.com"]
)
async def test_a_device_that_is_not_known_may_not_register(house: World, alias: str) -> None:
    answer = await ask(house, f"registrations/{alias}", KIOSK)

    assert answer == SAFE["registrations/kiosk@rooms.example.com"]


async def test_an_alias_that_ends_in_a_fragment_is_not_cut_short(house: World) -> None:
    auth = basic()["Authorization"].encode()
    line = b"GET /policy/v1/registrations/kiosk@rooms.example.com#x?protocol=sip&auth_type=credentials HTTP/1.1\r\n"

    answer = await raw(house, line + b"Host: x\r\nConnection: close\r\nAuthorization: " + auth + b"\r\n\r\n")

    assert b'"result": {}' in answer


async def test_a_password_that_cannot_be_accounted_for_is_not_told(house: World) -> None:
    with locked(house):
        answer = await ask(house, "registrations/kiosk@rooms.example.com", KIOSK)

    assert answer == SAFE["registrations/kiosk@rooms.example.com"]
    assert house.records[-1].reasons[0].code == "store-unavailable"


@pytest.mark.parametrize("endpoint", sorted(SAFE))
async def test_an_unlisted_source_gets_the_safe_answer_and_an_alert(
    tmp_path: Path, endpoint: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with at(tmp_path, pexip=UNLISTED) as world:
        answer = await ask(world, endpoint, ASKED[endpoint], forwarded="198.51.100.7")

    assert answer == SAFE[endpoint]
    assert [record.levelname for record in caplog.records if "unlisted source" in record.message] == ["ERROR"]


@pytest.mark.parametrize("endpoint", sorted(SAFE))
@pytest.mark.parametrize(
    ("forwarded", "is_listed"),
    [("198.51.100.7", True), ("198.51.100.7, 203.0.113.5", False), ("203.0.113.5, 198.51.100.7", True)],
)
async def test_the_source_is_what_a_listed_proxy_has_seen(
    tmp_path: Path, endpoint: str, forwarded: str, is_listed: bool
) -> None:
    async with at(tmp_path, pexip=UNLISTED, server='proxies = ["127.0.0.0/8"]') as world:
        answer = await ask(world, endpoint, ASKED[endpoint], forwarded=forwarded)

    assert (answer != SAFE[endpoint]) is is_listed


@pytest.mark.parametrize("endpoint", sorted(SAFE))
@pytest.mark.parametrize("password", ["", "wrong", PASSWORD + "x"])
async def test_wrong_credentials_get_the_safe_answer(house: World, endpoint: str, password: str) -> None:
    assert await ask(house, endpoint, ASKED[endpoint], password=password) == SAFE[endpoint]


@pytest.mark.parametrize("endpoint", sorted(SAFE))
async def test_before_the_house_is_open_there_is_the_safe_answer(house: World, endpoint: str) -> None:
    house.gate.house = None

    assert await ask(house, endpoint, ASKED[endpoint]) == SAFE[endpoint]


@pytest.mark.parametrize("endpoint", sorted(SAFE))
async def test_what_is_asked_is_in_no_log(house: World, endpoint: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    await ask(house, endpoint, {**ASKED[endpoint], "remote_display_name": "Alice Example", "call_tag": "vt_secret"})

    logged = "\n".join(str(vars(record)) for record in caplog.records if record.name.startswith("plugin"))
    words = ("Alice Example", "vt_secret", KIOSK_PASSWORD, "kiosk@")
    assert [word for word in words if word in logged] == []
