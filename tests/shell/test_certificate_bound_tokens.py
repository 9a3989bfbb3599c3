"""Tokens that are bound to a certificate (RFC 8705): they open nothing to whoever has not shown its key to us."""

from collections.abc import AsyncIterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from plugin.core import base64url
from plugin.core.reasons import Reason
from plugin.flow.identification import Shown, of_all_kinds
from tests.jose.issuer import EC
from tests.shell.parties import Device, DeviceAuthority
from tests.shell.world import World, opened

BELIEVED = 'proxies = ["127.0.0.1/32"]\nclient_certificates = true'


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, server=BELIEVED) as everything:
        yield everything


def named(device: Device) -> dict[str, str]:
    thumbprint = sha256(device.certificate.public_bytes(Encoding.DER)).digest()
    return {"x5t#S256": base64url.encode(thumbprint)}


def bound_to(world: World, device: Device, **beside: str) -> str:
    return world.token("alice", cnf={**named(device), **beside})


async def exchange(world: World, proofs: Mapping[str, object], *, over: Device | None = None) -> dict[str, Any]:
    """Ask for a ticket, over a connection to a listed proxy that was made with a device's certificate."""
    headers = {"Client-Cert": over.client_cert} if over else {}
    async with world.session.post(f"{world.url}/v1/tickets", json=proofs, headers=headers) as response:
        answer: dict[str, Any] = await response.json()
        return answer


async def code(world: World, token: str, *, over: Device | None = None) -> str:
    answer = await exchange(world, {"conference": "board", "id_token": token}, over=over)
    found: str = answer["reasons"][0]["code"]
    return found


async def test_a_token_counts_over_the_connection_of_its_certificate(world: World) -> None:
    laptop = world.authority.device("alice")

    answer = await exchange(world, {"conference": "board", "id_token": bound_to(world, laptop)}, over=laptop)

    assert answer["ticket"]


async def test_a_token_counts_with_a_signature_of_its_certificates_key(world: World) -> None:
    laptop = world.authority.device("alice")
    proofs = await world.proofs("board", token=bound_to(world, laptop), device=laptop)

    assert (await world.join(proofs))["decision"] == "allow"


async def test_a_stolen_token_opens_nothing_without_its_certificate(world: World) -> None:
    stolen = bound_to(world, world.authority.device("alice"))

    assert await code(world, stolen) == Reason.TOKEN_CONFIRMATION.code


async def test_a_stolen_token_opens_nothing_over_another_devices_connection(world: World) -> None:
    stolen = bound_to(world, world.authority.device("alice"))

    assert await code(world, stolen, over=world.authority.device("alice")) == Reason.TOKEN_CONFIRMATION.code


async def test_a_stolen_token_opens_nothing_with_another_devices_signature(world: World) -> None:
    stolen = bound_to(world, world.authority.device("alice"))
    proofs = await world.proofs("board", token=stolen, device=world.authority.device("alice"))

    answer = await world.join(proofs)

    assert answer["decision"] == "deny"
    assert Reason.TOKEN_CONFIRMATION.code in str(answer["reasons"])


async def test_a_certificate_that_no_authority_of_ours_issued_shows_nothing(world: World) -> None:
    forged = DeviceAuthority().device("alice")

    answer = await exchange(world, {"conference": "board", "id_token": bound_to(world, forged)}, over=forged)

    codes = {reason["code"] for reason in answer["reasons"]}
    assert codes & {Reason.EVIDENCE_CHAIN.code, Reason.TOKEN_CONFIRMATION.code}
    assert "ticket" not in answer


async def test_a_header_that_the_caller_wrote_shows_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path, server='proxies = ["192.0.2.1/32"]\nclient_certificates = true') as world:
        laptop = world.authority.device("alice")

        assert await code(world, bound_to(world, laptop), over=laptop) == Reason.TOKEN_CONFIRMATION.code


async def test_it_counts_once_over_a_connection_for_that_binds_it_to_no_conference(world: World) -> None:
    laptop = world.authority.device("alice")
    token = bound_to(world, laptop)
    await exchange(world, {"conference": "board", "id_token": token}, over=laptop)

    assert await code(world, token, over=laptop) == Reason.TOKEN_REPLAYED.code


@pytest.mark.parametrize("beside", [{"jkt": EC.thumbprint()}, {"kid": "1"}])
async def test_a_binding_that_is_only_half_shown_is_refused(world: World, beside: dict[str, str]) -> None:
    laptop = world.authority.device("alice")

    assert await code(world, bound_to(world, laptop, **beside), over=laptop) == Reason.TOKEN_CONFIRMATION.code


SHOWN = Shown(key_thumbprint="key", certificate_thumbprints=frozenset({"one", "two"}))


@pytest.mark.parametrize(
    ("shown", "payload"),
    [
        (SHOWN, {"cnf": {"jkt": "key"}}),
        (SHOWN, {"cnf": {"jkt": "key", "x5t#S256": "two"}}),
        (Shown(certificate_thumbprints=frozenset({"one"})), {}),
    ],
)
def test_what_was_shown_may_be_more_than_what_a_token_asks_for(shown: Shown, payload: dict[str, object]) -> None:
    of_all_kinds(shown)["cnf"]("cnf", payload)


@pytest.mark.parametrize(
    ("shown", "payload"),
    [
        (SHOWN, {}),
        (SHOWN, {"cnf": {"x5t#S256": "one"}}),
        (SHOWN, {"cnf": {"jkt": "key", "x5t#S256": "three"}}),
        (Shown(), {"cnf": {}}),
        (Shown(), {"cnf": None}),
        (Shown(), {"cnf": {"jkt": None}}),
        (Shown(), {"cnf": {"x5t#S256": None}}),
        (Shown(certificate_thumbprints=frozenset({"one"})), {"cnf": {}}),
        (Shown(certificate_thumbprints=frozenset({"one"})), {"cnf": "one"}),
        (Shown(certificate_thumbprints=frozenset({"one"})), {"cnf": ["one"]}),
    ],
)
def test_what_a_token_asks_for_must_all_be_shown(shown: Shown, payload: dict[str, object]) -> None:
    with pytest.raises(Exception, match="token-confirmation"):
        of_all_kinds(shown)["cnf"]("cnf", payload)
