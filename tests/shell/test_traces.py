"""The spans of a join, as a real collector receives them over OTLP/HTTP."""

import asyncio
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.shell.collector import Collector, attributes
from tests.shell.world import opened

STEPS = {"vestibule.read", "vestibule.identity", "vestibule.device", "vestibule.judge", "vestibule.write"}


@pytest.fixture
async def spans(tmp_path: Path) -> list[Span]:
    """The spans of one allowed join and one denied one, after the service has stopped."""
    async with Collector().running() as collector:
        async with opened(tmp_path, telemetry=f'endpoint = "{collector.url}"') as world:
            device = world.authority.device("alice")
            token = world.token("alice")
            await world.join(await world.proofs("board", token=token, device=device))
            await world.service("board")
        await asyncio.to_thread(world.traces.shutdown)
        return collector.spans


async def test_each_join_is_one_trace_with_a_span_for_each_step(spans: list[Span]) -> None:
    roots = [span for span in spans if span.name == "vestibule.join"]

    assert len(roots) == 2
    for root in roots:
        children = {span.name for span in spans if span.parent_span_id == root.span_id}
        assert children == STEPS


async def test_the_root_says_what_was_decided_and_why(spans: list[Span]) -> None:
    roots = [attributes(span) for span in spans if span.name == "vestibule.join"]

    assert [root["vestibule.outcome"] for root in roots] == ["allow", "deny"]
    assert all(root["vestibule.decision_id"].startswith("dec_") for root in roots)


async def test_a_deny_is_not_an_error(spans: list[Span]) -> None:
    assert all(span.status.code != Status.STATUS_CODE_ERROR for span in spans)


async def test_no_span_holds_personal_data(spans: list[Span]) -> None:
    text = " ".join(str(span) for span in spans)

    for secret in ("alice", "A Person", "192.0.2.7", "eyJ"):
        assert secret not in text
