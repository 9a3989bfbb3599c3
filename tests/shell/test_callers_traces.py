"""Whose `traceparent` is believed, as a real collector receives it: a listed caller's that is set so, nobody else's."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.shell.collector import Collector
from tests.shell.world import CALLER_TOKEN, PROXIED_TOKEN, World, basic, caller, opened

TRACE, SPAN = "c" * 32, "d" * 16
NOT_SAMPLED = f"00-{TRACE}-{SPAN}-00"


@dataclass(slots=True, kw_only=True)
class Traced:
    """A service, its collector, and a caller whose traces go on: `portal`."""

    world: World
    collector: Collector

    async def ask(self, path: str, body: object, *, bearer: str | None, headers: Mapping[str, str]) -> int:
        authorization = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        url = f"{self.world.url}{path}"
        async with self.world.session.post(url, json=body, headers=[*authorization.items(), *headers.items()]) as got:
            return got.status

    async def roots(self) -> list[Span]:
        await asyncio.to_thread(self.world.traces.shutdown)
        return [span for span in self.collector.spans if span.name == "vestibule.join"]


@pytest.fixture
async def traced(tmp_path: Path) -> AsyncIterator[Traced]:
    async with (
        Collector().running() as collector,
        opened(tmp_path, telemetry=f'endpoint = "{collector.url}"', caller="traces = true") as world,
    ):
        yield Traced(world=world, collector=collector)


async def test_the_trace_of_a_listed_caller_goes_on_here(traced: Traced) -> None:
    headers = {"traceparent": NOT_SAMPLED, "tracestate": "vendor=value", "baggage": "person=alice"}
    status = await traced.ask("/v1/joins", {"conference": "board"}, bearer=CALLER_TOKEN, headers=headers)

    (root,) = await traced.roots()
    assert status == 200
    assert (root.trace_id.hex(), root.parent_span_id.hex()) == (TRACE, SPAN)
    assert root.trace_state == ""
    assert "alice" not in str(traced.collector.spans)


async def test_a_ticket_keeps_its_own_trace_and_the_callers_is_linked(traced: Traced) -> None:
    ticket = await traced.world.ticket(await traced.world.proofs("board", token=traced.world.token("alice")))
    body = {"conference": "board", "ticket": ticket}
    await traced.ask("/v1/joins", body, bearer=CALLER_TOKEN, headers={"traceparent": NOT_SAMPLED})

    issued, joined = await traced.roots()
    assert joined.trace_id == issued.trace_id
    assert [(link.trace_id.hex(), link.span_id.hex()) for link in joined.links] == [(TRACE, SPAN)]


async def test_a_caller_that_is_not_set_so_does_not_choose_our_trace(traced: Traced) -> None:
    headers = {"traceparent": NOT_SAMPLED}
    await traced.ask("/v1/joins", {"conference": "board"}, bearer=PROXIED_TOKEN, headers=headers)

    (root,) = await traced.roots()
    assert (root.trace_id.hex() != TRACE, root.parent_span_id) == (True, b"")
    assert not root.links


async def test_a_stranger_leaves_no_span_at_all(traced: Traced) -> None:
    headers = {"traceparent": NOT_SAMPLED}
    status = await traced.ask("/v1/joins", {"conference": "board"}, bearer="x" * 40, headers=headers)

    assert status == 401
    assert await traced.roots() == []


async def test_a_client_does_not_choose_our_trace(traced: Traced) -> None:
    proofs = await traced.world.proofs("board", token=traced.world.token("alice"))
    status = await traced.ask("/v1/tickets", proofs, bearer=CALLER_TOKEN, headers={"traceparent": NOT_SAMPLED})

    (root,) = await traced.roots()
    assert status == 201
    assert (root.trace_id.hex() != TRACE, root.parent_span_id) == (True, b"")


async def test_the_pexip_door_takes_up_nobodys_trace(traced: Traced) -> None:
    url, question = f"{traced.world.url}/policy/v1/service/configuration", caller("board", ticket="", address="")
    headers = {**basic(), "traceparent": NOT_SAMPLED}
    async with traced.world.session.get(url, params=question, headers=headers) as response:
        assert response.status == 200

    (root,) = await traced.roots()
    assert (root.trace_id.hex() != TRACE, root.parent_span_id) == (True, b"")


async def test_a_repeated_traceparent_is_ignored(traced: Traced) -> None:
    url = f"{traced.world.url}/v1/joins"
    authorization = ("Authorization", f"Bearer {CALLER_TOKEN}")
    headers = [authorization, ("traceparent", NOT_SAMPLED), ("traceparent", NOT_SAMPLED)]
    async with traced.world.session.post(url, json={"conference": "board"}, headers=headers) as response:
        assert response.status == 200

    (root,) = await traced.roots()
    assert root.trace_id.hex() != TRACE


async def test_the_questions_of_one_join_are_linked_and_name_nobody(traced: Traced) -> None:
    first = await traced.world.service("summit", address="192.0.2.7")
    await traced.world.service("summit", address="192.0.2.7")

    earlier, later = await traced.roots()
    assert first["status"] == "success"
    assert [(link.trace_id, link.span_id) for link in later.links] == [(earlier.trace_id, earlier.span_id)]
    assert "192.0.2.7" not in str(traced.collector.spans)


async def test_a_neighbour_behind_one_address_is_linked_and_gets_nothing(traced: Traced) -> None:
    ticket = await traced.world.ticket(await traced.world.proofs("board", token=traced.world.token("alice")))
    mine = await traced.world.service("board", ticket=ticket)
    first = await traced.world.service("board")
    second = await traced.world.service("board")

    roots = await traced.roots()
    assert [answer["action"] for answer in (mine, first, second)] == ["continue", "reject", "reject"]
    assert [len(root.links) for root in roots] == [0, 0, 0, 1]
