"""Nothing but a well-formed answer admits: a server that misbehaves in every way gets nobody in."""

import asyncio
import gzip
import json
import socket
from collections.abc import Mapping

import pytest
from aiohttp import web

from tests.client.liar import ALLOW, ID_TOKEN, NOON, TOKEN, lying, says
from vestibule import (
    Allowed,
    Answer,
    Capability,
    Denied,
    NoAnswer,
    NotAccepted,
    NotReached,
    NotUnderstood,
    Redirected,
    StepUp,
    Vestibule,
)

EVERYTHING = frozenset(Capability)


async def asked(
    body: object, *, status: int = 200, enforces: frozenset[Capability] = EVERYTHING, **headers: str
) -> Answer:
    """Return what a platform gets where this is answered."""
    async with lying(says(body, status=status, **headers)) as liar, liar.client(enforces=enforces) as vestibule:
        return await vestibule.join("board", id_token=ID_TOKEN)


def changed(**changes: object) -> dict[str, object]:
    return {**ALLOW, **changes}


async def test_a_well_formed_allow_is_an_allow() -> None:
    answer = await asked(ALLOW)

    assert isinstance(answer, Allowed)
    assert (answer.zone, answer.prevent) == ("core", {Capability.HOST})


@pytest.mark.parametrize(
    ("told", "claims"),
    [({}, None), ({"claims": None}, None), ({"claims": '{"id_token": {}}'}, '{"id_token": {}}')],
    ids=["an older service", "none", "some"],
)
async def test_a_step_up_says_what_to_send_as_claims(told: Mapping[str, object], claims: str | None) -> None:
    remedy = {"type": "step-up", "acr_values": [], "max_age": 0, **told}

    answer = await asked(changed(decision="deny", remedy=remedy))

    assert isinstance(answer, Denied)
    assert answer.remedy == StepUp(acr_values=(), max_age=0, claims=claims)


@pytest.mark.parametrize("name", sorted(ALLOW))
async def test_an_allow_that_lacks_a_member_is_none(name: str) -> None:
    with pytest.raises(NotUnderstood, match=name):
        await asked({key: value for key, value in ALLOW.items() if key != name})


@pytest.mark.parametrize("name", sorted(ALLOW))
async def test_an_allow_with_a_member_of_another_kind_is_none(name: str) -> None:
    with pytest.raises(NotUnderstood):
        await asked(changed(**{name: 7}))


@pytest.mark.parametrize(
    "changes",
    [
        {"decision": "Allow"},
        {"decision": "allowed"},
        {"decision": "maybe"},
        {"decision": ""},
        {"decision": True},
        {"decision": ["allow"]},
        {"zone": ""},
        {"zone": None},
        {"capabilities": None},
        {"capabilities": ["host", 7]},
        {"obligations": {}},
        {"obligations": {"prevent": []}},
        {"obligations": {"prevent": ["host", "present"]}},
        {"reasons": ["permitted"]},
        {"expires_at": ""},
        {"expires_at": "soon"},
        {"expires_at": "2026-11-24T18:00:00"},
        {"expires_at": "2026-11-24T12:00:00+00:00"},
        {"expires_at": "2026-11-24T11:59:59+00:00"},
        {"expires_at": "2026-11-24T13:30:00+02:00"},
        {"remedy": {"type": "step-up", "acr_values": [], "max_age": True}},
        {"remedy": {"type": "step-up", "acr_values": [], "max_age": 0, "claims": {"id_token": {}}}},
    ],
)
async def test_an_allow_that_is_not_quite_one_is_none(changes: Mapping[str, object]) -> None:
    with pytest.raises(NotUnderstood):
        await asked(changed(**changes))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"true",
        b"[]",
        b'"allow"',
        b"<html>allow</html>",
        b"\xff\xfe",
        b"[" * 60_000,
        json.dumps(ALLOW).encode()[:-1],
        json.dumps(ALLOW).encode() + b"{}",
        b'{"decision": "deny", ' + json.dumps(ALLOW).encode()[1:],
        gzip.compress(json.dumps(ALLOW).encode()),
        json.dumps(ALLOW).encode() + b" " * 70_000,
    ],
)
async def test_what_is_not_one_json_object_is_no_answer(raw: bytes) -> None:
    with pytest.raises(NotUnderstood):
        await asked(raw)


