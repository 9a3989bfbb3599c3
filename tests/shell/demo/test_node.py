"""The simulated conferencing node against small policy servers that answer well, badly, late and never."""

import json
import subprocess
import sys
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import unused_port

from plugin.shell.demo.node import Caller, Joined, Node, TurnedAway
from plugin.shell.demo.node_rules import PARTICIPANT, SERVICE
from tests.shell.demo.policy_server import ALICE, REJECT, ROOM, PolicyServer, admit, answering, dial, too_late


async def test_a_caller_with_a_valid_answer_joins_the_room_of_the_answer(http: ClientSession) -> None:
    outcome = await dial(http, PolicyServer())

    assert isinstance(outcome, Joined)
    assert (outcome.room, outcome.role, outcome.admitted_by_fallback) == ("board in core", "guest", False)


async def test_an_app_asks_for_the_room_again_and_then_for_two_participants_of_one_call(http: ClientSession) -> None:
    server = PolicyServer()

    await dial(http, server)

    assert [question for question, _ in server.asked[:5]] == [SERVICE] * 3 + [PARTICIPANT] * 2
    first, second = server.parameters(PARTICIPANT)
    assert (first["participant_type"], first["protocol"]) == ("api", "api")
    assert (second["participant_type"], second["protocol"]) == ("standard", "webrtc")
    assert first["call_uuid"] == second["call_uuid"]
    assert first["participant_uuid"] != second["participant_uuid"]


async def test_parameters_are_spelt_as_on_the_wire_and_keep_no_order(http: ClientSession) -> None:
    server = PolicyServer()

    await dial(http, server)

    raw = [[name for name, _ in query] for _, query in server.asked[:2]]
    assert sorted(raw[0]) == sorted(raw[1])
    assert raw[0] != raw[1]
    asked = server.parameters(SERVICE)[0]
    assert (asked["call_tag"], asked["registered"], asked["idp_uuid"]) == ("vt_1", "False", "")
    assert asked["remote_display_name"] == "Alice Ågren + 1"


async def test_the_participant_questions_know_the_room_and_its_tag(http: ClientSession) -> None:
    server = PolicyServer()

    await dial(http, server)

    asked = server.parameters(PARTICIPANT)[0]
    assert (asked["service_name"], asked["service_tag"]) == ("board in core", "vestibule:core:board")
    assert asked["preauthenticated_role"] == "guest"


async def test_the_node_says_who_it_is(http: ClientSession) -> None:
    server = PolicyServer()

    await dial(http, server)

    assert server.authorization == "Basic cGV4aXA6cHc="


async def test_the_participant_answer_promotes_renames_and_scrubs(http: ClientSession) -> None:
    server = PolicyServer(
        participant=admit(preauthenticated_role="chair", remote_display_name="A", call_tag="", bypass_lock=False)
    )

    outcome = await dial(http, server)

    assert isinstance(outcome, Joined)
    assert (outcome.role, outcome.display_name) == ("chair", "A")
    assert [asked["call_tag"] for asked in server.parameters(PARTICIPANT)] == ["vt_1", ""]


async def test_a_reject_of_the_room_turns_the_caller_away_at_once(http: ClientSession) -> None:
    server = PolicyServer(service=REJECT)

    outcome = await dial(http, server)

    assert isinstance(outcome, TurnedAway)
    assert (outcome.at, len(server.asked)) == (SERVICE, 1)


async def test_a_reject_of_the_participant_turns_the_caller_away_with_its_reason(http: ClientSession) -> None:
    outcome = await dial(http, PolicyServer(participant={**REJECT, "result": {"reject_reason": "not today"}}))

    assert isinstance(outcome, TurnedAway)
    assert (outcome.at, outcome.reason) == (PARTICIPANT, "not today")


