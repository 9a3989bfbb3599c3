"""`Client-Cert` at the door: evidence from a listed proxy, nothing from anybody else, and it binds nobody."""

import logging
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from multidict import CIMultiDict

from plugin.core.reasons import Reason
from tests.shell.parties import Device, DeviceAuthority
from tests.shell.world import CALLER_TOKEN, World, opened

BELIEVED = 'proxies = ["127.0.0.1/32"]\nclient_certificates = true'
# Who asks in these tests asks from 127.0.0.1.
NOT_BELIEVED = {
    "not listed": 'proxies = ["192.0.2.1/32"]\nclient_certificates = true',
    "listed and not asked to": 'proxies = ["127.0.0.1/32"]',
}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, server=BELIEVED, device_ca='crl_file = "device-ca.crl"') as everything:
        yield everything


async def exchange(world: World, proofs: Mapping[str, object], *headers: tuple[str, str]) -> tuple[int, dict]:
    url = f"{world.url}/v1/tickets"
    async with world.session.post(url, json=proofs, headers=CIMultiDict(headers)) as response:
        return response.status, await response.json()


def header(device: Device) -> tuple[str, str]:
    return ("Client-Cert", device.client_cert)


def bare(world: World, person: str = "alice", **claims: object) -> dict[str, object]:
    return {"conference": "board", "id_token": world.token(person, **claims)}


def refusal(answer: tuple[int, dict]) -> str:
    status, body = answer
    assert status == 403, body
    code: str = body["reasons"][0]["code"]
    return code


async def use(world: World, answer: tuple[int, dict]) -> dict[str, object]:
    status, body = answer
    assert status == 201, body
    return await world.join({"conference": "board", "ticket": body["ticket"]})


async def test_a_device_of_a_connection_is_known_but_does_not_open_the_core(world: World) -> None:
    answer = await exchange(world, bare(world), header(world.authority.device("alice")))

    decision = await use(world, answer)

    assert (decision["decision"], decision["zone"]) == ("redirect", "meetme")
    assert world.records[-1].device


async def test_a_connection_spares_no_token_from_being_young(world: World) -> None:
    proofs = bare(world)
    world.clock.move(minutes=6)

    answer = await exchange(world, proofs, header(world.authority.device("alice")))

    assert refusal(answer) == Reason.TOKEN_STALE.code


async def test_a_connection_spares_no_token_from_counting_once(world: World) -> None:
    proofs, laptop = bare(world), world.authority.device("alice")
    await exchange(world, proofs, header(laptop))

    answer = await exchange(world, proofs, header(laptop))

    assert refusal(answer) == Reason.TOKEN_REPLAYED.code


async def test_somebody_elses_device_is_refused(world: World) -> None:
    answer = await exchange(world, bare(world, "bob"), header(world.authority.device("alice")))

    assert refusal(answer) == Reason.DEVICE_OWNER.code


async def test_a_device_of_another_authority_is_refused_though_the_proxy_let_it_pass(world: World) -> None:
    answer = await exchange(world, bare(world), header(DeviceAuthority().device("alice")))

    assert refusal(answer) == Reason.EVIDENCE_CHAIN.code


async def test_a_revoked_device_is_refused_though_the_proxy_let_it_pass(tmp_path: Path) -> None:
    authority = DeviceAuthority()
    laptop = authority.device("alice")
    authority.revoked.append(laptop)
    crl = 'crl_file = "device-ca.crl"'
    async with opened(tmp_path, server=BELIEVED, device_ca=crl, authority=authority) as world:
        answer = await exchange(world, bare(world), header(laptop))

    assert refusal(answer) == Reason.EVIDENCE_REVOKED.code


@pytest.mark.parametrize("value", ["", "alice", "::", ":AAAA:", ":AAAA"])
async def test_a_header_that_cannot_be_read_is_refused_and_not_overlooked(world: World, value: str) -> None:
    assert refusal(await exchange(world, bare(world), ("Client-Cert", value))) == Reason.EVIDENCE_MALFORMED.code


