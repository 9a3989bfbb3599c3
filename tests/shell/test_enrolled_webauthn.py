"""A security key, in software, is enrolled; who knows its id and has a key of their own does not take it over."""

import json
import os
from collections.abc import AsyncIterator, Mapping
from hashlib import sha256
from pathlib import Path

import cbor2
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import ec

from plugin.core import base64url
from plugin.core.reasons import Reason
from tests.shell.test_enrolment import digest, reason
from tests.shell.world import World, opened

EVIDENCE = """
[[evidence]]
name = "keys"
format = "webauthn"
tier = "warning"
unattested = true
[enrolment]
approval = "first-use"
"""
PRESENT_AND_VERIFIED, ATTESTED = 0x05, 0x40


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, enrolment=EVIDENCE) as opening:
        yield opening


def registration(
    challenge: Mapping[str, str], *, token: str, key: ec.EllipticCurvePrivateKey, credential: bytes
) -> dict[str, object]:
    """Make what `navigator.credentials.create` returns, without an attestation."""
    numbers, host = key.public_key().public_numbers(), challenge["origin"].removeprefix("https://")
    cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
    data = sha256(host.encode()).digest() + bytes([PRESENT_AND_VERIFIED | ATTESTED]) + bytes(4 + 16)
    data += len(credential).to_bytes(2) + credential + cbor2.dumps(cose)
    client = {
        "type": "webauthn.create",
        "challenge": base64url.encode(digest(challenge, token=token)),
        "origin": challenge["origin"],
        "crossOrigin": False,
    }
    return {
        "id": base64url.encode(credential),
        "rawId": base64url.encode(credential),
        "type": "public-key",
        "clientExtensionResults": {},
        "authenticatorAttachment": "platform",
        "response": {
            "clientDataJSON": base64url.encode(json.dumps(client).encode()),
            "attestationObject": base64url.encode(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})),
        },
    }


async def enrol(world: World, key: ec.EllipticCurvePrivateKey, *, credential: bytes) -> tuple[int, dict[str, object]]:
    status, begun = await world.post("/v1/enrolments/challenges", {"format": "webauthn"}, bearer=None)
    assert status == 201, begun
    challenge = {name: str(value) for name, value in begun.items()}
    token = world.token("alice", nonce=challenge["challenge_id"])
    payload = registration(challenge, token=token, key=key, credential=credential)
    evidence = {"format": "webauthn", "challenge_id": challenge["challenge_id"], "payload": payload}
    body = {"id_token": token, "evidence": evidence, "name": "laptop"}
    return await world.post("/v1/enrolments", body, bearer=None)


async def test_who_brings_another_key_under_a_known_id_does_not_take_the_device_over(world: World) -> None:
    own, thiefs = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    credential = os.urandom(32)
    status, device = await enrol(world, own, credential=credential)
    assert (status, device["state"]) == (201, "active"), device

    status, refused = await enrol(world, thiefs, credential=credential)
    again, renewed = await enrol(world, own, credential=credential)

    assert (status, reason(refused)) == (403, Reason.EVIDENCE_KEY.code)
    assert (again, renewed["state"]) == (201, "active")
