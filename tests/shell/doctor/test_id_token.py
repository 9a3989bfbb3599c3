"""`doctor --idp NAME --token FILE`: what it tells of a token, what it never tells, and the liars about it."""

import json
import sys
from asyncio.subprocess import PIPE, create_subprocess_exec
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from plugin.jose.compact import MAX_TOKEN
from plugin.shell.check import prepare
from plugin.shell.doctor.command import examine, report
from plugin.shell.doctor.id_token import examine as examine_token
from plugin.shell.doctor.report import Level, Line, failed
from plugin.shell.doctor.token_checks import judged
from tests.idp_adapters.vendors import VENDORS, Vendor, changed, settings_of, token_of
from tests.jose.garbage import GARBAGE
from tests.jose.issuer import KEYS, sign
from tests.shell.doctor.asking import options
from tests.shell.parties import Issuer
from tests.shell.world import World, opened

Lines = Mapping[str, Line]
CLOSED = """
[[idp]]
adapter = "oidc"
issuer = "https://sso.closed.example"
audience = ["vestibule"]
algorithms = ["ES256"]
org = "closed"
keys_file = "jwks.json"
"""
PERSONAL = {
    "sub": "248289761001",
    "email": "alice@acme.example",
    "name": "Alice Personal",
    "groups": ["payroll-secrets", "staff-council"],
    "address": {"street_address": "Seaside 7"},
    "sid": "session-of-alice",
    "nonce": "nonce-of-alice",
    "upn": "alice-upn",
}


async def lines_of(world: World, token: str | bytes, *, name: str | None = None) -> Lines:
    file = world.folder / "token"
    file.write_bytes(token.encode() if isinstance(token, str) else token)
    return await lines_of_file(world, str(file), name=name)


async def lines_of_file(world: World, file: str, *, name: str | None = None) -> Lines:
    checked = prepare(world.folder / "vestibule.toml")
    asked = examine_token(checked, name=name or world.acme.url, file=file, clock=world.clock)
    return {line.subject: line async for line in asked}


def faults(lines: Lines) -> set[str]:
    return {subject for subject, line in lines.items() if line.level is Level.FAULT}


def text_of(lines: Lines) -> str:
    every = tuple(lines.values())
    return report(every, as_json=False) + report(every, as_json=True)


async def test_a_good_token_passes_every_check_and_each_is_told(world: World):
    lines = await lines_of(world, world.token("alice") + "\n")

    assert [line for line in lines.values() if line.level is not Level.OK] == []
    assert lines.keys() >= {"token form", "token signature", "token audience", "claim scope", "token verdict"}
    assert lines["token audience"].found == '`aud` is `"vestibule"`'
    assert lines["token expiry"].found == "`exp` is in 600 s"
    assert lines["claim sub"].found == '`"sub"` is a string'
    assert lines["person level"].found.startswith("multi-factor (2)")
    assert lines["person groups"].found == '1 told by `"groups"`'


async def test_neither_the_token_nor_what_it_says_of_a_person_is_ever_told(world: World):
    token = world.token("alice", **PERSONAL)

    told = text_of(await lines_of(world, token))

    assert '"email\\"` is a string' in told
    words = [*token.split("."), "Alice", "alice", "248289761001", "payroll", "council", "Seaside", "street_address"]
    assert [word for word in words if word in told] == []


async def test_an_expired_token_is_told_as_expired_and_everything_else_of_it_is_told_too(world: World):
    token = world.token("alice", aud="payroll")
    world.clock.move(hours=2)

    lines = await lines_of(world, token)

    assert faults(lines) == {"token expiry", "token audience", "person", "token verdict"}
    assert lines["token expiry"].found.startswith("token-expired: ")
    assert lines["claim scope"].level is Level.OK


async def test_who_an_expired_token_was_for_is_told_as_policies_would_have_heard_it(world: World):
    token = world.token("alice")
    world.clock.move(hours=2)

    lines = await lines_of(world, token)

    assert faults(lines) == {"token expiry", "token verdict"}
    assert lines["person level"].found.startswith("multi-factor (2)")


async def test_a_token_that_counts_only_with_a_device_or_a_nonce_is_a_warning(world: World):
    token = world.token("alice", groups=None)
    world.clock.move(minutes=6)

    lines = await lines_of(world, token)

    assert {name for name, line in lines.items() if line.level is Level.WARNING} == {
        "person freshness",
        "person groups",
    }
    assert lines["token verdict"].level is Level.OK


async def test_a_token_of_another_provider_is_told_from_a_forged_one(world: World):
    lines = await lines_of(world, world.partners.token("case", now=world.clock()))

    assert faults(lines) == {"token form", "token signature"}
    assert lines["token form"].found.startswith(f'token-issuer: claimed to be of `"{world.partners.url}"`')


async def test_a_token_that_claims_another_issuer_under_the_right_signature_is_refused(world: World):
    lines = await lines_of(world, world.token("alice", iss=f"{world.acme.url}/"))

    assert faults(lines) == {"token form", "token issuer", "person", "token verdict"}