async def test_two_headers_are_refused(world: World) -> None:
    laptop = world.authority.device("alice")

    answer = await exchange(world, bare(world), header(laptop), header(laptop))

    assert refusal(answer) == Reason.EVIDENCE_MALFORMED.code


async def test_a_chain_without_a_certificate_is_refused(world: World) -> None:
    laptop = world.authority.device("alice")

    answer = await exchange(world, bare(world), ("Client-Cert-Chain", laptop.client_cert))

    assert refusal(answer) == Reason.EVIDENCE_MALFORMED.code


@pytest.mark.parametrize("server", NOT_BELIEVED.values(), ids=NOT_BELIEVED.keys())
@pytest.mark.parametrize("forwarded", ["127.0.0.1", "192.0.2.1"])
async def test_a_header_from_anybody_else_is_nothing(
    tmp_path: Path, server: str, forwarded: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path, server=server) as world:
        laptop = world.authority.device("alice")
        with caplog.at_level(logging.WARNING):
            answer = await exchange(world, bare(world), header(laptop), ("X-Forwarded-For", forwarded))
        await use(world, answer)

    assert not world.records[-1].device
    assert "client certificate ignored, its sender is not believed" in caplog.messages


async def test_a_body_that_poses_as_a_proxy_is_refused(world: World) -> None:
    laptop = world.authority.device("alice")
    posing = {
        "format": "client-cert",
        "payload": {"client_cert": [laptop.client_cert], "client_cert_chain": []},
        "challenge_id": (await world.challenge("board"))["challenge_id"],
    }

    at_tickets = await exchange(world, {**bare(world), "evidence": [posing]})
    at_joins = await world.join({**bare(world), "evidence": [posing]})

    assert refusal(at_tickets) == Reason.EVIDENCE_FORMAT.code
    assert at_joins["decision"] == "deny"


async def test_a_signature_over_the_same_devices_connection_opens_the_core(world: World) -> None:
    laptop = world.authority.device("alice")
    proofs = await world.proofs("board", token=world.token("alice"), device=laptop)

    decision = await use(world, await exchange(world, proofs, header(laptop)))

    assert (decision["decision"], decision["zone"]) == ("allow", "core")


async def test_a_signature_by_another_device_than_the_connections_is_refused(world: World) -> None:
    laptop, phone = world.authority.device("alice"), world.authority.device("alice")
    proofs = await world.proofs("board", token=world.token("alice"), device=laptop)

    answer = await exchange(world, proofs, header(phone))

    assert refusal(answer) == Reason.EVIDENCE_CONFLICT.code


async def test_a_good_signature_does_not_make_up_for_a_bad_connection(world: World) -> None:
    laptop = world.authority.device("alice")
    proofs = await world.proofs("board", token=world.token("alice"), device=laptop)

    answer = await exchange(world, proofs, ("Client-Cert", "alice"))

    assert refusal(answer) == Reason.EVIDENCE_MALFORMED.code


async def test_a_good_connection_does_not_make_up_for_a_bad_signature(world: World) -> None:
    laptop = world.authority.device("alice")
    signed = await world.proofs("board", token=world.token("alice"), device=laptop)

    answer = await exchange(world, {**bare(world), "evidence": signed["evidence"]}, header(laptop))

    assert refusal(answer) == Reason.EVIDENCE_SIGNATURE.code


async def test_a_header_beside_a_join_is_nothing(world: World) -> None:
    """A platform asks there, on its own connection: a certificate of it would not be the participant's."""
    laptop = world.authority.device("alice")
    url = f"{world.url}/v1/joins"
    headers = {"Authorization": f"Bearer {CALLER_TOKEN}", "Client-Cert": laptop.client_cert}

    async with world.session.post(url, json=bare(world), headers=headers) as response:
        await response.json()

    assert not world.records[-1].device
