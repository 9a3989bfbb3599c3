"""The JSON door: every mistake is named by its field, and nothing is mistaken for "nothing was presented"."""

from contextlib import suppress
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.core.decision import Allow, Capability, Decision, Deny, PolicyRef, Redirect, StepUp, because
from plugin.core.device import Evidence
from plugin.core.join import Credentials, JoinRequest, Network, Phase
from plugin.core.reasons import Reason
from plugin.platforms import generic
from plugin.platforms.generic import BadRequest, CallerRights, NotEntitled
from tests.fakes import NOON

PORTAL = CallerRights(name="portal", conferences=("*",), addresses_are_callers=True)
PROXIED = CallerRights(name="proxied", conferences=("*",), addresses_are_callers=False)
PIECE = {"format": "x509", "payload": {"alg": "ES256"}, "challenge_id": "c"}
PERSON = {
    "display_name": "Alice",
    "alias": "alice@example.com",
    "protocol": "webrtc",
    "remote_address": "198.51.100.7",
    "vendor": "Mozilla/5.0",
}
BODY: dict[str, object] = {
    "conference": "sip:Board@example.com",
    "participant": PERSON,
    "id_token": "a.b.c",
    "evidence": [PIECE],
}
SECRET = "a-secret-that-nobody-may-read"


def read(body: dict[str, object], *, caller: CallerRights = PORTAL) -> JoinRequest:
    return generic.read_join(body, caller=caller, now=NOON)


def field_of(body: dict[str, object]) -> str:
    with pytest.raises(BadRequest) as raised:
        read(body)
    return raised.value.field


def say(decision: Decision) -> dict[str, object]:
    return generic.write(decision, decision_id="dec_7f3k", trace_id="0af7651916cd43dd8448eb211c80319c")


def test_a_join_is_read_whole() -> None:
    join = read(BODY)

    assert (join.phase, join.alias, join.zone, join.call) == (Phase.JOIN, "board@example.com", None, None)
    assert join.credentials == Credentials(
        unverified_token="a.b.c", evidence=(Evidence(format="x509", payload={"alg": "ES256"}, challenge_id="c"),)
    )
    assert join.network == Network(address="198.51.100.7", located=True)


def test_only_the_conference_is_needed() -> None:
    assert read({"conference": "board"}).credentials == Credentials()


def test_an_access_token_is_read_as_the_one_token_that_there_is() -> None:
    assert read({"conference": "board", "access_token": "a.b.c"}).credentials == Credentials(unverified_token="a.b.c")


def test_two_tokens_are_a_mistake() -> None:
    assert field_of({"conference": "board", "id_token": "a.b.c", "access_token": "a.b.c"}) == "access_token"


def test_a_ticket_is_read() -> None:
    assert read({"conference": "board", "ticket": "vt_x"}).credentials.ticket == "vt_x"


@pytest.mark.parametrize(
    ("body", "caller", "located"), [(BODY, PORTAL, True), (BODY, PROXIED, False), ({"conference": "b"}, PORTAL, False)]
)
def test_an_address_counts_only_where_the_caller_is_believed(
    body: dict[str, object], caller: CallerRights, located: bool
) -> None:
    assert read(body, caller=caller).network.located is located


@pytest.mark.parametrize(
    ("patterns", "entitled"),
    [
        (("*",), True),
        (("board@*",), True),
        (("x", "board*"), True),
        ((), False),
        (("board",), False),
        (("oard*",), False),
    ],
)
def test_a_caller_speaks_for_its_own_conferences_alone(patterns: tuple[str, ...], entitled: bool) -> None:
    caller = CallerRights(name="portal", conferences=patterns, addresses_are_callers=True)

    if entitled:
        assert read(BODY, caller=caller).alias == "board@example.com"
        return
    with pytest.raises(NotEntitled):
        read(BODY, caller=caller)


