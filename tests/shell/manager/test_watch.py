"""The watch over a running service: drift is seen once and so is its end; whoever no decision admitted raises an alarm.

The service is the real one, asked over HTTP as a node asks it; the manager is the simulated one. Looks are taken by
hand, so that nothing here waits for a clock.
"""

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from tests.shell.manager.guarding import (
    ALARM,
    DOCUMENTED,
    DRIFT,
    PARTICIPANTS,
    Guard,
    admitted,
    guarding,
    said,
    somebody,
)
from tests.shell.manager.simulated import CONFIGURATION, NAMED, flood, status, text


async def test_whoever_was_admitted_raises_no_alarm(guard: Guard):
    room = await admitted(guard.world, call="call-1")
    guard.here(somebody("call-1", room))

    assert await guard.look(times=3) == 0


async def test_whoever_slipped_in_raises_an_alarm_once_seen_twice(guard: Guard, caplog: pytest.LogCaptureFixture):
    room = await admitted(guard.world, call="call-1")
    guard.here(somebody("call-1", room), somebody("call-2", room))

    seen = [await guard.look(), await guard.look(), await guard.look()]

    assert seen == [0, 1, 1]
    (alarm,) = said(caplog, ALARM)
    assert (alarm.levelname, vars(alarm)["participant_id"]) == ("ERROR", "id-of-call-2")
    assert (vars(alarm)["conference"], vars(alarm)["zone"]) == ("townhall", room["result"]["service_tag"].split(":")[1])


async def test_an_alarm_names_nobody(guard: Guard, caplog: pytest.LogCaptureFixture):
    room = await guard.world.service("townhall")
    guard.here(somebody("69434387-e444", room, source_alias="eve@example.net"))

    await guard.look(times=2)

    (alarm,) = said(caplog, ALARM)
    told = repr(vars(alarm))
    persons = ("69434387-e444", "eve@example.net", DOCUMENTED["display_name"], DOCUMENTED["remote_address"])
    assert not [word for word in persons if str(word) in told.replace("id-of-69434387-e444", "")]


PATTERN = """
[[conference]]
alias_pattern = "*.vmr@example.com"
zones = ["core", "meetme"]
classification = "internal"
owner = "{acme}#bob"
invited = ["org:acme"]
"""


@pytest.mark.parametrize("where", [
    {"conference": "dana.case.vmr@example.com", "service_tag": "vestibule:core:dana.case.vmr@example.com"},
    {"conference": "a VMR", "destination_alias": "sip:dana.case.vmr@example.com"},
])  # fmt: skip
async def test_an_alarm_names_the_pattern_and_not_whose_meeting_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, where: dict[str, object]
):
    async with guarding(tmp_path, conferences=PATTERN) as guard:
        guard.here(somebody("call-1", **where))
        await guard.look(times=2)

    (alarm,) = said(caplog, ALARM)
    assert vars(alarm)["conference"] == "*.vmr@example.com"
    assert "dana" not in repr(vars(alarm))


async def test_an_alarm_does_not_repeat_a_tag_that_somebody_made_up(guard: Guard, caplog: pytest.LogCaptureFixture):
    guard.here(somebody("call-1", service_tag="vestibule:core:dana.case@example.net"))

    assert await guard.look(times=2) == 1
    (alarm,) = said(caplog, ALARM)
    assert "dana" not in repr(vars(alarm))


async def test_whoever_was_refused_and_is_in_all_the_same_raises_an_alarm(guard: Guard):
    room = await admitted(guard.world, call="call-1")
    refused = await guard.world.participant(room, call="call-2", service_tag="vestibule:core:board")
    assert refused["action"] == "reject"
    guard.here(somebody("call-2", room, conference="board", service_tag="vestibule:core:board"))

    assert await guard.look(times=2) == 1


async def test_whoever_was_admitted_then_refused_and_stays_raises_an_alarm(guard: Guard):
    ticket = await guard.world.ticket(await guard.world.proofs("board", token=guard.world.token("alice")))
    room = await guard.world.service("board", ticket=ticket)
    answers = [await guard.world.participant(room, call="call-1", ticket=ticket)]
    guard.here(somebody("call-1", room))
    seen = [await guard.look(times=2)]
    guard.world.clock.move(days=1)  # the ticket speaks for nobody any more
    answers += [await guard.world.participant(room, call="call-1")]
    seen += [await guard.look(times=2)]

    assert [answer["action"] for answer in answers] == ["continue", "reject"]
    assert seen == [0, 1]


async def test_an_admission_to_one_meeting_is_none_to_another(guard: Guard):
    room = await admitted(guard.world, call="call-1")
    guard.here(somebody("call-1", room, conference="board", service_tag="vestibule:core:board"))

    assert await guard.look(times=2) == 1