@pytest.mark.parametrize(
    "answer",
    [
        answering(status=500, text="oops"),
        answering(status=401, text="who are you", headers={"WWW-Authenticate": "Basic"}),
        answering(status=404, text=json.dumps(REJECT), content_type="application/json"),
        answering(status=302, headers={"Location": "/policy/v1/elsewhere"}),
        answering(text="<reject/>", content_type="application/json"),
        answering(text=json.dumps(REJECT), content_type="text/html"),
        answering(text="[]", content_type="application/json"),
        too_late,
        {"status": "fail", "action": "continue"},
        {"status": "success", "action": "continue"},
        {**REJECT, "result": {"name": "board"}},
        {"status": "success", "action": "redirect", "result": {"new_alias": "sip:elsewhere@example.com"}},
    ],
)
async def test_without_a_valid_answer_about_the_room_everybody_gets_in(http: ClientSession, answer: Any) -> None:
    outcome = await dial(http, PolicyServer(service=answer))

    assert isinstance(outcome, Joined)
    assert (outcome.room, outcome.role, outcome.admitted_by_fallback) == ("board", "chair", True)


@pytest.mark.parametrize("answer", [answering(status=500), too_late, {**REJECT, "status": "fail"}, admit(role="chair")])
async def test_without_a_valid_answer_about_the_participant_everybody_gets_in(http: ClientSession, answer: Any) -> None:
    outcome = await dial(http, PolicyServer(participant=answer))

    assert isinstance(outcome, Joined)
    assert (outcome.room, outcome.admitted_by_fallback) == ("board in core", True)


async def test_a_policy_server_that_is_not_there_lets_everybody_in(http: ClientSession) -> None:
    url = f"http://127.0.0.1:{unused_port()}"
    node = Node(http=http, policy_url=url, username="pexip", password="pw", timeout_seconds=0.2)

    outcome = await node.dial(ALICE)

    assert isinstance(outcome, Joined)
    assert outcome.admitted_by_fallback


async def test_a_reject_with_a_valid_room_admits(http: ClientSession) -> None:
    outcome = await dial(http, PolicyServer(service={**REJECT, "result": ROOM}))

    assert isinstance(outcome, Joined)
    assert not outcome.admitted_by_fallback


@pytest.mark.parametrize(
    ("changes", "at"),
    [({"guest_pin": "123456789"}, "PIN"), ({"allow_guests": False}, "PIN")],
)
async def test_a_caller_without_the_pin_stays_out(http: ClientSession, changes: dict[str, object], at: str) -> None:
    outcome = await dial(http, PolicyServer(service=admit(**{**ROOM, **changes})))

    assert isinstance(outcome, TurnedAway)
    assert outcome.at == at


async def test_a_room_behind_single_sign_on_keeps_a_caller_out_who_has_not_signed_in(http: ClientSession) -> None:
    room = {**ROOM, "guest_identity_provider_group": "Staff"}

    outcome = await dial(http, PolicyServer(service=admit(**room)))

    assert isinstance(outcome, TurnedAway)
    assert outcome.at == "single sign-on"


@pytest.mark.parametrize(("protocol", "trigger"), [("sip", "invite"), ("h323", "setup")])
async def test_a_device_is_one_participant_without_a_role(http: ClientSession, protocol: str, trigger: str) -> None:
    server = PolicyServer()
    device = Caller(
        alias="sip:board@example.com",
        display_name="Boardroom",
        address="198.51.100.8",
        remote_alias="sip:boardroom@example.com",
        protocol=protocol,
    )

    await dial(http, server, device)

    assert [question for question, _ in server.asked[:2]] == [SERVICE, PARTICIPANT]
    (asked,) = server.parameters(PARTICIPANT)
    assert (asked["trigger"], asked["participant_type"], asked["preauthenticated_role"]) == (trigger, "standard", "")
    assert asked["remote_alias"] == "sip:boardroom@example.com"


async def test_a_role_from_the_participant_answer_takes_a_device_past_its_pin(http: ClientSession) -> None:
    device = Caller(alias="board", display_name="Boardroom", address="198.51.100.8", protocol="sip")
    server = PolicyServer(
        service=admit(**{**ROOM, "guest_pin": "123456789"}), participant=admit(preauthenticated_role="guest")
    )

    outcome = await dial(http, server, device)

    assert isinstance(outcome, Joined)
    assert outcome.role == "guest"


def test_the_node_shares_nothing_with_the_code_that_writes_the_answers() -> None:
    program = "import sys, plugin.shell.demo.node; print(*(name for name in sys.modules if 'plugin.' in name))"

    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()

    assert not [name for name in loaded if name.startswith(("plugin.platforms", "plugin.flow", "plugin.policy"))]