async def test_a_compressed_answer_is_not_inflated() -> None:
    body = gzip.compress(json.dumps(ALLOW).encode())

    with pytest.raises(NotUnderstood):
        await asked(body, **{"Content-Encoding": "gzip"})


@pytest.mark.parametrize("status", [201, 202, 203, 206, 299])
async def test_an_allow_with_another_status_is_none(status: int) -> None:
    with pytest.raises(NotUnderstood, match=str(status)):
        await asked(ALLOW, status=status)


@pytest.mark.parametrize("status", [500, 502, 504, 599])
async def test_an_allow_with_an_error_is_none(status: int) -> None:
    with pytest.raises(NotReached, match=str(status)):
        await asked(ALLOW, status=status)


async def test_an_allow_with_unavailable_is_none() -> None:
    with pytest.raises(NotUnderstood, match="503"):
        await asked(ALLOW, status=503)


@pytest.mark.parametrize("raw", [b"", b"<html>503</html>", b'{"error": {"message": "the service does not answer"}}'])
async def test_a_proxy_that_answers_for_the_service_is_no_answer(raw: bytes) -> None:
    with pytest.raises(NotReached, match="503"):
        await asked(raw, status=503)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 418, 429])
async def test_an_allow_with_a_mistake_is_none(status: int) -> None:
    with pytest.raises(NotAccepted, match=str(status)):
        await asked(ALLOW, status=status)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirection_is_followed(status: int) -> None:
    async with lying(says(ALLOW)) as elsewhere:
        with pytest.raises(NotUnderstood, match=str(status)):
            await asked(ALLOW, status=status, Location=f"{elsewhere.url}/v1/joins")

    assert elsewhere.asked == []


async def test_a_rejection_in_the_words_of_pexip_is_no_answer() -> None:
    with pytest.raises(NotUnderstood):
        await asked({"status": "success", "action": "continue"})