def test_a_missing_right_is_no_mistake_in_the_request() -> None:
    assert not issubclass(NotEntitled, BadRequest)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"conference": None}, "conference"),
        ({"conference": ""}, "conference"),
        ({"conference": "a b"}, "conference"),
        ({"conference": ["board"]}, "conference"),
        ({"participant": None}, "participant"),
        ({"participant": []}, "participant"),
        ({"participant": {"display_nam": "Alice"}}, "participant.display_nam"),
        ({"participant": {"display_name": None}}, "participant.display_name"),
        ({"participant": {"protocol": 7}}, "participant.protocol"),
        ({"participant": {"remote_address": "nowhere"}}, "participant.remote_address"),
        ({"participant": {"remote_address": "198.51.100.7:443"}}, "participant.remote_address"),
        ({"participant": {"remote_address": "\ud800"}}, "participant.remote_address"),
        ({"participant": {"alias": "\ud800"}}, "participant.alias"),
        ({"id_token": None}, "id_token"),
        ({"id_token": ""}, "id_token"),
        ({"id_token": {}}, "id_token"),
        ({"id_token": "\udfff"}, "id_token"),
        ({"id_token": "x" * (16 * 1024 + 1)}, "id_token"),
        ({"ticket": None}, "ticket"),
        ({"ticket": ""}, "ticket"),
        ({"ticket": "\ud800"}, "ticket"),
        ({"evidence": None}, "evidence"),
        ({"evidence": PIECE}, "evidence"),
        ({"evidence": [PIECE] * 9}, "evidence"),
        ({"evidence": ["x509"]}, "evidence[0]"),
        ({"evidence": [PIECE, {**PIECE, "payload": "x"}]}, "evidence[1].payload"),
        ({"evidence": [{**PIECE, "format": ""}]}, "evidence[0].format"),
        ({"evidence": [{**PIECE, "challenge_id": 7}]}, "evidence[0].challenge_id"),
        ({"evidence": [{"format": "x509", "payload": {}}]}, "evidence[0].challenge_id"),
        ({"evidence": [{**PIECE, "nonce": "x"}]}, "evidence[0].nonce"),
        ({"id_tokn": "a.b.c"}, "id_tokn"),
        ({"idToken": "a.b.c"}, "idToken"),
        ({"ticket ": "vt_x"}, "ticket "),
        ({"zone": "core"}, "zone"),
        ({"capabilities": ["host"]}, "capabilities"),
    ],
)
def test_a_mistake_is_named_by_its_field(change: dict[str, object], field: str) -> None:
    assert field_of({**BODY, **change}) == field


def test_a_missing_conference_is_named() -> None:
    assert field_of({"participant": PERSON}) == "conference"


@pytest.mark.parametrize(
    "change",
    [
        {"id_token": {"token": SECRET}},
        {"id_token": SECRET * 1000},
        {"ticket": [SECRET]},
        {"evidence": SECRET},
        {"evidence": [SECRET]},
        {"evidence": [{**PIECE, "payload": SECRET}]},
        {"participant": SECRET},
        {"conference": SECRET + " " * 2 + SECRET},
    ],
)
def test_a_mistake_does_not_show_what_was_presented(change: dict[str, object]) -> None:
    with pytest.raises(BadRequest) as raised:
        read({**BODY, **change})

    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("address", ["198.51.100.7", "2001:db8::1", "2001:DB8:0:0:0:0:0:1"])
def test_an_address_has_one_spelling(address: str) -> None:
    join = read({"conference": "board", "participant": {"remote_address": address}})

    assert join.network.address in {"198.51.100.7", "2001:db8::1"}


def test_names_of_a_thousand_four_byte_characters_are_read() -> None:
    long = "\N{WATER BUFFALO}" * 1000

    join = read({"conference": "board", "participant": {"display_name": long, "alias": long, "vendor": long}})

    assert join.caller.display_name == long


def test_a_ticket_is_asked_for_with_proofs_alone() -> None:
    join = generic.read_ticket({"conference": "board", "id_token": "a.b.c"}, now=NOON)

    assert join.credentials.unverified_token == "a.b.c"
    assert join.network == Network(address="", located=False)


