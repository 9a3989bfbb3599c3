"""Devices, gateways and room systems: their whole joins. A device is asked about before it has entered a PIN."""

from typing import Any

import pytest

from plugin.shell.demo.node import Joined, Node, TurnedAway
from plugin.shell.demo.node_rules import SERVICE
from tests.shell.whole_joins.platform import (
    CAFE,
    DEVICE,
    GUEST_PIN,
    HOME,
    HOST_PIN,
    MCU,
    PROXY,
    TEAMS,
    TENANT,
    device,
    questions,
)
from tests.shell.world import World

PARTNERS_MCU = {"address": MCU, "remote_alias": "mcu@partners.example.net", "display_name": "Partners"}
ASSERTED = '"Dan" <sip:dan@partners.example.net>'
BOARDROOM = {"remote_alias": "sip:boardroom@example.com", "address": HOME, "registered": True}

JOINS = {
    "a SIP guest": (device("sip:townhall"), "townhall [meetme]", "guest"),
    "an H.323 guest": (
        device("h323:townhall", protocol="h323", remote_alias="h323:1234"),
        "townhall [meetme]",
        "guest",
    ),
    "a Skype guest": (device("sip:townhall", protocol="mssip", vendor="UCCAPI/16"), "townhall [meetme]", "guest"),
    "a Teams guest": (device("townhall", protocol="teams", teams_tenant=TENANT), "townhall [meetme]", "guest"),
    "the partners' MCU by SIP": (device("sip:bridge", **PARTNERS_MCU), "bridge [meetme]", "partners-mcu"),
    "the partners' MCU by H.323": (
        device("bridge", protocol="h323", **PARTNERS_MCU),
        "bridge [meetme]",
        "partners-mcu",
    ),
    "a call from the partners' proxy": (
        device("sip:bridge", address=PROXY, asserted_identity=ASSERTED),
        "bridge [meetme]",
        "partners-proxy",
    ),
    "a Skype call from the partners' proxy": (
        device("sip:bridge", protocol="mssip", address=PROXY, asserted_identity=ASSERTED, ms_subnet="198.51.100.0"),
        "bridge [meetme]",
        "partners-proxy",
    ),
    "a Teams room of the partners": (
        device("bridge", protocol="teams", address=TEAMS, teams_tenant=TENANT, passcode="493021", display_count="2"),
        "bridge [meetme]",
        "partners-teams",
    ),
    "the registered boardroom": (device("sip:studio", **BOARDROOM), "studio", "boardroom"),
}

LIARS: dict[str, dict[str, Any]] = {
    "the MCU's alias from elsewhere": {"remote_alias": "mcu@partners.example.net"},
    "an asserted identity from elsewhere": {"asserted_identity": ASSERTED},
    "an asserted identity in its own name": {
        "address": PROXY,
        "asserted_identity": '"<sip:dan@partners.example.net>" <sip:eve@elsewhere.example>',
    },
    "the tenant from elsewhere": {"protocol": "teams", "teams_tenant": TENANT},
    "another tenant from the Teams network": {"protocol": "teams", "address": TEAMS, "teams_tenant": "0" * 8},
    "a Teams room by SIP": {"address": TEAMS, "teams_tenant": TENANT, "passcode": "493021"},
}


@pytest.mark.parametrize(("caller", "room", "who"), JOINS.values(), ids=JOINS)
async def test_a_device_is_let_in_for_what_it_is(world: World, node: Node, caller: Any, room: str, who: str) -> None:
    outcome = await node.dial(caller)

    assert isinstance(outcome, Joined), world.records[-1]
    assert (outcome.room, outcome.role, outcome.admitted_by_fallback) == (room, "guest", False)
    assert questions(outcome) == DEVICE
    assert who in (world.records[-1].trunk, world.records[-1].principal)


@pytest.mark.parametrize("lie", LIARS.values(), ids=LIARS)
async def test_a_device_that_says_it_comes_from_elsewhere_is_turned_away(
    world: World, node: Node, lie: dict[str, Any]
) -> None:
    outcome = await node.dial(device("sip:bridge", **lie))

    assert isinstance(outcome, TurnedAway)
    assert (outcome.at, questions(outcome)) == (SERVICE, [SERVICE])
    assert (world.records[-1].trunk, world.records[-1].reasons[0].code) == ("", "guests-not-chosen")


@pytest.mark.parametrize(
    "lie",
    [{"registered": False}, {"remote_alias": "sip:boardroom@example.com.elsewhere.example"}, {"protocol": "webrtc"}],
    ids=["not registered", "registered as another", "an app"],
)
async def test_somebody_who_only_looks_like_the_boardroom_is_turned_away(node: Node, lie: dict[str, Any]) -> None:
    outcome = await node.dial(device("sip:studio", **{**BOARDROOM, **lie}))

    assert isinstance(outcome, TurnedAway)
    assert outcome.at == SERVICE


@pytest.mark.parametrize("alias", ["board", "forum"])
async def test_a_device_that_nobody_knows_is_turned_away_where_people_have_to_sign_in(node: Node, alias: str) -> None:
    outcome = await node.dial(device(alias, address=CAFE))

    assert isinstance(outcome, TurnedAway)
    assert outcome.at == SERVICE


async def test_nobody_sees_the_name_that_a_device_gives_itself(node: Node) -> None:
    outcome = await node.dial(device("townhall", display_name="The Chairman"))

    assert isinstance(outcome, Joined)
    assert outcome.display_name == "Guest"


async def test_a_device_enters_by_the_guest_pin(node: Node) -> None:
    outcome = await node.dial(device("sip:hotline", pin=GUEST_PIN))

    assert isinstance(outcome, Joined)
    assert (outcome.room, outcome.role) == ("hotline", "guest")


@pytest.mark.parametrize("pin", ["", HOST_PIN, "0000#"])
async def test_a_device_enters_by_no_other_pin(node: Node, pin: str) -> None:
    outcome = await node.dial(device("sip:hotline", pin=pin))

    assert isinstance(outcome, TurnedAway)
    assert outcome.at == "PIN"
