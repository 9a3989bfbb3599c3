"""What is counted, read back from the listener: decisions, refusals, steps, stores, providers, spans and tickets."""

import asyncio
import math
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import ClientError

from plugin.core.join import Phase
from plugin.core.reasons import Reason
from plugin.flow import exchange, registrar
from plugin.shell.metrics import FAIL_CLOSED, QUESTION_OF_PHASE, QUESTIONS, Metrics
from plugin.shell.watched_store import WatchedStore
from tests.fakes import NOON, HandClock
from tests.shell.parties import DeviceAuthority
from tests.shell.scraping import Scraped, scrape
from tests.shell.test_health import SlowStore
from tests.shell.test_outages import locked
from tests.shell.world import World, basic, opened

METRICS = '[metrics]\nlisten = "127.0.0.1:0"'
MARK = "MARKED-BY-A-LIAR"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, metrics=METRICS) as everything:
        yield everything


async def scraped(world: World) -> Scraped:
    return await scrape(world.session, world.metrics_url)


async def test_a_decision_is_counted_with_its_trace_as_exemplar(world: World) -> None:
    await world.join({"conference": "townhall"})

    found = await scraped(world)
    record = world.records[-1]
    labels = {"platform": "portal", "phase": "join", "outcome": record.outcome, "reason": record.reasons[0].code}
    assert found.value("vestibule_decisions_total", **labels) == 1
    assert found.exemplars("vestibule_decisions_total", **labels) == [{"trace_id": record.trace_id}]
    assert {"trace_id": record.trace_id} in found.exemplars("vestibule_answer_seconds_bucket", question="joins")


async def test_each_step_is_measured_as_the_record_says(world: World) -> None:
    await world.join(await world.proofs("board", token=world.token("alice")))

    found = await scraped(world)
    for step in world.records[-1].steps:
        assert found.value("vestibule_step_seconds_count", step=step.name) == 1
        assert found.value("vestibule_step_seconds_sum", step=step.name) == pytest.approx(step.milliseconds / 1000)


async def test_the_budget_of_an_answer_is_a_bound_of_its_own(world: World) -> None:
    await world.service("townhall")

    found = await scraped(world)
    within = found.value("vestibule_answer_seconds_bucket", question="service", le="2.5")
    assert within == found.value("vestibule_answer_seconds_count", question="service") == 1


async def test_a_refusal_that_nobody_decided_is_counted_where_it_was_made(world: World) -> None:
    await world.pexip("service/configuration", password="wrong")
    await world.post("/v1/joins", {"conference": "board", "unknown": 1})
    await world.post("/v1/joins", {"conference": "board"}, bearer=None)
    async with world.session.get(f"{world.url}/policy/v1/participant/avatar/x", headers=basic("wrong")) as response:
        assert response.status == 404
    house, world.gate.house = world.gate.house, None
    await world.post("/v1/tickets", {"conference": "board"}, bearer=None)
    world.gate.house = house

    found = await scraped(world)
    counted = {
        (one.labels["question"], one.labels["reason"]): one.value
        for one in found.all("vestibule_fail_closed_total")
        if one.value
    }
    assert counted == {
        ("service", "caller-unauthenticated"): 1,
        ("avatar", "caller-unauthenticated"): 1,
        ("joins", "request-malformed"): 1,
        ("joins", "caller-unauthenticated"): 1,
        ("tickets", "not-serving"): 1,
    }


async def test_a_decision_that_failed_closed_is_counted_once_and_leads_to_its_trace(world: World) -> None:
    world.acme.down = True

    await world.join(await world.proofs("board", token=world.token("alice")))

    found = await scraped(world)
    refused = {"question": "joins", "reason": Reason.IDP_UNREACHABLE.code}
    assert found.value("vestibule_fail_closed_total", **refused) == 1
    assert found.exemplars("vestibule_fail_closed_total", **refused) == [{"trace_id": world.records[-1].trace_id}]
    assert found.value("vestibule_fail_closed_total") == 1


