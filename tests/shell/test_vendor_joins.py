"""A kind of provider by its name in the configuration: from its token over real HTTP to the decision."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.shell.parties import Issuer
from tests.shell.world import World, opened

REALM = """
[[conference]]
alias = "roles"
zones = ["core", "meetme"]
classification = "internal"
owner = "{issuer}#bob"
invited = ["group:board"]
[[idp]]
adapter = "keycloak"
issuer = "{issuer}"
audience = ["vestibule"]
algorithms = ["ES256"]
org = "acme"
groups_claim = "resource_access.vestibule.roles"
[idp.acr]
"urn:acme:mfa" = 2
"""
TOLD = {"resource_access": {"vestibule": {"roles": ["board"]}}}
OF_OTHERS = {"resource_access": {"payroll": {"roles": ["board"]}}, "groups": ["board"]}


@pytest.fixture
async def realm() -> AsyncIterator[Issuer]:
    async with Issuer("realm").running() as issuer:
        yield issuer


@pytest.fixture
async def world(tmp_path: Path, realm: Issuer) -> AsyncIterator[World]:
    async with opened(tmp_path, conferences=REALM.format(issuer=realm.url)) as everything:
        yield everything


async def joined(world: World, realm: Issuer, **claims: object) -> tuple[object, str]:
    token = realm.token("carol", now=world.clock(), **claims)
    body = await world.join({"conference": "roles", "id_token": token})
    assert isinstance(body["reasons"], list)
    return body["decision"], body["reasons"][-1]["code"]


async def test_whoever_has_the_role_is_admitted(world: World, realm: Issuer) -> None:
    assert (await joined(world, realm, typ="ID", **TOLD))[0] == "redirect"


async def test_whose_roles_are_not_told_is_neither_in_nor_taken_to_have_none(world: World, realm: Issuer) -> None:
    assert await joined(world, realm, typ="ID") == ("deny", "groups-not-told")


async def test_roles_at_another_client_admit_nobody(world: World, realm: Issuer) -> None:
    assert await joined(world, realm, typ="ID", **OF_OTHERS) == ("deny", "groups-not-told")


@pytest.mark.parametrize("kind", ["Bearer", "Refresh", None])
async def test_another_token_of_the_realm_is_no_sign_in(world: World, realm: Issuer, kind: str | None) -> None:
    assert await joined(world, realm, typ=kind, **TOLD) == ("deny", "token-type")
