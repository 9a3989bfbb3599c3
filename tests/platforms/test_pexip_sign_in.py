"""Pexip's own sign-in as an answer, the way to another room, and the line for hosts: none of them admits anybody."""

from dataclasses import replace

import pytest

from plugin.core.decision import HOST_NOTICE, Deny, OpenElsewhere, PlatformSignIn, Remedy, because
from plugin.core.join import JoinRequest
from plugin.core.reasons import Reason
from plugin.platforms.pexip import Endpoint, PexipSettings
from tests.platforms.rooms import OPEN, PARTICIPANT, SERVICE, allow, join_of, redirect, rooms_of, say

ROOM = join_of(Endpoint.SERVICE, SERVICE)
ENTERING = join_of(Endpoint.PARTICIPANT, PARTICIPANT)
CALLING_OUT = join_of(
    Endpoint.SERVICE, {**SERVICE, "call_direction": "dial_out", "service_tag": "vestibule:meetme:board"}
)
REJECT = {"status": "success", "action": "reject", "decision_id": "dec_7f3k"}
SENTENCE = Reason.OPEN_ELSEWHERE.sentence
LINK = "https://meet.example.com/?conference={alias}"


def refusal(remedy: Remedy | None, *, message: str = "You are not admitted.") -> Deny:
    reason = replace(because(Reason.NO_PERMIT), message=message)
    return Deny(reasons=(reason,), remedy=remedy)


def sign_in(zone: str = "meetme", group: str = "Corporate SSO") -> Deny:
    return refusal(PlatformSignIn(zone=zone, group=group))


def telling(link: str = LINK) -> PexipSettings:
    return PexipSettings(reject_reason=True, links={"meetme": link})


def test_the_sign_in_is_a_room_that_nobody_passes_without_it() -> None:
    room = say(ROOM, sign_in())

    assert room["action"] == "continue"
    result = room["result"]
    assert isinstance(result, dict)
    assert result["service_tag"] == "vestibule:meetme:board"
    assert result["host_identity_provider_group"] == result["guest_identity_provider_group"] == "Corporate SSO"
    assert result["non_idp_participants"] == "disallow_all"


def test_the_sign_in_room_has_a_host_pin_that_nobody_knows() -> None:
    drawn = iter(["1" * 20, "2" * 20])

    pins = [say(ROOM, sign_in(), random_pin=lambda _: next(drawn))["result"]["pin"] for _ in range(2)]

    assert pins == ["1" * 20, "2" * 20]


@pytest.mark.parametrize("join", [ENTERING, replace(ROOM, phase=ENTERING.phase)])
def test_a_sign_in_is_no_answer_about_somebody_who_enters(join: JoinRequest) -> None:
    assert say(join, sign_in()) == REJECT


@pytest.mark.parametrize("decision", [sign_in(zone="attic"), sign_in(group=""), sign_in(group="x" * 251)])
def test_a_sign_in_that_pexip_could_not_read_is_a_reject(decision: Deny) -> None:
    assert say(ROOM, decision) == REJECT


def test_a_template_that_holds_what_nobody_may_say_signs_nobody_in() -> None:
    spoiled = rooms_of(OPEN, replace(OPEN, fields={**OPEN.fields, "breakout_rooms": True}))

    assert say(ROOM, sign_in(), rooms=spoiled) == REJECT


@pytest.mark.parametrize("remedy", [None, OpenElsewhere(zone="meetme")])
@pytest.mark.parametrize("join", [ROOM, CALLING_OUT])
def test_no_other_refusal_is_ever_a_room(join: JoinRequest, remedy: Remedy | None) -> None:
    assert say(join, refusal(remedy), settings=telling()) == REJECT


def told(alias: str, *, link: str = LINK, message: str = "You are not admitted.") -> str | None:
    join = replace(ENTERING, alias=alias)
    answer = say(join, refusal(OpenElsewhere(zone="meetme"), message=message), settings=telling(link))
    assert answer["action"] == "reject"
    result = answer.get("result")
    return str(result["reject_reason"]) if isinstance(result, dict) else None


@pytest.mark.parametrize(
    ("alias", "link"),
    [
        ("board", "https://meet.example.com/?conference=board"),
        ("board@example.com", "https://meet.example.com/?conference=board@example.com"),
        ("a&b=c#d/e?f", "https://meet.example.com/?conference=a%26b%3Dc%23d%2Fe%3Ff"),
        ("{alias}", "https://meet.example.com/?conference=%7Balias%7D"),
        ("møte", "https://meet.example.com/?conference=m%C3%B8te"),
        ("a\r\nb", "https://meet.example.com/?conference=a%0D%0Ab"),
    ],
)
def test_the_link_leads_to_the_conference_and_holds_no_more_of_it_than_its_name(alias: str, link: str) -> None:
    assert told(alias) == f"{SENTENCE} {link}"


@pytest.mark.parametrize("alias", ["a" * 250, "ø" * 80])
def test_a_link_that_is_too_long_is_left_out_whole(alias: str) -> None:
    assert told(alias) == "You are not admitted."


def test_without_a_link_the_first_reason_is_told() -> None:
    answer = say(ENTERING, refusal(OpenElsewhere(zone="core")), settings=telling())

    assert answer["result"] == {"reject_reason": "You are not admitted."}


@pytest.mark.parametrize("message", ["two\nlines", "a bell\x07", "", " ", "\u202e"])
def test_a_sentence_that_pexip_could_not_show_is_not_said(message: str) -> None:
    assert told("a" * 250, message=message) is None


def test_the_line_for_hosts_stands_beside_the_answer_of_somebody_who_is_apart() -> None:
    apart = replace(redirect(), apart=True)

    assert say(ROOM, apart)["host_notice"] == HOST_NOTICE
    assert "host_notice" not in say(ROOM, redirect())
    assert "host_notice" not in say(ROOM, allow())


def test_a_reject_tells_hosts_of_nobody() -> None:
    spoiled = rooms_of(OPEN, replace(OPEN, fields={**OPEN.fields, "locked": True}))

    assert say(ROOM, replace(redirect(), apart=True), rooms=spoiled) == REJECT