async def test_a_request_that_no_parser_reads_is_counted(world: World) -> None:
    host, port = "127.0.0.1", int(world.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"\x00\r\n\r\n")
    await reader.read()
    writer.close()
    await world.session.get(f"{world.url}/policy/{'x' * 5000}")

    found = await scraped(world)
    assert found.value("vestibule_fail_closed_total", question="unreadable", reason="request-malformed") == 2


async def test_every_refusal_is_there_from_the_start_so_that_the_first_one_is_an_increase(world: World) -> None:
    found = await scraped(world)

    there = {(one.labels["question"], one.labels["reason"]) for one in found.all("vestibule_fail_closed_total")}
    assert there == {(question, reason) for question in QUESTIONS for reason in FAIL_CLOSED}


async def test_keys_and_failures_of_a_provider_are_told(world: World) -> None:
    issuer = world.acme.url
    before = await scraped(world)
    await world.join(await world.proofs("board", token=world.token("alice")))
    world.clock.move(minutes=10)

    after = await scraped(world)

    assert math.isnan(before.value("vestibule_idp_keys_age_seconds", issuer=issuer))
    assert before.value("vestibule_idp_last_fetch", issuer=issuer, outcome="never") == 1
    assert after.value("vestibule_idp_keys_age_seconds", issuer=issuer) == 600
    assert after.value("vestibule_idp_last_fetch", issuer=issuer, outcome="ok") == 1


async def test_a_provider_that_is_down_is_told_with_how_often_it_failed(world: World) -> None:
    issuer = world.acme.url
    world.acme.down = True
    for _ in range(2):
        await world.join(await world.proofs("board", token=world.token("alice")))
        world.clock.move(minutes=5)

    found = await scraped(world)

    assert found.value("vestibule_idp_failures", issuer=issuer) == 2
    assert found.value("vestibule_idp_last_fetch", issuer=issuer, outcome="idp-unreachable") == 1
    assert found.value("vestibule_idp_failures", issuer=world.partners.url) == 0


async def test_tickets_are_counted_when_issued_and_once_when_burnt(world: World) -> None:
    ticket = await world.ticket(await world.proofs("board", token=world.token("alice")))
    await world.service("board", ticket=ticket, address="192.0.2.7")
    await world.service("board", ticket=ticket, address="192.0.2.8")
    await world.service("board", ticket=ticket, address="192.0.2.9")

    found = await scraped(world)

    assert found.value("vestibule_tickets_total", event="issued") == 1
    assert found.value("vestibule_tickets_total", event="burnt") == 1


async def test_whoever_guesses_the_id_of_a_call_burns_no_ticket_in_the_count_either(world: World) -> None:
    ticket = await world.ticket(await world.proofs("board", token=world.token("alice")))
    room = await world.service("board", ticket=ticket)
    await world.participant(room, call="the-call", ticket=ticket)

    guessed = await world.participant(room, call="the-call", kind="api")

    assert guessed["action"] == "reject"
    assert (await scraped(world)).value("vestibule_tickets_total", event="burnt") == 0


async def test_a_question_about_existence_is_no_failure(world: World) -> None:
    probed = await world.service("board", call_direction="non_dial")

    assert probed["reason"] == Reason.PROBE.code
    assert (await scraped(world)).value("vestibule_fail_closed_total") == 0


async def test_a_device_ca_and_its_list_say_how_long_they_last(tmp_path: Path) -> None:
    authority = DeviceAuthority()
    device_ca = 'crl_file = "device-ca.crl"\nwarn_days = 3650'
    now = NOON + timedelta(days=6000)
    async with opened(tmp_path, authority=authority, metrics=METRICS, device_ca=device_ca, now=now) as world:
        device = authority.device("alice")
        await world.join(await world.proofs("board", token=world.token("alice"), device=device))

        found = await scraped(world)

        left = (authority.certificate.not_valid_after_utc - world.clock()).total_seconds() / 86_400
        assert found.value("vestibule_device_ca_days_left", ca="acme-devices") == pytest.approx(left)
        assert 0 < found.value("vestibule_crl_days_left", ca="acme-devices") < math.inf
        assert found.value("vestibule_device_certificates_ending_total", ca="acme-devices") == 1