async def test_a_server_that_hangs_is_no_answer() -> None:
    async def hang(_request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    async with lying(hang) as liar, liar.client(seconds=0.1) as vestibule:
        with pytest.raises(NotReached, match="TimeoutError"):
            await vestibule.join("board")


async def test_a_server_that_stops_in_the_middle_is_no_answer() -> None:
    async def stop(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
        await response.prepare(request)
        await response.write(json.dumps(ALLOW).encode())
        assert request.transport
        request.transport.close()
        return response

    async with lying(stop) as liar, liar.client() as vestibule:
        with pytest.raises(NotReached):
            await vestibule.join("board")


async def test_a_refused_connection_is_no_answer() -> None:
    with socket.socket() as bound:  # bound and not listening: nobody else gets this port meanwhile
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        async with Vestibule(url, token=TOKEN, enforces=EVERYTHING) as vestibule:
            with pytest.raises(NotReached):
                await vestibule.join("board")


@pytest.mark.parametrize("seconds", [0, -1, 61, float("inf"), float("nan")])
def test_a_wait_without_end_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="at most 60"):
        Vestibule("https://vestibule.example.com", token=TOKEN, enforces=EVERYTHING, seconds=seconds)


@pytest.mark.parametrize("enforces", [frozenset(), EVERYTHING - {Capability.HOST}])
async def test_what_the_platform_cannot_prevent_is_a_deny(enforces: frozenset[Capability]) -> None:
    answer = await asked(ALLOW, enforces=enforces)

    assert isinstance(answer, Denied)
    assert answer.reasons[0].code == "platform-cannot-honour"
    assert answer.decision_id == ALLOW["decision_id"]


async def test_a_platform_that_enforces_nothing_admits_whom_nothing_is_refused() -> None:
    full = changed(capabilities=[capability.value for capability in Capability], obligations={"prevent": []})

    assert isinstance(await asked(full, enforces=frozenset()), Allowed)


@pytest.mark.parametrize(
    "obligations", [{"prevent": ["host"], "record": True}, {"prevent": ["host", "record"]}, {"prevent": ["host", ""]}]
)
async def test_an_obligation_that_is_not_known_is_a_deny(obligations: dict[str, object]) -> None:
    assert isinstance(await asked(changed(obligations=obligations)), Denied)


async def test_a_capability_that_is_not_known_is_not_granted() -> None:
    answer = await asked(changed(capabilities=["present", "showName", "unmute", "fly"]))

    assert isinstance(answer, Allowed)
    assert answer.capabilities == EVERYTHING - {Capability.HOST}


async def test_a_member_that_is_not_known_changes_nothing() -> None:
    assert isinstance(await asked(changed(weather="fine")), Allowed)


@pytest.mark.parametrize("decision", ["allow", "redirect", "deny"])
async def test_no_answer_is_true_or_false(decision: str) -> None:
    answer = await asked(changed(decision=decision))

    with pytest.raises(TypeError, match="match"):
        bool(answer)


async def test_a_redirect_is_no_allow() -> None:
    answer = await asked(changed(decision="redirect", zone="meetme"))

    assert isinstance(answer, Redirected)
    assert not isinstance(answer, Allowed)


@pytest.mark.parametrize("status", [200, 400, 503])
@pytest.mark.parametrize("secret", [TOKEN, ID_TOKEN])
async def test_a_server_that_repeats_a_token_gets_it_into_no_exception(status: int, secret: str) -> None:
    reasons = [{"code": "permitted", "message": secret}]
    body = {**changed(reasons=reasons), "error": {"field": secret, "message": secret}}

    with pytest.raises(NoAnswer) as failure:
        await asked(body, status=status)

    assert secret not in repr(failure.value) + str(failure.value) + str(vars(failure.value))


async def test_a_failed_connection_leaves_no_token_behind(caplog: pytest.LogCaptureFixture) -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        assert request.transport
        request.transport.close()
        return web.Response()

    async with lying(cut) as liar, liar.client() as vestibule:
        with pytest.raises(NotReached) as failure:
            await vestibule.join("board", id_token=ID_TOKEN)
        told = repr(vestibule) + repr(failure.value) + caplog.text

    assert TOKEN not in told
    assert ID_TOKEN not in told
    assert (failure.value.__cause__, failure.value.__context__) == (None, None)


@pytest.mark.parametrize("name", ["access_token", "dpop_proof", "ticket"])
async def test_a_server_that_repeats_whatever_else_was_presented_is_not_understood(name: str) -> None:
    body = changed(reasons=[{"code": "permitted", "message": ID_TOKEN}])
    async with lying(says(body)) as liar, liar.client() as vestibule:
        with pytest.raises(NotUnderstood, match="repeats a token"):
            await vestibule.join("board", **{name: ID_TOKEN})


def test_a_token_that_no_header_can_carry_is_refused_without_being_repeated() -> None:
    with pytest.raises(ValueError, match="header") as refused:
        Vestibule("https://vestibule.example.com", token="secret\r\nX: y", enforces=EVERYTHING)

    assert "secret" not in str(refused.value)


async def test_a_question_outside_the_context_is_a_mistake() -> None:
    async with lying(says(ALLOW)) as liar:
        client = liar.client()
        with pytest.raises(RuntimeError, match="async with"):
            await client.join("board")
        async with client:
            pass
        with pytest.raises(RuntimeError, match="async with"):
            await client.join("board")


async def test_a_mistake_names_its_member_and_keeps_the_sentence_apart() -> None:
    error = {"field": "participant.remote_address", "message": "got `192.0.2.x`, expected an IP address"}

    with pytest.raises(NotAccepted) as failure:
        await asked({"error": error}, status=400)

    assert (failure.value.status, failure.value.field, failure.value.message) == (400, *error.values())
    assert "192.0.2" not in str(failure.value)


async def test_an_answer_expires_by_the_clock_of_the_platform() -> None:
    answer = await asked(ALLOW)

    assert isinstance(answer, Allowed)
    assert answer.expires_at is not None
    assert answer.expires_at > NOON
