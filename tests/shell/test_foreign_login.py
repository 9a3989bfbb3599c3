"""A real sign-in at a provider that others wrote and certified, and the join that its token opens."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.idp_adapters.foreign.provider import ForeignProvider, login, sign_in
from tests.shell.world import World, opened

pytestmark = pytest.mark.component("node-oidc-provider")

IDP = """
[[idp]]
adapter = "oidc"
issuer = "{issuer}"
audience = ["vestibule"]
algorithms = ["ES256"]
org = "acme"
[idp.acr]
"urn:example:mfa" = 2
"""


@pytest.fixture
async def world(tmp_path: Path, foreign_provider: ForeignProvider) -> AsyncIterator[World]:
    idp = IDP.format(issuer=foreign_provider.issuer)
    async with opened(tmp_path, now=datetime.now(UTC), conferences=idp) as everything:
        yield everything


async def test_the_token_of_a_real_sign_in_is_admitted(world: World, foreign_provider: ForeignProvider) -> None:
    token = await login(foreign_provider)

    body = await world.join({"conference": "board", "id_token": token})

    assert (body["decision"], body["zone"]) == ("redirect", "meetme")


async def test_a_sign_in_for_our_challenge_is_admitted_once(world: World, foreign_provider: ForeignProvider) -> None:
    challenge = await world.challenge("board")
    token = await login(foreign_provider, nonce=challenge["nonce"])

    first = await world.join({"conference": "board", "id_token": token})
    second = await world.join({"conference": "board", "id_token": token})

    assert (first["decision"], second["decision"]) == ("redirect", "deny")


async def test_a_sign_in_for_another_meeting_is_refused(world: World, foreign_provider: ForeignProvider) -> None:
    challenge = await world.challenge("budget")
    token = await login(foreign_provider, nonce=challenge["nonce"])

    body = await world.join({"conference": "board", "id_token": token})

    assert body["reasons"][0]["code"] == "token-nonce"


async def test_an_access_token_of_a_real_sign_in_is_not_an_id_token(
    world: World, foreign_provider: ForeignProvider
) -> None:
    tokens = await sign_in(foreign_provider)

    body = await world.join({"conference": "board", "id_token": tokens.access_token})

    assert body["decision"] == "deny"


async def test_a_provider_that_has_stopped_denies_by_a_reason_of_its_own(
    world: World, foreign_provider: ForeignProvider
) -> None:
    token = await login(foreign_provider)
    foreign_provider.stop()

    body = await world.join({"conference": "board", "id_token": token})

    assert (body["decision"], body["reasons"][0]["code"]) == ("deny", "idp-unreachable")


async def test_a_sign_in_from_before_an_outage_still_counts_with_keys_that_are_known(
    world: World, foreign_provider: ForeignProvider
) -> None:
    await world.join({"conference": "board", "id_token": await login(foreign_provider)})
    token = await login(foreign_provider)

    with foreign_provider.hung():
        body = await world.join({"conference": "board", "id_token": token})

    assert body["decision"] == "redirect"