async def test_an_admission_to_the_outer_room_is_none_to_the_inner_one(guard: Guard):
    room = await admitted(guard.world, call="call-1")
    assert room["result"]["service_tag"] == "vestibule:meetme:townhall"
    guard.here(somebody("call-1", room, conference="townhall", service_tag="vestibule:core:townhall"))

    assert await guard.look(times=2) == 1


@pytest.mark.parametrize("where", [
    {"conference": "board", "destination_alias": "sip:elsewhere@example.com"},
    {"conference": "board [meetme]", "destination_alias": "elsewhere"},
    {"conference": "a VMR", "destination_alias": "sip:BOARD@example.com;transport=tls"},
])  # fmt: skip
async def test_a_room_of_the_platforms_own_under_a_protected_name_raises_an_alarm(
    guard: Guard, where: dict[str, object]
):
    guard.here(somebody("call-1", service_tag="cvp-dev", **where))

    assert await guard.look(times=2) == 1


async def test_a_room_of_the_platforms_own_under_a_name_set_here_raises_an_alarm(tmp_path: Path):
    async with guarding(tmp_path, conferences=NAMED) as guard:
        guard.here(somebody("call-1", conference="The Plenary", service_tag="", destination_alias="elsewhere"))

        assert await guard.look(times=2) == 1


async def test_a_tag_that_somebody_made_up_admits_nobody(guard: Guard):
    guard.here(somebody("call-1", service_tag="vestibule:core:nowhere"))

    assert await guard.look(times=2) == 1


async def test_a_call_without_an_id_is_nobodys_admission(guard: Guard):
    room = await admitted(guard.world, call="call-1")
    guard.here(somebody("", room))

    assert await guard.look(times=2) == 1


async def test_other_meetings_are_not_looked_at(guard: Guard):
    canteen = {"conference": "canteen", "service_tag": "lunch"}
    guard.here(
        somebody("call-1", **{**canteen, "destination_alias": "canteen"}),
        # A canteen that calls the board is another call in the board's own meeting.
        somebody("call-2", **{**canteen, "destination_alias": "board", "call_direction": "out"}),
    )

    assert await guard.look(times=2) == 0


async def test_somebody_who_was_admitted_and_moved_on_raises_no_alarm(guard: Guard):
    await admitted(guard.world, call="call-1")
    guard.here(somebody("call-1", conference="canteen", service_tag="lunch", destination_alias="townhall"))

    assert await guard.look(times=2) == 0


@pytest.mark.parametrize("service_type", ["connecting", "waiting_room", "ivr"])
async def test_somebody_who_is_not_in_yet_raises_no_alarm(guard: Guard, service_type: str):
    room = await guard.world.service("townhall")
    guard.here(somebody("call-1", room, service_type=service_type))

    assert await guard.look(times=2) == 0


async def test_somebody_who_is_admitted_between_two_looks_raises_no_alarm(guard: Guard):
    room = await guard.world.service("townhall")
    guard.here(somebody("call-1", room))
    first = await guard.look()
    await guard.world.participant(room, call="call-1")

    assert (first, await guard.look(times=2)) == (0, 0)


async def test_somebody_who_leaves_between_two_looks_raises_no_alarm(guard: Guard):
    room = await guard.world.service("townhall")
    guard.here(somebody("call-1", room))
    await guard.look()
    guard.here()

    assert await guard.look(times=2) == 0


async def test_another_configuration_does_not_make_the_watch_forget_whom_it_suspects(guard: Guard):
    room = await guard.world.service("townhall")
    guard.here(somebody("call-1", room))
    await guard.look()
    guard.watch.hold_against(replace(guard.scale))

    assert await guard.look() == 1


async def test_the_watch_compares_with_the_configuration_that_it_was_given_last(guard: Guard):
    guard.here(somebody("call-1", conference="canteen", service_tag="lunch", destination_alias="canteen"))
    before = await guard.look(times=2)
    board = guard.scale.directory.exact["board"]
    directory = replace(guard.scale.directory, exact={"canteen": replace(board, name="canteen")})
    guard.watch.hold_against(replace(guard.scale, directory=directory))

    assert (before, await guard.look(times=2)) == (0, 1)


async def test_whoever_comes_back_under_a_new_id_before_each_look_raises_an_alarm(guard: Guard):
    room = await guard.world.service("townhall")
    seen = []
    for call in ("call-1", "call-2", "call-3", "call-4"):
        guard.here(somebody(call, room))
        seen.append(await guard.look())

    assert seen == [0, 0, 1, 1]


async def test_people_who_come_to_different_meetings_or_at_different_times_raise_no_alarm(guard: Guard):
    townhall, board = (
        await guard.world.service("townhall"),
        {"conference": "board", "service_tag": "vestibule:core:board"},
    )
    seen = []
    for here in (somebody("call-1", townhall), somebody("call-2", townhall), None, somebody("call-3", townhall)):
        guard.here(*([here] if here else []))
        seen.append(await guard.look())
    guard.here(somebody("call-4", **board))
    seen.append(await guard.look())

    assert seen == [0, 0, 0, 0, 0]


