"""Answers that do not come: who gets in by the platform's own database, and that a dead-man policy keeps them out."""

from pathlib import Path

import pytest
from aiohttp import ClientSession

from plugin.core.reasons import Reason
from plugin.shell.demo.node import Caller, Joined, Node, TurnedAway
from plugin.shell.demo.node_rules import PARTICIPANT, SERVICE, Verdict
from tests.shell.whole_joins.platform import (
    MCU,
    account,
    app,
    configuration,
    device,
    node_of,
    proxy_before,
    questions,
    ticket,
)
from tests.shell.world import World, opened

CALLERS = {
    "an app": app("board"),
    "an app that signs in": app("forum", sso=account("eve")),
    "SIP": device("sip:board"),
    "H.323": device("board", protocol="h323"),
    "Skype": device("board", protocol="mssip"),
    "Teams": device("board", protocol="teams"),
    "a gateway": device("board", address=MCU, remote_alias="mcu@partners.example.net"),
}
GATEWAY = {"bridge": {"name": "To the partners", "service_tag": "", "service_type": "gateway"}}


@pytest.mark.parametrize("caller", CALLERS.values(), ids=CALLERS)
async def test_while_the_service_drains_everybody_is_turned_away(world: World, node: Node, caller: Caller) -> None:
    world.gate.house = None

    outcome = await node.dial(caller)

    assert isinstance(outcome, TurnedAway)
    assert (outcome.at, outcome.asked[0].reading.remarks) == (SERVICE, {"reason": "not-serving"})


async def test_once_the_service_has_stopped_everybody_is_in_and_a_dead_man_policy_keeps_them_out(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, **configuration(tmp_path)) as world:
        pass
    async with ClientSession() as http:
        open_ended = node_of(world, http=http)
        guarded = node_of(world, http=http, dead_man=True)

        fallen_back = [await open_ended.dial(caller) for caller in CALLERS.values()]
        refused = [await guarded.dial(caller) for caller in CALLERS.values()]

    assert [isinstance(one, Joined) and one.admitted_by_fallback for one in fallen_back] == [True] * len(CALLERS)
    assert [isinstance(one, TurnedAway) and one.at for one in refused] == [SERVICE] * len(CALLERS)


@pytest.mark.parametrize("database", [{}, GATEWAY], ids=["room", "gateway"])
async def test_somebody_whom_a_lost_answer_let_into_another_room_is_turned_away_at_the_next_question(
    world: World, database: dict[str, dict[str, str]]
) -> None:
    async with proxy_before(world, losing=range(1)) as url:
        outcome = await node_of(world, url=url, database=database).dial(device("bridge"))

    assert isinstance(outcome, TurnedAway)
    assert (outcome.at, questions(outcome)) == (PARTICIPANT, [SERVICE, PARTICIPANT])
    assert outcome.asked[-1].reading.remarks["reason"] == "room-unknown"


async def test_whoever_holds_a_room_when_the_answers_stop_is_in_it_and_no_host(world: World) -> None:
    bob = app("board", call_tag=await ticket(world, "bob"))
    async with proxy_before(world, losing=range(3, 9)) as url:
        outcome = await node_of(world, url=url).dial(bob)

    assert isinstance(outcome, Joined)
    assert (outcome.room, outcome.role, outcome.admitted_by_fallback) == ("board", "guest", True)


async def test_a_stranger_who_signed_in_when_the_answers_stop_is_no_further_in_than_the_outermost_room(
    world: World,
) -> None:
    async with proxy_before(world, losing=range(5, 9)) as url:
        outcome = await node_of(world, url=url).dial(app("council", sso=account("eve")))

    assert isinstance(outcome, Joined)
    assert (outcome.room, outcome.role, outcome.admitted_by_fallback) == ("council [meetme]", "guest", True)


@pytest.mark.parametrize("lost", range(5))
async def test_a_dead_man_policy_refuses_even_a_host_at_whichever_answer_is_lost(world: World, lost: int) -> None:
    bob = app("board", call_tag=await ticket(world, "bob"))
    async with proxy_before(world, losing=range(lost, lost + 1)) as url:
        outcome = await node_of(world, url=url, dead_man=True).dial(bob)

    assert isinstance(outcome, TurnedAway)
    assert len(outcome.asked) == lost + 1


async def test_a_dead_man_policy_lets_in_whom_the_service_lets_in(world: World) -> None:
    node = node_of(world, dead_man=True)

    outcomes = [await node.dial(caller) for caller in (app("townhall"), device("townhall"))]

    assert [isinstance(one, Joined) and one.admitted_by_fallback for one in outcomes] == [False, False]


async def test_a_lost_answer_about_place_and_picture_keeps_nobody_out(world: World) -> None:
    async with proxy_before(world, losing=range(2, 4)) as url:
        outcome = await node_of(world, url=url, dead_man=True).dial(device("townhall"))

    assert isinstance(outcome, Joined)
    assert [asked.reading.verdict for asked in outcome.asked[2:]] == [Verdict.FALLBACK] * 2


async def test_a_call_out_whose_answer_is_lost_is_made_unless_a_dead_man_policy_stops_it(world: World) -> None:
    far_end = Caller(alias="board", display_name="Far end", address=MCU, protocol="rtmp")
    ends = []
    for dead_man in (False, True):
        async with proxy_before(world, losing=range(4, 5)) as url:
            node = node_of(world, url=url, dead_man=dead_man)
            guest = await node.dial(device("townhall"))
            assert isinstance(guest, Joined)

            ends.append(await node.dial_out(guest, to=far_end))

    assert isinstance(ends[0], Joined)
    assert ends[0].admitted_by_fallback
    assert isinstance(ends[1], TurnedAway)


async def test_somebody_who_is_refused_is_told_why_whatever_stands_behind(world: World) -> None:
    outcome = await node_of(world, dead_man=True).dial(app("council", sso=account("alice")))

    assert isinstance(outcome, TurnedAway)
    assert outcome.reason == Reason.NO_PERMIT.sentence
