"""The document of the JSON doors is no second truth: its members, limits and statuses are those of the service."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import validate

from plugin.core.decision import Allow, Capability, Decision, Deny, OpenElsewhere, Redirect, because
from plugin.core.reasons import Reason
from plugin.platforms import generic
from plugin.shell.generic_door import GenericDoor
from plugin.shell.logout import LogoutDoor
from plugin.shell.metrics import Metrics
from plugin.shell.openapi import SOURCE, document, routes
from plugin.shell.rate import RateLimit
from tests.shell.test_logout import logout_token
from tests.shell.world import CALLER_TOKEN, World, opened

DOCUMENT = json.loads(json.dumps(document()))
SCHEMAS = DOCUMENT["components"]["schemas"]
REDIRECT = Redirect(
    zone="meetme",
    capabilities=frozenset({Capability.UNMUTE}),
    reasons=(because(Reason.INNER_ZONE_REFUSED),),
    remedy=None,
    revisit_at=None,
    apart=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: object


def described_by(schema: object) -> Draft202012Validator:
    """Make a validator of one schema of the document, whose references lead into the document."""
    whole = {"components": DOCUMENT["components"], "allOf": [schema]}
    return Draft202012Validator(whole, format_checker=FormatChecker())


def response_of(path: str, status: int) -> dict:
    response = DOCUMENT["paths"][path]["post"]["responses"][str(status)]
    name = response.get("$ref", "").rpartition("/")[2]
    return DOCUMENT["components"]["responses"][name] if name else response


async def post(world: World, path: str, body: object, *, bearer: str | None = CALLER_TOKEN) -> Answer:
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    async with world.session.post(f"{world.url}{path}", json=body, headers=headers) as response:
        assert response.content_type == "application/json"
        return Answer(status=response.status, headers=response.headers, body=await response.json())


def test_the_document_is_openapi() -> None:
    validate(DOCUMENT)


def test_every_name_in_the_source_has_become_a_value() -> None:
    assert re.search(r"\$[A-Z]", SOURCE.read_text())
    assert not re.search(r"\$[A-Z]", json.dumps(DOCUMENT))


async def test_the_service_tells_the_document_to_anybody(world: World) -> None:
    async with world.session.get(f"{world.url}/openapi.json") as response:
        assert (response.status, response.content_type) == (200, "application/json")
        assert await response.json() == DOCUMENT


async def test_every_door_is_in_the_document_and_every_path_is_a_door(world: World) -> None:
    limit = RateLimit(monotonic=lambda: 0.0)
    others = (GenericDoor(gate=world.gate, limit=limit), LogoutDoor(gate=world.gate, metrics=Metrics()))
    doors = [*(route for door in others for route in door.routes()), *routes()]
    operations = {(path, method.upper()) for path, item in DOCUMENT["paths"].items() for method in item}

    assert operations == {(door.path, door.method) for door in doors if door.method != "*"}


@pytest.mark.parametrize(
    ("schema", "members"),
    [
        ("ChallengeRequest", generic.CHALLENGE),
        ("Proofs", generic.PROOFS),
        ("Join", generic.JOIN),
        ("Participant", generic.PARTICIPANT),
        ("Evidence", generic.EVIDENCE),
    ],
)
def test_what_may_be_asked_has_the_members_that_are_read(schema: str, members: frozenset[str]) -> None:
    assert SCHEMAS[schema]["properties"].keys() == members
    assert SCHEMAS[schema]["additionalProperties"] is False


@pytest.mark.parametrize(
    "decision",
    [
        Allow(zone="core", capabilities=frozenset(), reasons=(because(Reason.PERMITTED),), revisit_at=None),
        REDIRECT,
        Deny(reasons=(because(Reason.NO_PERMIT),), remedy=OpenElsewhere(zone="meetme")),
    ],
)
def test_a_decision_has_the_members_that_are_written(decision: Decision) -> None:
    written = generic.write(decision, decision_id="dec_aebagbafaydqqcik", trace_id="a" * 32)

    described_by(SCHEMAS["Decision"]).validate(written)
    assert SCHEMAS["Decision"]["properties"].keys() == written.keys()


@pytest.mark.parametrize(
    "change",
    [
        {"decision": "maybe"},
        {"zone": None},
        {"capabilities": ["fly"]},
        {"obligations": {}},
        {"obligations": {"prevent": [], "record": True}},
        {"expires_at": "tomorrow"},
        {"reasons": [{"code": "because", "message": "I say so."}]},
        {"more": 1},
    ],
)
def test_what_is_no_decision_is_none_in_the_document(change: dict[str, object]) -> None:
    written = generic.write(REDIRECT, decision_id="", trace_id="")

    assert not described_by(SCHEMAS["Decision"]).is_valid({**written, **change})


def test_every_example_is_what_it_is_an_example_of() -> None:
    contents = [
        described
        for item in DOCUMENT["paths"].values()
        for operation in item.values()
        for part in [operation.get("requestBody", {}), *operation["responses"].values()]
        if (described := part.get("content", {}).get("application/json"))
    ]
    examples = [
        (content["schema"], example)
        for content in contents
        for example in [*(one["value"] for one in content.get("examples", {}).values()), content.get("example")]
        if example is not None
    ]

    for schema, example in examples:
        described_by(schema).validate(example)
    assert len(examples) == 9


async def bad(world: World, path: str) -> Answer:
    return await post(world, path, {"conference": "board", "id_tokn": "x"})


async def shut(world: World, path: str) -> Answer:
    world.gate.house = None
    return await post(world, path, {"conference": "board"})


async def often(world: World, path: str) -> Answer:
    await post(world, path, {"conference": "board"}, bearer=None)
    return await post(world, path, {"conference": "board"}, bearer=None)


async def asked(world: World, path: str) -> Answer:
    return await post(world, path, {"conference": "board"})


async def stranger(world: World, path: str) -> Answer:
    return await post(world, path, {"conference": "board"}, bearer=None)


async def overreaching(world: World, path: str) -> Answer:
    return await post(world, path, {"conference": "budget"})


async def proven(world: World, path: str) -> Answer:
    return await post(world, path, await world.proofs("board", token=world.token("alice")))


async def sign_out(world: World, path: str, token: str) -> Answer:
    async with world.session.post(f"{world.url}{path}", data={"logout_token": token}) as response:
        body = await response.json() if response.content_length else None
        return Answer(status=response.status, headers=response.headers, body=body)


async def signed_out(world: World, path: str) -> Answer:
    return await sign_out(world, path, logout_token(world))


async def forged(world: World, path: str) -> Answer:
    return await sign_out(world, path, "a.b.c")


async def shut_to_providers(world: World, path: str) -> Answer:
    world.gate.house = None
    return await signed_out(world, path)


PROVOKED: dict[tuple[str, int], Callable[[World, str], Awaitable[Answer]]] = {
    ("/v1/joins", 200): asked,
    ("/v1/joins", 400): bad,
    ("/v1/joins", 401): stranger,
    ("/v1/joins", 403): overreaching,
    ("/v1/joins", 429): often,
    ("/v1/joins", 503): shut,
    ("/v1/challenges", 201): asked,
    ("/v1/challenges", 400): bad,
    ("/v1/challenges", 429): often,
    ("/v1/challenges", 503): shut,
    ("/v1/tickets", 201): proven,
    ("/v1/tickets", 400): bad,
    ("/v1/tickets", 403): asked,
    ("/v1/tickets", 429): often,
    ("/v1/tickets", 503): shut,
    ("/v1/logout", 200): signed_out,
    ("/v1/logout", 400): forged,
    ("/v1/logout", 503): shut_to_providers,
}


@pytest.mark.parametrize(("path", "status"), PROVOKED)
async def test_each_documented_status_comes_as_it_is_described(tmp_path: Path, path: str, status: int) -> None:
    per_minute = "1" if status == 429 else "100"
    async with opened(tmp_path, caller='conferences = ["board"]', requests_per_minute=per_minute) as world:
        answer = await PROVOKED[path, status](world, path)

    response = response_of(path, status)
    assert answer.status == status
    if "content" in response:
        described_by(response["content"]["application/json"]["schema"]).validate(answer.body)
    else:
        assert answer.body is None
    assert set(response.get("headers", {})) <= set(answer.headers)


def test_no_status_is_documented_that_nobody_has_seen() -> None:
    documented = {
        (path, int(status))
        for path, item in DOCUMENT["paths"].items()
        for status in item.get("post", {}).get("responses", {})
    }

    assert documented == PROVOKED.keys()
