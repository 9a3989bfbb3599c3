"""Whole joins of the simulated conferencing node: what it asks, of whom, in which order, and what it tells."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import ClientSession

from plugin.shell.demo.node import Caller, Joined, Outcome, SsoAccount, TurnedAway
from plugin.shell.demo.node_calls import PROBES
from plugin.shell.demo.node_rules import LOCATION, PARTICIPANT, SERVICE, Verdict
from tests.shell.demo.policy_server import ALICE, REJECT, ROOM, PolicyServer, admit, dial, node_at, too_late

SIP = Caller(
    alias="sip:board", display_name="Room", address="198.51.100.8", remote_alias="sip:r@x.example", protocol="sip"
)
ACCOUNT = SsoAccount(idp="idp-1", attributes={"sub": ("alice",), "groups": ("a", "b")}, display_name="Alice A.")
SIGNED_IN = replace(ALICE, sso=ACCOUNT)
BEHIND_SSO = admit(**{**ROOM, "guest_identity_provider_group": "Staff", "non_idp_participants": "disallow_all"})
TRUSTING = {**ROOM, "guest_identity_provider_group": "Staff", "non_idp_participants": "allow_if_trusted"}
PINS = admit(**{**ROOM, "pin": "4839#", "guest_pin": "123456#"})
BREAKOUT = {"breakout": True, "breakout_uuid": "u-1", "breakout_name": "One"}


def where(outcome: Outcome) -> str:
    return outcome.at if isinstance(outcome, TurnedAway) else f"{outcome.room} as {outcome.role}"


@pytest.mark.parametrize(
    ("typed", "end"),
    [
        ("4839", "board in core as chair"),
        ("4839#", "board in core as chair"),
        ("123456#", "board in core as guest"),
        ("9999#", "PIN"),
        ("#", "PIN"),
        ("", "PIN"),
    ],
)
@pytest.mark.parametrize("caller", [ALICE, SIP], ids=["app", "SIP"])
async def test_a_pin_decides_the_role(http: ClientSession, caller: Caller, typed: str, end: str) -> None:
    outcome = await dial(http, PolicyServer(service=PINS), replace(caller, pin=typed))

    assert where(outcome) == end


async def test_a_pin_is_told_to_nobody(http: ClientSession) -> None:
    server = PolicyServer(service=PINS)

    await dial(http, server, replace(ALICE, pin="123456#"))

    assert "123456" not in str(server.asked)


async def test_an_app_that_signs_in_asks_twice_more_and_says_who_signed_it_in(http: ClientSession) -> None:
    server = PolicyServer(service=BEHIND_SSO)

    outcome = await dial(http, server, SIGNED_IN)

    assert isinstance(outcome, Joined)
    assert outcome.display_name == "Alice A."
    rooms = server.parameters(SERVICE)
    assert [asked["protocol"] for asked in rooms] == ["api", "api", "api", "api", "webrtc"]
    assert [asked["idp_uuid"] for asked in rooms] == ["", "", "", "idp-1", "idp-1"]
    assert [asked["has_authenticated_display_name"] for asked in rooms] == ["False"] * 3 + ["True"] * 2
    assert rooms[-1]["remote_display_name"] == "Alice A."


async def test_what_a_provider_has_said_is_told_of_participants_alone(http: ClientSession) -> None:
    server = PolicyServer(service=BEHIND_SSO)

    await dial(http, server, SIGNED_IN)

    told = {question for question, query in server.asked if any(name.startswith("idp_attribute_") for name, _ in query)}
    assert told == {PARTICIPANT}
    _, participant = next(asked for asked in server.asked if asked[0] == PARTICIPANT)
    assert [value for name, value in participant if name == "idp_attribute_groups"] == ["a", "b"]


@pytest.mark.parametrize(
    ("caller", "room", "end"),
    [
        (SIGNED_IN, BEHIND_SSO, "board in core as guest"),
        (ALICE, BEHIND_SSO, "single sign-on"),
        (replace(ALICE, registered=True), BEHIND_SSO, "single sign-on"),
        (SIP, BEHIND_SSO, "single sign-on"),
        (replace(ALICE, registered=True), admit(**TRUSTING), "board in core as guest"),
        (ALICE, admit(**TRUSTING), "single sign-on"),
        (replace(ALICE, pin=ROOM["pin"]), BEHIND_SSO, "board in core as chair"),
    ],
)
async def test_a_sign_in_stands_before_the_role_that_it_is_asked_of(
    http: ClientSession, caller: Caller, room: Any, end: str
) -> None:
    outcome = await dial(http, PolicyServer(service=room), caller)

    assert where(outcome) == end


async def test_nobody_is_signed_in_where_no_sign_in_is_asked_for(http: ClientSession) -> None:
    server = PolicyServer()

    await dial(http, server, SIGNED_IN)

    assert {asked["idp_uuid"] for asked in server.parameters(PARTICIPANT)} == {""}


@pytest.mark.parametrize(
    ("protocol", "trigger"), [("sip", "invite"), ("h323", "setup"), ("mssip", "invite"), ("teams", "teams")]
)
async def test_a_device_asks_once_for_each(http: ClientSession, protocol: str, trigger: str) -> None:
    server = PolicyServer()

    await dial(http, server, replace(SIP, protocol=protocol))

    assert [question for question, _ in server.asked[:3]] == [SERVICE, PARTICIPANT, LOCATION]
    asked = [dict(query) for _, query in server.asked]
    assert {(one["protocol"], one["trigger"]) for one in asked} == {(protocol, trigger)}


async def test_headers_and_the_parameters_of_teams_come_where_they_belong(http: ClientSession) -> None:
    plain, full = PolicyServer(), PolicyServer()
    headers = {"asserted_identity": "<sip:a@x.example>", "ms_subnet": "198.51.100.0"}

    await dial(http, plain, SIP)
    await dial(http, full, replace(SIP, **headers, teams_tenant="t-1", passcode="493021", registered=True))

    optional = {"P-Asserted-Identity", "ms-subnet", "third_party_passcode"}
    assert not [query for _, query in plain.asked if optional & dict(query).keys()]
    assert [question for question, query in full.asked if "third_party_passcode" in dict(query)] == [SERVICE]
    told = [dict(query) for _, query in full.asked]
    assert {one["P-Asserted-Identity"] for one in told} == {"<sip:a@x.example>"}
    assert {(one["teams_tenant_id"], one["registered"]) for one in told} == {("t-1", "True")}


async def test_a_host_is_asked_about_each_breakout_room_and_gets_those_that_there_are(http: ClientSession) -> None:
    main = admit(**{**ROOM, "breakout_rooms": True, "breakout_uuids": ["u-1", "u-2"]})
    server = PolicyServer(
        service=main, breakouts={"u-1": admit(**{**ROOM, **BREAKOUT}), "u-2": REJECT}, participant=admit()
    )

    host = await dial(http, server, replace(ALICE, pin=ROOM["pin"]))
    guest = await dial(http, server)

    assert isinstance(host, Joined)
    assert isinstance(guest, Joined)
    assert (host.breakouts, guest.breakouts) == (("One",), ())
    asked = [one for one in server.parameters(SERVICE) if one.get("breakout_uuid")]
    assert [one["service_name"] for one in asked] == ["board in core_breakout_u-1", "board in core_breakout_u-2"]


async def test_a_transfer_names_the_room_before_and_keeps_call_tag_and_sign_in(http: ClientSession) -> None:
    server = PolicyServer(service=BEHIND_SSO, participant=admit(call_tag="scrubbed"))
    async with node_at(http, server) as node:
        alice = await node.dial(SIGNED_IN)
        assert isinstance(alice, Joined)
        server.asked.clear()

        moved = await node.transfer(alice, to="budget")

    assert isinstance(moved, Joined)
    first, entered = server.parameters(SERVICE)[0], server.parameters(PARTICIPANT)[0]
    assert (first["local_alias"], first["previous_service_name"]) == ("budget", "board in core")
    assert (first["call_tag"], first["idp_uuid"]) == ("scrubbed", "idp-1")
    assert (entered["previous_service_name"], entered["call_uuid"]) == ("board in core", alice.call.uuid)


@pytest.mark.parametrize(
    ("answer", "end", "is_fallback"),
    [
        (admit(**{**ROOM, "pin": "777777777", "prefer_ipv6": "yes"}), "board in core as guest", False),
        (admit(**{**ROOM, "name": "another"}), "board in core as guest", True),
        (admit(**{**ROOM, "allow_guests": False}), "board in core as guest", True),
        (REJECT, SERVICE, False),
    ],
)
@pytest.mark.parametrize("dead_man", [False, True])
async def test_a_call_out_stays_in_the_room_that_it_is_made_from(
    http: ClientSession, answer: Any, end: str, is_fallback: bool, dead_man: bool
) -> None:
    server = PolicyServer()
    far_end = Caller(alias="board", display_name="Far", address="", remote_alias="rtmp://x.example", protocol="rtmp")
    async with node_at(http, server, dead_man=dead_man) as node:
        alice = await node.dial(ALICE)
        assert isinstance(alice, Joined)
        server.asked.clear()
        server.service = answer

        outcome = await node.dial_out(alice, to=far_end)

    asked = server.parameters(SERVICE)[0]
    assert (asked["call_direction"], asked["protocol"], asked["trigger"]) == ("dial_out", "rtmp", "unspecified")
    assert (asked["service_name"], asked["service_tag"]) == ("board in core", "vestibule:core:board")
    assert PARTICIPANT not in [question for question, _ in server.asked]
    assert where(outcome) == (SERVICE if dead_man and is_fallback else end)
    assert isinstance(outcome, TurnedAway) or outcome.admitted_by_fallback == is_fallback


@pytest.mark.parametrize(("trigger", "protocol"), PROBES.items())
async def test_a_probe_is_one_question_by_which_nobody_joins(http: ClientSession, trigger: str, protocol: str) -> None:
    server = PolicyServer(service=REJECT)
    async with node_at(http, server) as node:
        reading = await node.probe(SIP, trigger=trigger)

    assert reading.verdict is Verdict.REJECTED
    (asked,) = server.parameters(SERVICE)
    assert (asked["call_direction"], asked["trigger"], asked["protocol"]) == ("non_dial", trigger, protocol)


@pytest.mark.parametrize("caller", [ALICE, SIP], ids=["app", "SIP"])
@pytest.mark.parametrize("server", [{"service": too_late}, {"participant": too_late}], ids=["room", "participant"])
async def test_a_dead_man_policy_keeps_out_whoever_is_not_answered(
    http: ClientSession, caller: Caller, server: dict[str, Any]
) -> None:
    outcome = await dial(http, PolicyServer(**server), caller, dead_man=True)

    assert isinstance(outcome, TurnedAway)
    assert outcome.asked[-1].reading.problem == "no answer: TimeoutError"


@pytest.mark.parametrize(("name", "place"), [("Bergen", "Bergen"), ("Nowhere", "Oslo")])
async def test_media_go_where_the_answer_says_if_there_is_such_a_place(
    http: ClientSession, name: str, place: str
) -> None:
    server = PolicyServer(location={"status": "success", "result": {"location": name, "overflow_locations": ["Oslo"]}})

    outcome = await dial(http, server)

    assert isinstance(outcome, Joined)
    assert (outcome.media_location, outcome.admitted_by_fallback) == (place, False)


@pytest.mark.component("cjpeg")
@pytest.mark.parametrize(("size", "verdict"), [(100, Verdict.USED), (99, Verdict.FALLBACK)])
async def test_a_picture_is_shown_if_it_has_the_size_that_was_asked_for(
    http: ClientSession, size: int, verdict: Verdict
) -> None:
    tool = await asyncio.create_subprocess_exec("cjpeg", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    picture, _ = await tool.communicate(b"P6\n%d %d\n255\n" % (size, size) + bytes(3 * size * size))

    outcome = await dial(http, PolicyServer(avatar=picture))

    assert isinstance(outcome, Joined)
    assert outcome.asked[-1].reading.verdict is verdict
