"""The client and the real service: they know each other by the wire alone, and mean the same by it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict, fields
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider

from plugin.core import decision
from plugin.core.reasons import Reason
from plugin.platforms import generic
from tests.shell.collector import Collector
from tests.shell.test_held_tokens import held
from tests.shell.world import CALLER_TOKEN, World, opened
from vestibule import (
    Allowed,
    Capability,
    Denied,
    Evidence,
    NotAccepted,
    Participant,
    Redirected,
    StepUp,
    Vestibule,
)
from vestibule.reading import CANNOT_HONOUR

AT_HOME = Participant(display_name="A Person", protocol="webrtc", remote_address="192.0.2.7", vendor="test")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path) as everything:
        yield everything


@pytest.fixture
async def platform(world: World) -> AsyncIterator[Vestibule]:
    async with Vestibule(world.url, token=CALLER_TOKEN, enforces=set(Capability), clock=world.clock) as client:
        yield client


async def evidence(world: World, platform: Vestibule, *, token: str) -> list[Evidence]:
    """Let alice's device sign a challenge that the client has fetched."""
    challenge = await platform.challenge("board")
    piece = world.authority.device("alice").evidence(asdict(challenge), token=token)
    return [Evidence(**piece)]


async def test_a_proven_person_on_a_proven_device_is_allowed(world: World, platform: Vestibule) -> None:
    token = world.token("alice")
    proof = await evidence(world, platform, token=token)

    answer = await platform.join("board", participant=AT_HOME, id_token=token, evidence=proof)

    assert isinstance(answer, Allowed)
    assert (answer.zone, answer.prevent) == ("core", {Capability.HOST})
    assert answer.expires_at is not None
    assert (answer.decision_id, answer.trace_id) == (world.records[-1].decision_id, world.records[-1].trace_id)


async def test_a_person_without_a_device_is_redirected(world: World, platform: Vestibule) -> None:
    answer = await platform.join("board", participant=AT_HOME, id_token=world.token("alice"))

    assert isinstance(answer, Redirected)
    assert answer.zone == "meetme"
    assert Capability.PRESENT in answer.prevent


async def test_nobody_is_denied_with_a_reason(platform: Vestibule) -> None:
    answer = await platform.join("board")

    assert isinstance(answer, Denied)
    assert answer.reasons[0].message


async def test_an_old_sign_in_is_answered_with_the_way_to_a_new_one(world: World, platform: Vestibule) -> None:
    token = world.token("alice", auth_time=int(world.clock().timestamp()) - 9 * 3600)
    proof = await evidence(world, platform, token=token)

    answer = await platform.join("board", participant=AT_HOME, id_token=token, evidence=proof)

    assert isinstance(answer, Denied)
    assert answer.remedy == StepUp(acr_values=("urn:acme:mfa",), max_age=28800)


async def test_a_ticket_is_as_good_as_its_proofs(world: World, platform: Vestibule) -> None:
    ticket = await world.ticket(await world.proofs("board", token=world.token("alice")))

    assert isinstance(await platform.join("board", participant=AT_HOME, ticket=ticket), Redirected)


async def test_a_token_that_is_bound_to_a_key_is_admitted_with_the_participants_proof(
    world: World, platform: Vestibule
) -> None:
    body = await held(world)

    answer = await platform.join(
        "board", participant=AT_HOME, access_token=str(body["id_token"]), dpop_proof=str(body["dpop_proof"])
    )

    assert isinstance(answer, Redirected)


async def test_without_the_proof_it_is_denied(world: World, platform: Vestibule) -> None:
    body = await held(world)

    answer = await platform.join("board", participant=AT_HOME, access_token=str(body["id_token"]))

    assert isinstance(answer, Denied)
    assert answer.reasons[0].code == "token-confirmation"


async def test_nonsense_is_denied_with_a_reason(platform: Vestibule) -> None:
    answer = await platform.join("board", id_token="d")

    assert isinstance(answer, Denied)
    assert answer.reasons[0].code == "token-malformed"


async def test_a_house_that_is_shut_denies(world: World, platform: Vestibule) -> None:
    world.gate.house = None

    answer = await platform.join("board")

    assert isinstance(answer, Denied)
    assert (answer.reasons[0].code, answer.decision_id) == ("not-serving", "")


async def test_a_platform_that_cannot_mute_gets_a_deny_though_the_service_allows(world: World) -> None:
    async with Vestibule(world.url, token=CALLER_TOKEN, enforces={Capability.HOST}, clock=world.clock) as platform:
        answer = await platform.join("board", participant=AT_HOME, id_token=world.token("alice"))

    assert world.records[-1].outcome == "redirect"
    assert isinstance(answer, Denied)


async def test_a_wrong_token_and_a_wrong_member_are_mistakes(world: World, platform: Vestibule) -> None:
    async with Vestibule(world.url, token="x" * 40, enforces=()) as stranger:
        with pytest.raises(NotAccepted, match="401"):
            await stranger.join("board")

    with pytest.raises(NotAccepted, match=r"400 for `participant\.remote_address`"):
        await platform.join("board", participant=Participant(remote_address="nowhere"))


async def test_the_span_of_the_platform_is_the_parent_of_ours(tmp_path: Path) -> None:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("platform")
    async with Collector().running() as collector:
        async with (
            opened(tmp_path, telemetry=f'endpoint = "{collector.url}"', caller="traces = true") as world,
            Vestibule(world.url, token=CALLER_TOKEN, enforces=(), clock=world.clock) as platform,
        ):
            with tracer.start_as_current_span("admit") as span:
                joined = await platform.join("board")
            alone = await platform.join("board")
        await asyncio.to_thread(world.traces.shutdown)

    context = span.get_span_context()
    (root,) = [one for one in collector.spans if one.parent_span_id == context.span_id.to_bytes(8, "big")]
    assert root.name == "vestibule.join"
    assert joined.trace_id == f"{context.trace_id:032x}" != alone.trace_id


def test_the_client_can_ask_all_that_is_read_and_nothing_else() -> None:
    assert {field.name for field in fields(Participant)} == generic.PARTICIPANT
    assert {field.name for field in fields(Evidence)} == generic.EVIDENCE


def test_the_client_and_the_service_have_the_same_words() -> None:
    assert {one.value for one in Capability} == {one.value for one in decision.Capability}
    assert (CANNOT_HONOUR.code, CANNOT_HONOUR.message) == Reason.PLATFORM_CANNOT_HONOUR.value


def test_what_the_platform_tells_is_in_no_representation() -> None:
    participant = Participant(alias="alice@example.com", display_name="Alice", remote_address="192.0.2.7")
    piece = Evidence(format="x509", challenge_id="secret", payload={"signature": "secret"})

    for text in ("alice", "Alice", "192.0.2.7", "secret"):
        assert text not in repr(participant) + repr(piece)
