"""Revocation in the whole house: what a revoked device is told, at both doors, and whom an outage keeps out."""

import asyncio
import logging
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.serialization import Encoding

from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.flow.budget import ANSWER_SECONDS
from plugin.ports import DeviceCa
from plugin.shell.revocation import open_revocation
from tests.fakes import NOON, HandClock
from tests.shell.parties import DeviceAuthority
from tests.shell.world import opened

CRL = 'crl_file = "device-ca.crl"'


def codes(answer: dict) -> list[str]:
    return [reason["code"] for reason in answer["reasons"]]


async def test_a_revoked_device_joins_nothing_and_gets_no_ticket(tmp_path: Path) -> None:
    authority = DeviceAuthority()
    laptop = authority.device("alice")
    authority.revoked.append(laptop)
    async with opened(tmp_path, authority=authority, device_ca=CRL) as world:
        proofs = await world.proofs("board", token=world.token("alice"), device=laptop)
        decision = await world.join(proofs)
        again = await world.proofs("board", token=world.token("alice"), device=laptop)
        status, refusal = await world.post("/v1/tickets", again, bearer=None)

    assert (decision["decision"], codes(decision)) == ("deny", [Reason.EVIDENCE_REVOKED.code])
    assert (status, codes(refusal)) == (403, [Reason.EVIDENCE_REVOKED.code])


async def test_a_device_that_nobody_has_revoked_joins(tmp_path: Path) -> None:
    async with opened(tmp_path, device_ca=CRL) as world:
        laptop = world.authority.device("alice")
        decision = await world.join(await world.proofs("board", token=world.token("alice"), device=laptop))

    assert (decision["decision"], decision["zone"]) == ("allow", "core")


async def test_a_list_that_has_run_out_keeps_everybody_out_who_depends_on_it(tmp_path: Path) -> None:
    async with opened(tmp_path, device_ca=CRL, now=NOON + timedelta(days=7000, seconds=-1)) as world:
        laptop = world.authority.device("alice")
        before = await world.join(await world.proofs("board", token=world.token("alice"), device=laptop))
        world.clock.move(seconds=1)
        after = await world.join(await world.proofs("board", token=world.token("alice"), device=laptop))

    assert before["decision"] == "allow"
    assert codes(after) == [Reason.REVOCATION_UNKNOWN.code]


async def test_a_responder_that_hangs_keeps_devices_out_in_time(tmp_path: Path) -> None:
    async def hang(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    app = web.Application()
    app.router.add_post("/ocsp", hang)
    async with TestServer(app, shutdown_timeout=0.1) as server:
        ocsp = f'ocsp_url = "{server.make_url("/ocsp")}"'
        async with opened(tmp_path, device_ca=ocsp) as world:
            proofs = await world.proofs("board", token=world.token("alice"), device=world.authority.device("alice"))
            async with asyncio.timeout(ANSWER_SECONDS):
                decision = await world.join(proofs)

    assert (decision["decision"], codes(decision)) == ("deny", [Reason.REVOCATION_UNKNOWN.code])


async def test_nobody_makes_us_ask_a_responder_about_another_cas_device(tmp_path: Path) -> None:
    asked = []

    async def note(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=500)

    app = web.Application()
    app.router.add_post("/ocsp", note)
    async with (
        TestServer(app) as server,
        opened(tmp_path, device_ca=f'ocsp_url = "{server.make_url("/ocsp")}"') as world,
    ):
        forged = DeviceAuthority().device("alice")
        decision = await world.join(await world.proofs("board", token=world.token("alice"), device=forged))

    assert (codes(decision), asked) == ([Reason.EVIDENCE_CHAIN.code], [])


async def test_a_list_that_is_replaced_counts_while_the_service_runs(tmp_path: Path) -> None:
    authority = DeviceAuthority()
    laptop = authority.device("alice")
    path = tuple(one.public_bytes(Encoding.DER) for one in (laptop.certificate, authority.certificate))
    file = tmp_path / "device-ca.crl"
    file.write_bytes(authority.crl)
    ca = DeviceCa(name="devices", certificates=authority.pem, name_from="subject_uid", crl_files=(file,))
    async with AsyncExitStack() as stack:
        lookup = await open_revocation((ca,), clock=HandClock(NOON), stack=stack, refresh_seconds=0)
        await lookup.check(path, ca="devices")

        authority.revoked.append(laptop)
        file.write_bytes(authority.crl)

        with pytest.raises(Refused):
            await _until_it_counts(lookup.check, path)


async def _until_it_counts(check: object, path: tuple[bytes, ...]) -> None:
    async with asyncio.timeout(30):
        while True:
            await check(path, ca="devices")  # type: ignore[operator] # the Revocation port
            await asyncio.sleep(0)


async def test_a_certificate_that_ends_soon_leaves_a_line_without_a_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path, device_ca="warn_days = 10", now=NOON + timedelta(days=7291)) as world:
        laptop = world.authority.device("alice")
        with caplog.at_level(logging.WARNING):
            await world.join(await world.proofs("board", token=world.token("alice"), device=laptop))

    (line,) = [record for record in caplog.records if record.message == "device certificate ends soon"]
    assert (line.__dict__["ca"], line.__dict__["days"]) == ("acme-devices", 9)
    assert "alice" not in str(line.__dict__)


async def test_a_certificate_that_does_not_end_soon_leaves_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path) as world:
        laptop = world.authority.device("alice")
        with caplog.at_level(logging.WARNING):
            await world.join(await world.proofs("board", token=world.token("alice"), device=laptop))

    assert not [record for record in caplog.records if record.message == "device certificate ends soon"]