@pytest.mark.parametrize("kind", GARBAGE)
async def test_the_doctor_refuses_what_the_house_refuses_and_repeats_none_of_it(world: World, kind: str):
    token = GARBAGE[kind](world.acme, world.clock())

    lines = await lines_of(world, token)

    status, _ = await world.post("/v1/tickets", {"conference": "board", "id_token": token}, bearer=None)
    assert status != 201
    assert faults(lines)
    assert [part for part in token.split(".") if part in text_of(lines)] == []


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "token-malformed"),
        (b"garbage", "token-malformed"),
        (bytes(range(256)), "token-malformed"),
        (b"a" * (MAX_TOKEN + 1), "token-too-large"),
        (b"a.b.c\n" * 2_000_000, "token-too-large"),
    ],
    ids=["empty", "garbage", "binary", "too long a token", "12 MB"],
)
async def test_a_file_that_holds_no_token_is_refused_unread(world: World, content: bytes, code: str):
    lines = await lines_of(world, content)

    assert faults(lines) == lines.keys() == {"token form"}
    assert lines["token form"].found.startswith(f"{code}: ")
    assert world.acme.times_asked == 0


@pytest.mark.parametrize("file", ["nowhere", "."])
async def test_a_file_that_cannot_be_read_is_a_fault(world: World, file: str):
    lines = await lines_of_file(world, str(world.folder / file))

    assert faults(lines) == lines.keys() == {"token file"}


async def test_a_provider_that_does_not_answer_is_not_a_bad_token(world: World):
    world.acme.down = True

    lines = await lines_of(world, world.token("alice"))

    assert faults(lines) == {"token key"}
    assert lines["token key"].found.startswith("idp-unreachable: ")


async def test_the_keys_of_a_closed_network_are_read_from_their_file(tmp_path: Path):
    closed = Issuer("closed")
    closed.url = "https://sso.closed.example"
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [closed.key.as_dict(private=False)]}))
    async with opened(tmp_path, conferences=CLOSED) as world:
        lines = await lines_of(world, closed.token("alice", now=world.clock()), name=closed.url)

    assert lines["token verdict"].level is Level.OK


async def test_a_provider_goes_by_its_organisation_where_that_is_clear(world: World):
    lines = await lines_of(world, world.token("alice"), name="acme")

    assert lines["token verdict"].level is Level.OK


@pytest.mark.parametrize("name", ["oidc", "mallory", "https://sso.acme.example"])
async def test_a_name_of_no_provider_or_of_several_is_answered_by_the_choices(world: World, name: str):
    lines = await lines_of(world, world.token("alice"), name=name)

    assert faults(lines) == {"idp"}
    assert f"`{world.acme.url}` (oidc, acme), `{world.partners.url}` (oidc, partners)" in lines["idp"].found


@pytest.mark.parametrize("arguments", [("--idp", "acme"), ("--token", "token")])
async def test_one_option_without_the_other_is_a_fault(world: World, arguments: tuple[str, str]):
    (line,) = await examine(options(world.folder / "vestibule.toml", *arguments))

    assert (line.level, line.subject) == (Level.FAULT, "idp")


async def test_examining_a_token_does_not_use_it_up(world: World):
    token = world.token("alice")
    await lines_of(world, token)

    joined = await world.join({"conference": "board", "id_token": token})

    assert joined["decision"] == "redirect"


@pytest.mark.parametrize(("age", "code"), [(timedelta(0), 0), (timedelta(hours=1), 1)])
async def test_the_command_reads_standard_input_and_fails_where_the_token_is_refused(
    tmp_path: Path, age: timedelta, code: int
):
    now = datetime.now(UTC)
    async with opened(tmp_path, now=now) as world:
        file = str(tmp_path / "vestibule.toml")
        command = ["-c", "import sys; from plugin.shell.cli import main; sys.exit(main())", "doctor", "--config", file]
        process = await create_subprocess_exec(
            sys.executable, *command, "--idp", "acme", "--token", "-", stdin=PIPE, stdout=PIPE
        )
        out, _ = await process.communicate(world.acme.token("alice", now=now - age).encode())

    assert process.returncode == code
    assert ("ok   token expiry: " in out.decode()) is (code == 0)


# The vendors' own tables


def lines_of_vendor(vendor: Vendor, **changes: object) -> tuple[Line, ...]:
    header, payload = token_of(vendor)
    adapter = vendor.build(settings_of(vendor, payload))
    token = sign(changed(payload, **changes), head={**header, "alg": "RS256", "kid": "rsa"})
    return tuple(judged(token, provider=adapter, keys=KEYS, now=datetime.fromtimestamp(1795440000, tz=UTC)))


@pytest.mark.parametrize("name", VENDORS)
def test_a_good_token_of_every_vendor_has_no_faults(name: str):
    assert not failed(lines_of_vendor(VENDORS[name]))


@pytest.mark.parametrize(
    ("name", "claim"), [(name, claim) for name, vendor in VENDORS.items() for claim in (*vendor.wrong, *vendor.foreign)]
)
def test_a_wrong_claim_of_any_vendor_is_told_by_its_name(name: str, claim: str):
    vendor = VENDORS[name]

    lines = lines_of_vendor(vendor, **{claim: {**vendor.wrong, **vendor.foreign}[claim]})

    assert {line.subject for line in lines if line.level is Level.FAULT} == {
        f"claim {claim}",
        "person",
        "token verdict",
    }
