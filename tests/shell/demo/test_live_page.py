"""The live page over HTTP, and the feed behind it."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer, unused_port

from plugin.core.reasons import Reason
from plugin.core.record import DecisionRecord, Mark, Step
from plugin.shell.config_conferences import ZoneEntry
from plugin.shell.demo.attempts import Attempt, player
from plugin.shell.demo.client import Ticket
from plugin.shell.demo.feed import Feed
from plugin.shell.demo.joins import End, Join, Question, ticket_question
from plugin.shell.demo.live_page import FILES, LivePage
from plugin.shell.demo.people import ALICE, FRANK

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
STEP = Step(name="device", outcome="proven", began=1.5, milliseconds=2.5)
CHOSEN = {"person": "Frank", "laptop": "none", "moment": "morning", "network": "office", "conference": "board"}
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
    return Feed(lambda: NOW, ticket_steps=lambda trace_id: {"t": (STEP,)}[trace_id])


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


def test_nothing_is_expected_of_a_join_that_somebody_tries() -> None:
    listening = feed()
    tried = replace(ALICE, expected=None)
    join = listening.begin(tried, attempt=Attempt(**CHOSEN))
    listening.record(record("dec_1"))

    finished = listening.finish(join, person=tried, questions=(asked("dec_1"),), end=IN_CORE)

    assert finished.is_as_expected is None


def test_a_question_gets_the_steps_of_its_own_decision() -> None:
    listening = feed()
    join = listening.begin(ALICE)
    listening.record(replace(record("dec_1"), steps=(STEP,)))
    listening.record(record("dec_2"))

    finished = listening.finish(join, person=ALICE, questions=(asked("dec_2"), asked("dec_1")), end=IN_CORE)

    assert [question.steps for question in finished.questions] == [(), (STEP,)]


def test_an_exchange_that_left_no_record_gets_the_steps_that_its_trace_began_with() -> None:
    listening = feed()
    join = listening.begin(ALICE)
    listening.record(record("dec_1"))
    exchange = ticket_question(Ticket(secret="vt_1"), milliseconds=1.0)

    finished = listening.finish(join, person=ALICE, questions=(exchange, asked("dec_1")), end=IN_CORE)

    assert [question.steps for question in finished.questions] == [(STEP,), ()]


def test_the_oldest_joins_are_forgotten() -> None:
    listening = feed()

    for number in range(100):
        listening.record(record(f"dec_{number}"))

    assert len(listening.joins) == 60
    assert listening.joins[-1].records[0].decision_id == "dec_99"


@dataclass
class Page:
    """A page, and the players behind it: they play until the curtain falls."""

    url: str
    http: ClientSession
    feed: Feed
    is_busy: bool = False
    plays: asyncio.Queue[float] = field(default_factory=asyncio.Queue)
    attempts: list[Attempt] = field(default_factory=list)
    curtain: asyncio.Event = field(default_factory=asyncio.Event)

    async def play(self, *, pause: float) -> None:
        self.plays.put_nowait(pause)
        await self.curtain.wait()

    async def attempt(self, attempt: Attempt) -> Join:
        self.attempts.append(attempt)
        person = player(attempt)
        join = self.feed.begin(person, attempt=attempt)
        return self.feed.finish(join, person=person, questions=(), end=AWAY)


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    port = unused_port()
    async with ClientSession() as http:
        shown = Page(url=f"http://127.0.0.1:{port}", http=http, feed=feed())
        live = LivePage(shown.feed, zones=(CORE,), port=port, players=shown)
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
    async with page.http.post(f"{page.url}/demo/attempts", headers=headers, json=CHOSEN) as tried:
        pass
    async with page.http.get(f"{page.url}/demo/joins", headers=headers) as read:
        pass

    assert (pressed.status, tried.status, read.status) == (403, 403, 403)
    assert page.plays.empty()
    assert not page.attempts


async def test_an_attempt_is_answered_with_the_join_that_came_of_it(page: Page) -> None:
    async with page.http.post(f"{page.url}/demo/attempts", json=CHOSEN) as answer:
        join = await answer.json()

    assert (join["attempt"], join["is_as_expected"]) == (CHOSEN, None)
    assert page.attempts == [Attempt(**CHOSEN)]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{}", 400),
        (json.dumps({**CHOSEN, "network": "127.0.0.1"}).encode(), 400),
        (json.dumps({**CHOSEN, "more": "x" * 2000}).encode(), 413),
    ],
)
async def test_what_is_no_attempt_is_refused(page: Page, body: bytes, status: int) -> None:
    async with page.http.post(f"{page.url}/demo/attempts", data=body) as answer:
        pass

    assert answer.status == status
    assert not page.attempts


async def test_nobody_tries_while_the_six_are_playing(page: Page) -> None:
    async with page.http.post(f"{page.url}/demo/play"):
        await page.plays.get()

    async with page.http.post(f"{page.url}/demo/attempts", json=CHOSEN) as answer:
        pass

    assert answer.status == 409
    assert not page.attempts


@pytest.mark.parametrize("button", ["play", "attempts"])
async def test_nobody_begins_while_somebody_is_joining(page: Page, button: str) -> None:
    page.is_busy = True

    async with page.http.post(f"{page.url}/demo/{button}", json=CHOSEN) as answer:
        pass

    assert answer.status == 409
    assert page.plays.empty()
    assert not page.attempts


async def test_the_page_brings_everything_along_and_has_no_inline_code(page: Page) -> None:
    async with page.http.get(f"{page.url}/") as answer:
        html = await answer.text()

    linked = re.findall(r'(?:src|href)="([^"]*)"', html)
    assert sorted(linked) == ["page.js", "style.css"]
    assert not re.search(r"<style|<script>|\son\w+=|style=", html)
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("file", "content_type"),
    [
        ("", "text/html"),
        ("style.css", "text/css"),
        *[(module.name, "text/javascript") for module in sorted(FILES.glob("*.js"))],
    ],
)
async def test_the_files_are_served_as_what_they_are(page: Page, file: str, content_type: str) -> None:
    async with page.http.get(f"{page.url}/{file}") as answer:
        pass

    assert (answer.status, answer.content_type) == (200, content_type)
