"""The sign-in behind `/enrol` over HTTP: whom the page's doors answer, and what they hand out."""

from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
import pytest_asyncio

from plugin.core.reasons import Reason
from plugin.shell.check import CheckFailed
from plugin.shell.portal.door import COOKIE
from tests.shell.world import World, opened

ORIGIN = "https://vestibule.example.com"
EVIDENCE = '[[evidence]]\nname = "keys"\nformat = "webauthn"\nunattested = true\n'
IDP = '[[portal]]\nissuer = "{acme}"\nlabel = "Acme"\nclient_id = "vestibule"\n'


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, enrolment=EVIDENCE + IDP) as opening:
        yield opening


@pytest.mark.parametrize("path", ["/enrol/sign-in", "/enrol/token"])
@pytest.mark.parametrize("origin", [None, "null", "https://attacker.example", ORIGIN + ".attacker.example"])
async def test_another_origin_can_neither_begin_nor_finish_a_sign_in(world: World, path: str, origin: str | None):
    headers = {"Origin": origin} if origin else {}

    async with world.session.post(world.url + path, json={"issuer": world.acme.url}, headers=headers) as answer:
        assert answer.status == 403
        assert "Set-Cookie" not in answer.headers


async def test_a_sign_in_is_bound_to_a_cookie_that_only_this_host_gets_and_no_script_reads(world: World):
    body, headers = {"issuer": world.acme.url}, {"Origin": ORIGIN}

    async with world.session.post(f"{world.url}/enrol/sign-in", json=body, headers=headers) as answer:
        assert answer.status == 200
        told = await answer.json()
        cookie = SimpleCookie(answer.headers["Set-Cookie"])[COOKIE]

    assert told["url"].startswith(f"{world.acme.url}/authorize?")
    assert cookie.key.startswith("__Host-")
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, True, "Lax", "/")
    assert not cookie["domain"]
    assert cookie.value not in told["url"]


async def test_nobody_is_sent_to_a_provider_that_has_no_table(world: World):
    body, headers = {"issuer": "https://attacker.example"}, {"Origin": ORIGIN}

    async with world.session.post(f"{world.url}/enrol/sign-in", json=body, headers=headers) as answer:
        assert answer.status == 403
        assert (await answer.json())["reasons"][0]["code"] == Reason.TOKEN_ISSUER.code


async def test_an_answer_without_the_browsers_cookie_yields_no_token(world: World):
    headers = {"Origin": ORIGIN}
    body = {"state": "stolen", "code": "stolen", "iss": world.acme.url}

    async with world.session.post(f"{world.url}/enrol/token", json=body, headers=headers) as answer:
        assert answer.status == 403
        assert (await answer.json())["reasons"][0]["code"] == Reason.SIGN_IN_UNKNOWN.code


async def test_the_page_lets_no_foreign_or_written_in_code_run(world: World):
    async with world.session.get(f"{world.url}/enrol") as answer:
        text, headers = await answer.text(), answer.headers

    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "<noscript>" in text


async def test_where_nobody_can_sign_in_there_is_no_page(tmp_path: Path):
    async with opened(tmp_path) as world, world.session.get(f"{world.url}/enrol") as answer:
        assert answer.status == 404


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (IDP.replace("{acme}", "https://attacker.example"), "portal[0].issuer"),
        (IDP.replace('"vestibule"', '"payroll"'), "portal[0].client_id"),
        (IDP + IDP, "portal.issuer"),
        (IDP + 'client_secret = "in the open"\n', "portal[0].client_secret"),
        (IDP + "lable = 1\n", "portal[0].lable"),
    ],
)
async def test_a_table_that_could_sign_nobody_in_is_a_problem(tmp_path: Path, table: str, problem: str):
    with pytest.raises(CheckFailed) as failed:
        async with opened(tmp_path, enrolment=EVIDENCE + table):
            pass

    assert any(f": {problem}: " in one for one in failed.value.problems)


async def test_a_page_without_the_format_that_browsers_speak_is_a_problem(tmp_path: Path):
    with pytest.raises(CheckFailed) as failed:
        async with opened(tmp_path, enrolment=IDP):
            pass

    assert any(": portal: " in one for one in failed.value.problems)
