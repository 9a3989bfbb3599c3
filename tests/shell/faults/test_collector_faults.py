"""Whatever the collector does, the real process answers each join and writes it down, and each span is accounted for.

Spans are all that may be lost, and what was lost is counted. The end of the service does not wait for the collector.
"""

import asyncio
import json
import re
import socket
import time
from pathlib import Path
from signal import SIGTERM

import pytest

from plugin.shell.telemetry import SHUTDOWN_SECONDS
from tests.shell.faults import provider as does
from tests.shell.faults.process import Running, Site, site
from tests.shell.faults.provider import FaultyProvider
from tests.shell.scraping import Scraped, scrape

ANSWER_DEADLINE = 3.0
END_SECONDS = SHUTDOWN_SECONDS + 3.0
# A queue of few spans and a short pause, so that few joins fill the one and no test waits for the other.
SMALL = {
    "OTEL_BSP_MAX_QUEUE_SIZE": "16",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "8",
    "OTEL_BSP_SCHEDULE_DELAY": "50",
}
# What may be in the buffers of two ends; nobody reads on.
MOST_TAKEN = 32 * len(does.MEGABYTE)
MOST_GROWTH_KIB = 64 * 1024


async def failing_at_length(collector: FaultyProvider, _path: str, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 500 Oh no\r\nContent-Length: %d\r\n\r\n" % does.HUNDRED_MEGABYTES)
    while collector.sent < does.HUNDRED_MEGABYTES:
        await collector.pour(writer, does.MEGABYTE)


async def busy_for_years(collector: FaultyProvider, _path: str, writer: asyncio.StreamWriter) -> None:
    await collector.pour(writer, b"HTTP/1.1 503 Busy\r\nRetry-After: 99999999\r\nContent-Length: 0\r\n\r\n")


async def redirecting(collector: FaultyProvider, path: str, writer: asyncio.StreamWriter) -> None:
    if path == "/v1/traces":
        await collector.pour(
            writer, b"HTTP/1.1 307 There\r\nLocation: /elsewhere\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        while True:
            await collector.pour(writer, b"100000\r\n" + does.MEGABYTE + b"\r\n")


FAULTS = (
    does.refusing,
    does.hanging,
    does.garbage,
    does.endless_head,
    does.endless_body,
    failing_at_length,
    busy_for_years,
    redirecting,
)
# By the status line these have taken the spans; what they say afterwards is not listened to.
TAKES_SPANS = {does.endless_body}


def memory(running: Running) -> int:
    """Return the most memory that the process ever had, in KiB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{running.process.pid}/status").read_text())
    assert found
    return int(found.group(1))


async def join_in_time(place: Site, *, who: str) -> tuple[str, str]:
    proofs = await place.world.proofs("board", token=place.world.token(who))
    began = time.monotonic()
    body = await place.world.join(proofs)
    assert time.monotonic() - began < ANSWER_DEADLINE
    return str(body["decision_id"]), str(body["decision"])


def fates(scraped: Scraped) -> dict[str, float]:
    return {sample.labels["fate"]: sample.value for sample in scraped.all("vestibule_spans_total")}


async def join_until_spans_have_gone(place: Site, url: str) -> tuple[dict[str, str], dict[str, float]]:
    """Ask until more spans have left the queue than it holds. Returns what was decided, and what became of spans."""
    told, gone = dict[str, str](), dict[str, float]()
    while sum(gone.get(fate, 0) for fate in ("exported", "failed", "dropped")) < int(SMALL["OTEL_BSP_MAX_QUEUE_SIZE"]):
        decision_id, decision = await join_in_time(place, who=f"alice-{len(told)}")
        told[decision_id] = decision
        gone = fates(await scrape(place.world.session, url))
    return told, gone


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
async def test_a_faulty_collector_costs_spans_and_nothing_else(tmp_path: Path, fault: does.Fault) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        metrics = f"127.0.0.1:{probe.getsockname()[1]}"
    async with FaultyProvider(fault).running() as collector:
        parts = {"telemetry": f'endpoint = "{collector.issuer.url}"', "metrics": f'[metrics]\nlisten = "{metrics}"'}
        async with site(tmp_path, **parts) as place, place.running(environment=SMALL) as running:
            await running.says("serving")
            before = memory(running)
            told, gone = await join_until_spans_have_gone(place, f"http://{metrics}")
            grown = memory(running) - before
            began = time.monotonic()
            running.send(SIGTERM)
            await running.says("draining")
            running.send(SIGTERM)
            code = await running.ended()
            took = time.monotonic() - began
            written = place.decisions()

    logged = [json.loads(line) for line in (tmp_path / "decisions.jsonl").read_text().splitlines()]
    assert set(told.values()) == {"redirect"}
    assert {key: record["outcome"] for key, record in written.items()} == told
    assert {record["decision_id"]: record["outcome"] for record in logged} == told
    assert collector.sent < MOST_TAKEN
    assert collector.elsewhere == 0
    assert grown < MOST_GROWTH_KIB
    assert bool(gone["exported"]) is (fault in TAKES_SPANS)
    assert gone["ended"] >= gone["exported"] + gone["failed"] + gone["dropped"]
    assert (code, took < END_SECONDS) == (0, True)