@pytest.mark.parametrize("member", ["ticket", "participant"])
def test_who_asks_for_a_ticket_may_not_say_where_it_is_nor_present_another(member: str) -> None:
    with pytest.raises(BadRequest) as raised:
        generic.read_ticket({"conference": "board", member: {}}, now=NOON)

    assert raised.value.field == member


def test_a_challenge_is_for_a_canonical_alias() -> None:
    assert generic.read_challenge({"conference": "SIP:Board@Example.com;transport=tls"}) == "board@example.com"


@pytest.mark.parametrize("body", [{}, {"conference": 7}, {"conference": "board", "purpose": "enrol"}])
def test_a_challenge_for_anything_else_is_a_mistake(body: dict[str, object]) -> None:
    with pytest.raises(BadRequest):
        generic.read_challenge(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
members = ["conference", "participant", "id_token", "evidence", "ticket", "id_tokn"]


@given(st.dictionaries(st.sampled_from(members) | st.text(max_size=5), json_values))
@settings(max_examples=200)
def test_any_object_is_read_whole_or_is_a_mistake(body: dict[str, object]) -> None:
    try:
        join = read(body)
    except BadRequest:
        return

    assert set(body) <= {"conference", "participant", "id_token", "evidence", "ticket"}
    assert (join.credentials.unverified_token is None) is ("id_token" not in body)


@given(st.dictionaries(st.sampled_from(members) | st.text(max_size=5), json_values))
@settings(max_examples=100)
def test_any_object_of_a_client_is_read_or_its_mistake_is_named(body: dict[str, object]) -> None:
    for reading in (generic.read_challenge, partial(generic.read_ticket, now=NOON)):
        with suppress(BadRequest):
            reading(body)
            assert "ticket" not in body


def test_an_allow_says_what_the_platform_has_to_prevent() -> None:
    capabilities = frozenset({Capability.UNMUTE, Capability.SHOW_NAME})
    decision = Allow(
        zone="core",
        capabilities=capabilities,
        reasons=(because(Reason.PERMITTED),),
        revisit_at=NOON + timedelta(hours=1),
    )

    assert say(decision) == {
        "decision": "allow",
        "decision_id": "dec_7f3k",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "zone": "core",
        "capabilities": ["showName", "unmute"],
        "obligations": {"prevent": ["host", "present"]},
        "reasons": [{"code": "permitted", "message": "You may join."}],
        "remedy": None,
        "host_notice": None,
        "expires_at": "2026-11-24T13:00:00+00:00",
    }


def test_a_redirect_says_where_to_and_what_would_open_the_inner_zone() -> None:
    decision = Redirect(
        zone="meetme",
        capabilities=frozenset(Capability),
        reasons=(because(Reason.INNER_ZONE_REFUSED),),
        remedy=StepUp(acr_values=("phr",), max_age=900),
        revisit_at=None,
    )

    answer = say(decision)

    assert (answer["decision"], answer["zone"], answer["expires_at"]) == ("redirect", "meetme", None)
    assert answer["obligations"] == {"prevent": []}
    assert answer["remedy"] == {"type": "step-up", "acr_values": ["phr"], "claims": None, "max_age": 900}


def test_a_deny_gives_nothing() -> None:
    answer = say(Deny(reasons=(because(Reason.NO_PERMIT),)))

    assert answer["decision"] == "deny"
    assert [answer[name] for name in ("zone", "capabilities", "obligations", "remedy", "expires_at")] == [
        None,
        [],
        {},
        None,
        None,
    ]


def test_no_answer_names_a_policy() -> None:
    reason = because(
        Reason.FORBIDDEN, policies=(PolicyRef(id="secret-rule", file="a.cedar", line=7),), detail="a detail"
    )

    answer = say(Deny(reasons=(reason,)))

    assert "secret-rule" not in str(answer)
    assert "a detail" not in str(answer)