async def test_an_alarm_ends_when_the_meeting_does(guard: Guard, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    room = await guard.world.service("townhall")
    guard.here(somebody("call-1", room))
    assert await guard.look(times=2) == 1
    guard.here()

    assert await guard.look(times=2) == 0
    assert len(said(caplog, "nobody is in a meeting whom no decision admitted any more")) == 1


async def test_a_call_that_lasts_longer_than_its_record_raises_no_alarm(guard: Guard):
    room = await admitted(guard.world, call="call-1")
    guard.here(somebody("call-1", room))
    await guard.look()
    guard.world.clock.move(days=31)

    assert await guard.look(times=2) == 0


async def test_an_admission_outlives_a_restart(tmp_path: Path):
    async with guarding(tmp_path) as before:
        room = await admitted(before.world, call="call-1")
    (tmp_path / "secrets").rename(tmp_path / "gone")
    async with guarding(tmp_path) as after:
        after.here(somebody("call-1", room))

        assert await after.look(times=2) == 0


async def test_the_api_call_and_the_media_call_of_one_person_are_both_admitted(guard: Guard):
    room = await guard.world.service("townhall")
    await guard.world.participant(room, call="call-api", kind="api")
    await guard.world.participant(room, call="call-media")
    guard.here(somebody("call-api", room, has_media=False), somebody("call-media", room))

    assert await guard.look(times=2) == 0


@pytest.mark.parametrize("fault", [status(429), status(503), flood, text("<html>", content_type="text/html")])
async def test_a_manager_that_fails_is_said_and_neither_ends_nor_raises_an_alarm(
    guard: Guard, caplog: pytest.LogCaptureFixture, fault: object
):
    room = await guard.world.service("townhall")
    guard.here(somebody("call-1", room))
    await guard.look(times=2)
    guard.manager.faults[PARTICIPANTS] = fault

    assert await guard.look() == 1
    assert len(said(caplog, "participants not compared with decisions")) == 1


@pytest.mark.parametrize("spoiled", [{"id": 7}, {"id": "id-of-call-2", "call_uuid": None}, "no object"])
async def test_somebody_whose_row_is_not_as_documented_hides_nobody_else(
    guard: Guard, caplog: pytest.LogCaptureFixture, spoiled: object
):
    room = await guard.world.service("townhall")
    row = somebody("call-2", room, **spoiled) if isinstance(spoiled, dict) else spoiled
    guard.manager.lists[PARTICIPANTS] = [row, somebody("call-1", room)]

    assert await guard.look(times=2) == 1
    warning = said(caplog, "participants not as documented are compared with nothing")[0]
    assert (vars(warning)["rows"], "call-2" in repr(vars(warning))) == (1, False)


async def test_a_list_with_somebody_who_cannot_be_read_counts_as_not_looked_at(tmp_path: Path):
    now = [0.0]
    async with guarding(tmp_path, monotonic=lambda: now[0]) as guard:
        guard.here({"id": 7})
        now[0] = 700
        await guard.look()

        assert guard.value("vestibule_pexip_look_age_seconds", what="participants") == 700


async def test_an_alarm_lasts_while_its_person_may_be_one_who_cannot_be_read(guard: Guard):
    room = await guard.world.service("townhall")
    guard.here(somebody("call-1", room))
    await guard.look(times=2)
    guard.here(somebody("call-1", room, service_tag=None))

    assert await guard.look(times=2) == 1


async def test_a_change_of_the_platform_is_an_error_once_and_its_end_a_line(
    guard: Guard, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    seen = [await guard.drift("switch")]
    guard.manager.change("policy_server", enable_participant_lookup=False)
    seen += [await guard.drift("switch"), await guard.drift("switch")]
    guard.manager.change("policy_server", enable_participant_lookup=True)
    seen += [await guard.drift("switch")]

    assert seen == [0, 1, 1, 0]
    assert [record.levelname for record in said(caplog, DRIFT)] == ["ERROR"]
    assert len(said(caplog, "pexip is configured as expected again")) == 1


async def test_what_was_found_stays_until_everything_could_be_read_again(guard: Guard):
    guard.manager.add("conference_alias", alias="board", conference=None)
    seen = [await guard.drift("alias")]
    guard.manager.faults[f"{CONFIGURATION}conference_alias/"] = status(503)
    seen += [await guard.drift("alias")]
    guard.manager.faults.clear()
    guard.manager.lists[f"{CONFIGURATION}conference_alias/"].clear()
    seen += [await guard.drift("alias")]

    assert seen == [1, 1, 0]


async def test_a_configuration_that_cannot_be_read_is_drift_and_grows_old(guard: Guard):
    guard.manager.faults[f"{CONFIGURATION}system_location/"] = status(503)

    assert await guard.drift("unread") == 1
    assert guard.value("vestibule_pexip_look_age_seconds", what="configuration") >= 0
