"""The live page over HTTP, and the feed behind it."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer, unused_port

from plugin.core.reasons import Reason
from plugin.core.record import DecisionRecord, Mark
from plugin.shell.config_conferences import ZoneEntry
from plugin.shell.demo.feed import Feed
from plugin.shell.demo.joins import End, Question
from plugin.shell.demo.live_page import LivePage
from plugin.shell.demo.people import ALICE, FRANK

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
CORE = ZoneEntry(name="core", inside=True, template={}, place="zone[0]")
IN_CORE = End(
    room="board in core",
    role="chair",
    display_name="Alice",
    admitted_by_fallback=False,
    turned_away_at="",
    reason="",
)
AWAY = End(
    room=None,
    role=None,
    display_name="",
    admitted_by_fallback=False,
    turned_away_at="service/configuration",
    reason="conference not found",
)


def record(decision_id: str, *, outcome: str = "allow", reason: Reason = Reason.PERMITTED) -> DecisionRecord:
    return DecisionRecord(
        decision_id=decision_id,
        decided_at=NOW,
        platform="pexip",
        phase="room",
        conference="board",
        outcome=outcome,
        zone="core" if outcome == "allow" else None,
        capabilities=(),
        reasons=(Mark(code=reason.code, message=reason.sentence, policies=(), detail=""),),
        remedy=None,
        person="",
        device="",
        bundle="b",
        trace_id="t",
        steps=(),
    )


def asked(decision_id: str) -> Question:
    return Question(
        asker="conferencing node",
        name="service/configuration",
        verdict="used",
        problem="",
        decision_id=decision_id,
        milliseconds=1.0,
    )


def feed() -> Feed:
    return Feed(lambda: NOW)


def test_a_join_gets_the_decisions_whose_ids_came_back_to_it() -> None:
    listening = feed()
    join = listening.begin(ALICE)
    listening.record(record("dec_1"))
    listening.record(record("dec_2"))

    finished = listening.finish(join, person=ALICE, questions=(asked("dec_2"),), end=IN_CORE)

    assert [one.decision_id for one in finished.records] == ["dec_2"]


def test_a_decision_that_no_player_asked_for_is_shown_as_somebody_elses() -> None:
    listening = feed()

    listening.record(record("dec_1"))

    (stranger,) = listening.joins
    assert stranger.person is None
    assert stranger.decisive == record("dec_1")


def test_a_strangers_decision_during_a_join_is_shown_after_it() -> None:
    listening = feed()
    join = listening.begin(ALICE)
    listening.record(record("dec_theirs"))
    listening.record(record("dec_hers"))

    listening.finish(join, person=ALICE, questions=(asked("dec_hers"),), end=IN_CORE)

    _, stranger = listening.joins
    assert [one.decision_id for one in stranger.records] == ["dec_theirs"]


def test_the_first_refusal_decides_and_not_what_came_after_it() -> None:
    listening = feed()
    join = listening.begin(FRANK)
    listening.record(record("dec_1"))
    listening.record(record("dec_2", outcome="deny", reason=Reason.TOKEN_EXPIRED))
    listening.record(record("dec_3", outcome="deny", reason=Reason.NOTHING_PRESENTED))

    questions = (asked("dec_1"), asked("dec_2"), asked("dec_3"))
    finished = listening.finish(join, person=FRANK, questions=questions, end=AWAY)

    assert finished.decisive
    assert finished.decisive.decision_id == "dec_2"


@pytest.mark.parametrize(
    ("end", "outcome", "is_as_expected"),
    [
        (IN_CORE, "allow", True),
        (AWAY, "allow", False),
        (IN_CORE, "deny", False),
        (End(**{**{name: getattr(IN_CORE, name) for name in IN_CORE.__slots__}, "role": "guest"}), "allow", False),
        (
            End(**{**{name: getattr(IN_CORE, name) for name in IN_CORE.__slots__}, "admitted_by_fallback": True}),
            "allow",
            False,
        ),
    ],
)
def test_a_fate_is_as_expected_only_where_decision_and_whereabouts_are(
    end: End, outcome: str, is_as_expected: bool
) -> None:
    listening = feed()
    join = listening.begin(ALICE)
    listening.record(record("dec_1", outcome=outcome))

    finished = listening.finish(join, person=ALICE, questions=(asked("dec_1"),), end=end)

    assert finished.is_as_expected is is_as_expected


def test_a_join_without_a_decision_is_never_as_expected() -> None:
    listening = feed()
    join = listening.begin(FRANK)

    finished = listening.finish(join, person=FRANK, questions=(), end=AWAY)

    assert finished.is_as_expected is False


def test_the_oldest_joins_are_forgotten() -> None:
    listening = feed()

    for number in range(100):
        listening.record(record(f"dec_{number}"))

    assert len(listening.joins) == 60
    assert listening.joins[-1].records[0].decision_id == "dec_99"


@dataclass
class Page:
    url: str
    http: ClientSession
    feed: Feed
    plays: asyncio.Queue[float] = field(default_factory=asyncio.Queue)
    curtain: asyncio.Event = field(default_factory=asyncio.Event)

    async def play(self, *, pause: float) -> None:
        self.plays.put_nowait(pause)
        await self.curtain.wait()


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    port = unused_port()
    async with ClientSession() as http:
        shown = Page(url=f"http://127.0.0.1:{port}", http=http, feed=feed())
        live = LivePage(shown.feed, zones=(CORE,), port=port, play=shown.play)
        async with TestServer(live.app(), port=port):
            yield shown


async def test_the_joins_so_far_are_told(page: Page) -> None:
    page.feed.begin(ALICE)

    async with page.http.get(f"{page.url}/demo/joins") as answer:
        told = await answer.json()

    assert told["zones"] == [{"name": "core", "inside": True}]
    assert [join["person"]["name"] for join in told["joins"]] == ["Alice"]


async def test_the_stream_begins_with_everything_and_goes_on_with_changes(page: Page) -> None:
    page.feed.begin(FRANK)

    async with page.http.get(f"{page.url}/demo/events") as events:
        beginning = await events.content.readuntil(b"\n\n")
        page.feed.begin(ALICE)
        change = await events.content.readuntil(b"\n\n")

    so_far = json.loads(beginning.removeprefix(b"event: everything\ndata: "))
    assert [join["person"]["name"] for join in so_far["joins"]] == ["Frank"]
    assert json.loads(change.removeprefix(b"data: "))["person"]["name"] == "Alice"


async def test_the_button_plays_once_at_a_time(page: Page) -> None:
    async with page.http.post(f"{page.url}/demo/play") as first:
        await page.plays.get()

    async with page.http.post(f"{page.url}/demo/play") as second:
        pass

    assert (first.status, second.status) == (202, 409)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "vestibule.attacker.example"},
        {"Origin": "https://attacker.example"},
        {"Origin": "null"},
    ],
)
async def test_another_origin_can_neither_read_nor_press(page: Page, headers: dict[str, str]) -> None:
    async with page.http.post(f"{page.url}/demo/play", headers=headers) as pressed:
        pass
    async with page.http.get(f"{page.url}/demo/joins", headers=headers) as read:
        pass

    assert (pressed.status, read.status) == (403, 403)
    assert page.plays.empty()


async def test_the_page_brings_everything_along_and_has_no_inline_code(page: Page) -> None:
    async with page.http.get(f"{page.url}/") as answer:
        html = await answer.text()

    linked = re.findall(r'(?:src|href)="([^"]*)"', html)
    assert sorted(linked) == ["page.js", "style.css"]
    assert not re.search(r"<style|<script>|\son\w+=|style=", html)
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("file", "content_type"), [("page.js", "text/javascript"), ("style.css", "text/css"), ("", "text/html")]
)
async def test_the_files_are_served_as_what_they_are(page: Page, file: str, content_type: str) -> None:
    async with page.http.get(f"{page.url}/{file}") as answer:
        pass

    assert (answer.status, answer.content_type) == (200, content_type)
