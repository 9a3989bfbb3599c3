"""Gateways and room systems at the conferencing node, over HTTP: where they get in, and whoever imitates one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.shell.world import CALLER_TOKEN, PROXIED_TOKEN, World, opened

MCU, PROXY = "198.51.100.8", "198.51.100.16"
CONFERENCES = """
[[conference]]
alias = "council"
zones = ["core", "meetme"]
classification = "internal-only"
owner = "{acme}#bob"
invited = ["org:acme", "org:partners"]
[[conference]]
alias = "briefing"
zones = ["core", "meetme"]
classification = "internal"
owner = "{acme}#bob"
invited = ["group:chairs", "trunk:boardroom"]
[[trunk]]
name = "partners-mcu"
kind = "gateway"
org = "partners"
networks = ["198.51.100.8/32"]
aliases = ["*@partners.example.net"]
[[trunk]]
name = "partners-proxy"
kind = "gateway"
org = "partners"
networks = ["198.51.100.16/32"]
asserted = ["*@partners.example.net"]
[[trunk]]
name = "boardroom"
kind = "room-system"
org = "acme"
registrations = ["boardroom@example.com"]
"""
SIP = {"protocol": "sip", "trigger": "invite", "vendor": "An MCU"}
GATEWAY = {**SIP, "remote_address": MCU, "remote_alias": "sip:mcu@partners.example.net"}
PROXIED = {**SIP, "remote_address": PROXY, "P-Asserted-Identity": '"MCU" <sip:mcu@partners.example.net>'}
BOARDROOM = {**SIP, "remote_alias": "sip:boardroom@example.com", "registered": "True"}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, conferences=CONFERENCES) as everything:
        yield everything


def last(world: World) -> tuple[str, str, str, str | None]:
    record = world.records[-1]
    return record.principal, record.trunk, record.far_end, record.zone


@pytest.mark.parametrize(("call", "name"), [(GATEWAY, "partners-mcu"), (PROXIED, "partners-proxy")])
async def test_a_partners_gateway_is_admitted_to_the_meeting_zone_as_people_whom_nobody_knows(
    world: World, call: dict[str, str], name: str
) -> None:
    room = await world.service("summit", **call)
    entered = await world.participant(room, call="c-1", local_alias="summit", **call)

    assert room["result"]["service_tag"] == "vestibule:meetme:summit"
    assert entered["result"]["preauthenticated_role"] == "guest"
    assert entered["result"]["remote_display_name"] == "Guest"
    assert last(world) == ("gateway", name, "unknown", "meetme")


@pytest.mark.parametrize("alias", ["council", "board", "briefing"])
async def test_a_partners_gateway_is_rejected_where_the_house_is_among_itself(world: World, alias: str) -> None:
    room = await world.service(alias, **GATEWAY)

    assert room["action"] == "reject"
    assert last(world) == ("gateway", "partners-mcu", "unknown", None)


async def test_a_partners_gateway_never_enters_the_core(world: World) -> None:
    core = {"result": {"name": "summit", "service_tag": "vestibule:core:summit"}}

    entered = await world.participant(core, call="c-1", **GATEWAY)

    assert entered["action"] == "reject"


async def test_a_room_system_of_the_house_sits_inside_with_the_others(world: World) -> None:
    room = await world.service("board", **BOARDROOM)
    entered = await world.participant(room, call="c-1", **BOARDROOM)

    assert room["result"]["service_tag"] == "vestibule:core:board"
    assert entered["action"] == "continue"
    assert last(world) == ("room-system", "boardroom", "", "core")


async def test_a_room_system_that_is_invited_by_name_does_not_move_the_meeting_outside(world: World) -> None:
    room = await world.service("briefing", **BOARDROOM)

    assert room["result"]["service_tag"] == "vestibule:core:briefing"


@pytest.mark.parametrize(
    "change",
    [
        {"registered": "False"},
        {"registered": ""},
        {"remote_alias": "sip:eve@example.com", "remote_display_name": "boardroom@example.com"},
        {"remote_alias": "sip:boardroom@example.com;@evil.example"},
        {"remote_alias": '"boardroom@example.com"<sip:eve@evil.example>'},
        {"protocol": "webrtc"},
        {"protocol": "api"},
    ],
)
async def test_whoever_imitates_a_room_system_is_rejected(world: World, change: dict[str, str]) -> None:
    room = await world.service("board", **{**BOARDROOM, **change})

    assert room["action"] == "reject"
    assert world.records[-1].trunk == ""


@pytest.mark.parametrize(
    "change",
    [
        {"remote_address": "198.51.100.9"},
        {"remote_address": ""},
        {"remote_alias": "sip:mcu@partners.example.net.evil.example"},
        {"remote_alias": "sip:eve@evil.example", "remote_display_name": "sip:mcu@partners.example.net"},
        {"remote_alias": "sip:eve@evil.example", "vendor": "partners-mcu"},
        {"protocol": "webrtc"},
    ],
)
async def test_whoever_imitates_a_gateway_is_rejected(world: World, change: dict[str, str]) -> None:
    room = await world.service("summit", **{**GATEWAY, **change})

    assert room["action"] == "reject"
    assert world.records[-1].trunk == ""


@pytest.mark.parametrize(
    "header",
    [
        "",
        '"<sip:mcu@partners.example.net>" <sip:eve@evil.example>',
        '"a \\" <sip:mcu@partners.example.net>" <sip:eve@evil.example>',
        "<sip:eve@evil.example>, <sip:mcu@partners.example.net>",
        "<sip:eve@evil.example;x=@partners.example.net>",
    ],
)
async def test_what_a_caller_writes_before_the_asserted_address_is_not_it(world: World, header: str) -> None:
    room = await world.service("summit", **{**PROXIED, "P-Asserted-Identity": header})

    assert room["action"] == "reject"
    assert world.records[-1].trunk == ""


@pytest.mark.parametrize("call", [GATEWAY, BOARDROOM])
async def test_a_ticket_on_a_trunk_admits_nobody_and_is_still_good_where_it_belongs(
    world: World, call: dict[str, str]
) -> None:
    device = world.authority.device("alice")
    ticket = await world.ticket(await world.proofs("summit", token=world.token("alice"), device=device))

    carried = await world.service("summit", ticket=ticket, **call)
    own = await world.service("summit", ticket=ticket)

    assert (carried["action"], own["action"]) == ("reject", "continue")
    assert world.records[0].reasons[0].code == "proof-on-trunk"


async def test_a_forged_ticket_on_a_trunk_is_rejected(world: World) -> None:
    room = await world.service("board", ticket="vt_" + "A" * 27, **BOARDROOM)

    assert room["action"] == "reject"


async def test_somebody_whom_the_platform_signed_in_does_not_become_the_room_that_they_sit_in(world: World) -> None:
    room = await world.service("board", **BOARDROOM)

    entered = await world.participant(room, call="c-1", idp_uuid="7d7e6a2c", idp_attribute_sub="eve", **BOARDROOM)

    assert entered["action"] == "reject"


async def test_a_committed_call_does_not_turn_into_a_room_system(world: World) -> None:
    device = world.authority.device("alice")
    ticket = await world.ticket(await world.proofs("board", token=world.token("alice"), device=device))
    room = await world.service("board", ticket=ticket)
    await world.participant(room, call="c-1", kind="api", ticket=ticket)

    other = await world.participant(room, call="c-1", kind="api", **BOARDROOM)

    assert other["action"] == "reject"


async def test_a_call_that_the_platform_makes_is_no_trunk_whatever_it_looks_like(world: World) -> None:
    out = await world.service("board", call_direction="dial_out", service_tag="vestibule:core:board", **BOARDROOM)

    assert out["action"] == "reject"
    assert world.records[-1].trunk == "dial-out"


def at_portal(**participant: str) -> dict[str, object]:
    return {
        "conference": "summit",
        "participant": {"protocol": "sip", "alias": "mcu@partners.example.net", **participant},
    }


async def test_a_platform_that_sees_its_callers_can_tell_of_a_gateway(world: World) -> None:
    _, body = await world.post("/v1/joins", at_portal(remote_address=MCU), bearer=CALLER_TOKEN)

    assert (body["decision"], body["zone"]) == ("redirect", "meetme")


async def test_a_platform_behind_a_proxy_cannot(world: World) -> None:
    _, body = await world.post("/v1/joins", at_portal(remote_address=MCU), bearer=PROXIED_TOKEN)

    assert body["decision"] == "deny"
    assert world.records[-1].trunk == ""


async def test_a_sign_in_beside_a_gateway_is_refused_and_not_used_up(world: World) -> None:
    token = world.token("alice")
    _, carried = await world.post("/v1/joins", {**at_portal(remote_address=MCU), "id_token": token})

    own = await world.join({"conference": "summit", "id_token": token})

    assert (carried["decision"], own["decision"]) == ("deny", "redirect")
