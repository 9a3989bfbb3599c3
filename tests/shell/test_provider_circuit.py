"""The circuit to a provider, as operators see it, and a provider that is known by a file alone."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from plugin.flow.circuit import Circuit
from plugin.flow.provider_keys import ProviderKeys
from plugin.shell.doctor.report import Level
from plugin.shell.gauges import show_providers
from plugin.shell.metrics import Metrics
from tests.flow.provider import ISSUER, HandClock, Provider, settings
from tests.shell.collector import Collector, attributes
from tests.shell.doctor.test_configuration import lines_of
from tests.shell.parties import Issuer
from tests.shell.scraping import Scraped, scrape
from tests.shell.world import World, opened

METRICS = '[metrics]\nlisten = "127.0.0.1:0"\n'
CLOSED = "https://sso.closed.example"
IDP = f"""
[[idp]]
adapter = "oidc"
issuer = "{CLOSED}"
audience = ["vestibule"]
algorithms = ["ES256"]
org = "acme"
keys_file = "closed.json"
"""


def circuits(found: Scraped, issuer: str) -> list[str]:
    shown = found.all("vestibule_idp_circuit", issuer=issuer)
    assert {one.labels["circuit"] for one in shown} == {circuit.value for circuit in Circuit}
    return [one.labels["circuit"] for one in shown if one.value == 1]


def of_identity(spans: list[Span]) -> list[str | None]:
    return [attributes(span).get("vestibule.idp.circuit") for span in spans if span.name == "vestibule.identity"]


async def test_metric_and_span_say_how_the_way_to_a_provider_stands(tmp_path: Path) -> None:
    seen = []
    async with Collector().running() as collector:
        async with opened(tmp_path, telemetry=f'endpoint = "{collector.url}"', metrics=METRICS) as world:
            for is_down in (False, True, False):
                world.acme.down = is_down
                world.clock.move(hours=25)
                await world.join(await world.proofs("board", token=world.token("alice")))
                seen += circuits(await scrape(world.session, world.metrics_url), world.acme.url)
        await asyncio.to_thread(world.traces.shutdown)

    assert seen == ["closed", "open", "closed"]
    assert of_identity(collector.spans) == seen


async def test_a_bug_in_asking_a_provider_is_an_outcome_of_its_own() -> None:
    provider, metrics, clock = Provider(metadata={"issuer": object()}), Metrics(), HandClock()
    keys = ProviderKeys([settings()], fetch=provider, clock=clock)
    show_providers(metrics, keys, issuers=[ISSUER], clock=clock)

    with pytest.raises(TypeError):
        await keys.keys(ISSUER, key_id=None)

    labels = {"issuer": ISSUER, "outcome": "internal-error"}
    assert metrics.registry.get_sample_value("vestibule_idp_last_fetch", labels) == 1


async def test_a_token_of_a_stranger_names_no_circuit(tmp_path: Path) -> None:
    stranger = Issuer("stranger")
    stranger.url = "https://stranger.example"
    async with Collector().running() as collector:
        async with opened(tmp_path, telemetry=f'endpoint = "{collector.url}"') as world:
            await world.join(await world.proofs("board", token=stranger.token("mallory", now=world.clock())))
        await asyncio.to_thread(world.traces.shutdown)

    assert of_identity(collector.spans) == [None]


async def test_rotation_is_told(tmp_path: Path) -> None:
    async with opened(tmp_path, metrics=METRICS) as world:
        await world.join(await world.proofs("board", token=world.token("alice")))
        world.acme.key = Issuer("acme").key
        world.clock.move(minutes=1)
        await world.join(await world.proofs("board", token=world.token("alice")))
        world.clock.move(minutes=1)

        found = await scrape(world.session, world.metrics_url)

    assert found.value("vestibule_idp_keys", issuer=world.acme.url) == 1
    assert found.value("vestibule_idp_keys_changed_seconds", issuer=world.acme.url) == 60


@pytest_asyncio.fixture
async def closed(tmp_path: Path) -> AsyncIterator[tuple[World, Issuer]]:
    """A house that knows one provider by a file alone."""
    issuer = Issuer("closed")
    issuer.url = CLOSED
    (tmp_path / "closed.json").write_text(json.dumps({"keys": [issuer.key.as_dict(private=False)]}))
    async with opened(tmp_path, conferences=IDP) as world:
        yield world, issuer


async def test_people_of_a_provider_that_must_not_be_asked_get_in(closed: tuple[World, Issuer]) -> None:
    world, issuer = closed

    body = await world.join(await world.proofs("board", token=issuer.token("alice", now=world.clock())))

    assert body["decision"] == "redirect"


async def test_a_key_that_is_not_in_the_file_lets_nobody_in(closed: tuple[World, Issuer]) -> None:
    world, issuer = closed
    forged = issuer.token("alice", now=world.clock(), key=Issuer("liar").key)

    body = await world.join(await world.proofs("board", token=forged))

    assert body["decision"] == "deny"
    assert body["reasons"][0]["code"] == "token-signature"


async def test_the_doctor_looks_at_the_file_and_asks_nobody(closed: tuple[World, Issuer]) -> None:
    world, _ = closed

    lines = await lines_of(world)

    assert "from `closed.json`, which last changed at " in lines[f"idp {CLOSED} keys"].found
    assert f"idp {CLOSED} clock" not in lines


@pytest.mark.parametrize(("mode", "level"), [(0o644, Level.OK), (0o664, Level.WARNING), (0o646, Level.WARNING)])
async def test_the_doctor_warns_of_a_file_into_which_others_can_write_their_keys(
    closed: tuple[World, Issuer], mode: int, level: Level
) -> None:
    world, _ = closed
    (world.folder / "closed.json").chmod(mode)

    lines = await lines_of(world)

    assert lines[f"idp {CLOSED} keys file"].level is level


async def test_people_of_a_provider_whose_file_is_removed_get_in_no_more(closed: tuple[World, Issuer]) -> None:
    world, issuer = closed
    before = await world.join(await world.proofs("board", token=issuer.token("alice", now=world.clock())))
    (world.folder / "closed.json").unlink()
    world.clock.move(seconds=30)

    after = await world.join(await world.proofs("board", token=issuer.token("alice", now=world.clock())))

    assert before["decision"] == "redirect"
    assert (after["decision"], after["reasons"][0]["code"]) == ("deny", "idp-misconfigured")
