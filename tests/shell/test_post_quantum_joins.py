"""A provider that signs with ML-DSA, through the whole service: its tokens are long, and fit through every door."""

import json
from pathlib import Path

import pytest

from tests.jose.post_quantum import SETS, public, sign
from tests.shell.world import World, opened

ISSUER = "https://sso.quantum.example"
IDP = f"""
[[idp]]
adapter = "oidc"
issuer = "{ISSUER}"
audience = ["vestibule"]
algorithms = ["<algorithm>"]
org = "acme"
keys_file = "keys.json"
"""


def token(world: World, name: str, *, subject: str = "alice") -> str:
    moment = int(world.clock().timestamp())
    # As many groups as make 900 bytes of claims.
    groups = [f"group-{number:03}" for number in range(60)]
    claims = {"iss": ISSUER, "sub": subject, "aud": "vestibule", "iat": moment, "exp": moment + 600, "groups": groups}
    return sign(name, payload=claims)


@pytest.mark.parametrize("name", SETS)
async def test_a_person_with_a_post_quantum_token_joins_and_gets_a_ticket(tmp_path: Path, name: str) -> None:
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [public(name)]}))
    async with opened(tmp_path, conferences=IDP.replace("<algorithm>", name)) as world:
        joined = await world.join(await world.proofs("board", token=token(world, name)))
        ticket = await world.ticket(await world.proofs("board", token=token(world, name, subject="bob")))

    assert joined["decision"] == "redirect"
    assert ticket