async def test_the_store_is_counted_and_a_write_that_fails_is_a_failed_one(world: World) -> None:
    await world.join({"conference": "townhall"})
    before = await scraped(world)
    with locked(world):
        await world.join({"conference": "townhall"})
        after = await scraped(world)

    assert before.value("vestibule_store_operations_total", operation="put", outcome="ok") >= 1
    assert before.value("vestibule_store_seconds_count", operation="put") >= 1
    assert before.value("vestibule_store_purge_age_seconds") >= 0
    assert after.value("vestibule_store_operations_total", operation="put", outcome="failed") >= 1


async def test_a_store_that_hangs_is_counted_by_those_who_gave_up_waiting() -> None:
    metrics, inner = Metrics(), SlowStore()
    store = WatchedStore(inner, clock=HandClock(NOON), metrics=metrics)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await store.put("kind", "key", {}, expires_at=NOON)

    labels = {"operation": "put", "outcome": "abandoned"}
    assert metrics.registry.get_sample_value("vestibule_store_operations_total", labels) == 1


def test_every_question_that_a_record_can_be_of_has_a_name() -> None:
    phases = {phase.value for phase in Phase} | {exchange.PHASE, registrar.PHASE}

    assert phases == QUESTION_OF_PHASE.keys()


async def test_lanes_say_how_full_they_are_and_can_be(world: World) -> None:
    found = await scraped(world)

    assert {one.labels["lane"] for one in found.all("vestibule_lane_most")} == {
        "callers",
        "clients",
        "devices",
        "logouts",
        "pexip-joins",
        "pexip-others",
        "pexip-registrations",
        "portal",
    }
    assert found.value("vestibule_lane_answering") == 0


async def test_no_label_holds_anything_that_a_caller_can_write(world: World) -> None:
    lies = dict.fromkeys(("display_name", "protocol", "vendor", "remote_address", "call_tag"), MARK)
    await world.post("/v1/joins", {"conference": MARK, "participant": lies})
    await world.post("/v1/joins", {"conference": MARK, "id_token": MARK, "ticket": MARK}, bearer=MARK)
    await world.post("/v1/tickets", {"conference": MARK, "id_token": f"{MARK}.{MARK}.{MARK}"}, bearer=None)
    await world.post("/v1/tickets", {"conference": "board", "evidence": [{"format": MARK}]}, bearer=None)
    await world.post("/v1/challenges", {"conference": MARK}, bearer=None)
    await world.service(MARK, ticket=MARK, address=MARK, protocol=MARK, location=MARK, node_ip=MARK)
    await world.pexip("participant/properties", service_name=MARK, service_tag=MARK, call_uuid=MARK)
    await world.pexip(f"registrations/{MARK}", alias=MARK, location=MARK)
    await world.pexip(f"{MARK}/{MARK}", **{MARK: MARK})
    async with world.session.request(MARK, f"{world.url}/{MARK}?{MARK}={MARK}", headers={MARK: MARK}):
        pass
    token = world.token("alice", iss=f"https://{MARK}.example", kid=MARK)
    await world.post("/v1/joins", {"conference": "board", "id_token": token})

    found = await scraped(world)

    assert MARK.encode() not in found.text.encode()
    assert world.records


async def test_a_door_that_platforms_reach_tells_no_metrics(world: World) -> None:
    async with world.session.get(f"{world.url}/metrics") as response:
        assert response.status == 404


async def test_without_a_table_nobody_listens(tmp_path: Path) -> None:
    async with opened(tmp_path) as world:
        with pytest.raises((ClientError, ValueError)):
            await scraped(world)


async def test_whoever_scrapes_in_the_plain_format_reads_the_same_numbers(world: World) -> None:
    await world.join({"conference": "townhall"})

    plain = await scrape(world.session, world.metrics_url, accept="text/plain")

    assert plain.value("vestibule_decisions_total", platform="portal") == 1


@pytest.mark.parametrize("accept", ["application/openmetrics-text;version=x", "\xff", ""])
async def test_whatever_a_scraper_accepts_it_is_answered(world: World, accept: str) -> None:
    async with world.session.get(f"{world.metrics_url}/metrics", headers={"Accept": accept}) as response:
        assert response.status == 200
