"""Trunks: which calls come by one, and which liars do not."""

from dataclasses import replace
from ipaddress import ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plugin.core.facts import Line, Trunk
from plugin.core.join import Caller, Direction, JoinRequest, Leg, Network
from plugin.core.trunks import APPS, DIAL_OUT, PROTOCOLS, TrunkEntry, asserted_address, find_trunk
from tests.joins import ROOM as QUESTION

MCU = Trunk(name="partners-mcu", org="partners")
BOARDROOM = Trunk(name="boardroom", org="acme", line=Line.ROOM_SYSTEM)
NETWORKS = (ip_network("198.51.100.8/32"), ip_network("2001:db8:7::/64"))
GATEWAY = TrunkEntry(trunk=MCU, networks=NETWORKS)
ROOM = TrunkEntry(trunk=BOARDROOM, registrations=("boardroom@example.com",))
PROXY = TrunkEntry(trunk=MCU, networks=NETWORKS, asserted=("*@partners.example.net",))
CALL = replace(
    QUESTION,
    caller=Caller(display_name="", alias="sip:mcu@partners.example.net", protocol="sip", vendor=""),
    network=Network(address="198.51.100.8", located=False),
    leg=Leg(location="DMZ", witnessed=True),
)
ELSEWHERE = replace(CALL, network=Network(address="203.0.113.5", located=True))
REGISTERED = replace(ELSEWHERE, caller=replace(CALL.caller, alias="sip:Boardroom@example.com;transport=tls"))


def called(join: JoinRequest, **leg: object) -> JoinRequest:
    return replace(join, leg=replace(join.leg, **leg))


def test_a_gateway_is_known_by_the_network_that_it_calls_from():
    assert find_trunk(CALL, entries=[ROOM, GATEWAY]) == MCU


@pytest.mark.parametrize("address", ["2001:db8:7::1", "198.51.100.8"])
def test_every_network_of_a_trunk_counts(address: str):
    assert GATEWAY.fits(replace(CALL, network=Network(address=address, located=False)))


@pytest.mark.parametrize("address", ["198.51.100.9", "2001:db8:8::1", "", "router", "198.51.100.8%eth0"])
def test_a_call_from_elsewhere_is_not_the_gateways(address: str):
    assert not GATEWAY.fits(replace(CALL, network=Network(address=address, located=True)))


def test_an_address_that_the_platform_has_not_seen_itself_is_nobodys():
    assert not GATEWAY.fits(called(CALL, witnessed=False))


def test_a_caller_who_writes_the_trunks_name_everywhere_is_not_the_trunk():
    imitation = 'boardroom@example.com" <sip:boardroom@example.com>'
    caller = Caller(display_name=imitation, alias="boardroom@example.com", protocol="sip", vendor=imitation)
    liar = called(replace(ELSEWHERE, caller=caller), asserted_identity="<sip:boardroom@example.com>", location="DMZ")

    assert find_trunk(liar, entries=[GATEWAY, ROOM, PROXY]) is None


@pytest.mark.parametrize("protocol", APPS)
def test_an_app_is_a_persons_wherever_it_runs(protocol: str):
    app = replace(CALL, caller=replace(CALL.caller, protocol=protocol))

    assert find_trunk(called(app, registered=True), entries=[GATEWAY, ROOM, PROXY]) is None


@pytest.mark.parametrize("protocol", ["", "SIP", "rtmp", "sip "])
def test_a_protocol_that_is_not_listed_comes_by_no_trunk(protocol: str):
    assert not GATEWAY.fits(replace(CALL, caller=replace(CALL.caller, protocol=protocol)))


def test_a_room_system_is_known_by_its_registration():
    assert find_trunk(called(REGISTERED, registered=True), entries=[GATEWAY, ROOM]) == BOARDROOM


def test_the_alias_of_a_room_system_alone_is_what_anybody_says():
    assert find_trunk(REGISTERED, entries=[GATEWAY, ROOM]) is None


@pytest.mark.parametrize(
    "alias",
    [
        "",
        "sip:eve@example.com",
        "sip:boardroom@example.com.evil.example",
        "sip:eve@boardroom@example.com",
        "sip:boardroom@example.com;@evil.example",
        "sip:boardroom@example.com?x=@evil.example",
        '"boardroom@example.com"<sip:eve@evil.example>',
        "boardroom@example.com <sip:eve@evil.example>",
        "sip:boardroom@example.com\x00",
        "sip:sip:boardroom@example.com",
    ],
)
def test_a_registered_device_of_another_alias_is_not_the_room_system(alias: str):
    other = replace(REGISTERED, caller=replace(REGISTERED.caller, alias=alias))

    assert not ROOM.fits(called(other, registered=True))


def test_parameters_do_not_hide_the_domain_of_an_alias():
    room = replace(ROOM, registrations=("boardroom",))
    liar = replace(REGISTERED, caller=replace(REGISTERED.caller, alias="sip:boardroom;x@evil.example"))

    assert not room.fits(called(liar, registered=True))


@pytest.mark.parametrize(
    ("changes", "fitting"),
    [
        ({"locations": frozenset({"dmz"})}, {"location": "DMZ"}),
        ({"teams_tenants": frozenset({"a1"})}, {"teams_tenant": "A1"}),
        ({"asserted": ("*@partners.example.net",)}, {"asserted_identity": '"MCU" <sip:mcu@Partners.example.net>'}),
        ({"registrations": ("*@partners.example.net",)}, {"registered": True}),
        ({"aliases": ("*@partners.example.net",)}, {}),
    ],
)
def test_a_call_has_to_fit_everything_that_is_given(changes: dict[str, object], fitting: dict[str, object]):
    entry = replace(GATEWAY, **changes)
    stranger = replace(CALL, caller=replace(CALL.caller, alias="sip:mcu@elsewhere.example"), leg=Leg(witnessed=True))

    assert entry.fits(called(CALL, **fitting))
    assert not entry.fits(stranger)
    assert not entry.fits(called(replace(CALL, network=ELSEWHERE.network), **fitting))


def test_of_two_trunks_that_a_call_fits_the_first_is_its_own():
    other = replace(GATEWAY, trunk=BOARDROOM)

    assert find_trunk(CALL, entries=[other, GATEWAY]) == BOARDROOM


@pytest.mark.parametrize("entries", [[], [GATEWAY]])
def test_a_call_that_the_platform_makes_is_no_trunk_of_the_configuration(entries: list[TrunkEntry]):
    assert find_trunk(replace(CALL, direction=Direction.DIAL_OUT), entries=entries) == DIAL_OUT


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"aliases": ("*@partners.example.net",)},
        {"teams_tenants": frozenset({"a1"})},
        {"asserted": ("*@partners.example.net",)},
        {"registrations": ("a",), "asserted": ("*@partners.example.net",)},
        {"networks": NETWORKS, "protocols": frozenset({"sip", "webrtc"})},
    ],
)
def test_a_trunk_that_anybody_could_claim_to_come_by_cannot_be_made(parts: dict[str, object]):
    with pytest.raises(ValueError, match="trunk"):
        TrunkEntry(trunk=MCU, **parts)


def test_a_registered_app_of_a_room_system_can_be_a_trunk():
    app = replace(ROOM, protocols=frozenset({*PROTOCOLS, "webrtc"}))
    join = replace(REGISTERED, caller=replace(REGISTERED.caller, protocol="webrtc"))

    assert app.fits(called(join, registered=True))
    assert not app.fits(join)


# P-Asserted-Identity: RFC 3325 section 9.1, name-addr and addr-spec of RFC 3261 section 25.1.


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("sip:alice@example.com", "alice@example.com"),
        ("<sip:alice@example.com>", "alice@example.com"),
        ('"Alice"<sip:alice@example.com>', "alice@example.com"),
        ('  "Alice" \t <SIPS:Alice@EXAMPLE.com;user=phone>  ', "alice@example.com"),
        ("Alice Jones <sip:alice@example.com>", "alice@example.com"),
        ('"" <sip:alice@example.com>', "alice@example.com"),
        ('"a \\" <sip:boss@example.com> \\" b" <sip:alice@example.com>', "alice@example.com"),
        ('"sip:boss@example.com" <sip:alice@example.com>', "alice@example.com"),
        ("<sip:4712345678@example.com:5061>", "4712345678@example.com:5061"),
    ],
)
def test_the_address_behind_the_name_is_what_is_asserted(header: str, address: str):
    assert asserted_address(header) == address


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Alice",
        "alice@example.com",
        "<tel:+4712345678>",
        "<alice@example.com>",
        "<sip:alice@example.com>, <sip:boss@example.com>",
        "<sip:alice@example.com> <sip:boss@example.com>",
        "<sip:alice@example.com>;x=y",
        '"Alice <sip:boss@example.com>',
        'Alice" <sip:boss@example.com>',
        '"a"b" <sip:boss@example.com>',
        '"a\\" <sip:boss@example.com>',
        "boss@example.com <sip:alice@example.com>",
        "sip:boss@example.com <sip:alice@example.com>",
        "sip:eve@evil.example;x=@example.com",
        "<sip:eve@evil.example;x=@example.com>",
        "<sip:eve@evil.example@example.com>",
        "<sip:boss@example.com;@evil.example>",
        "<sip:alice @example.com>",
        "sip:alice@example.com,sip:boss@example.com",
    ],
)
def test_a_header_that_two_readers_could_take_for_two_asserts_nobody(header: str):
    assert asserted_address(header) == ""


QUOTED = st.text(max_size=60).map(lambda text: text.replace("\\", "\\\\").replace('"', '\\"'))
FORMS = st.one_of(
    st.just(""),
    QUOTED.map('"{}"'.format),
    st.text(alphabet=st.characters(exclude_characters='"<>@:,', max_codepoint=0x2FF), max_size=40),
)


@given(name=FORMS, gap=st.sampled_from(["", " ", "\t "]))
@example(name='"<sip:boss@evil.example>"', gap="")
@example(name='"\\"<sip:boss@evil.example>\\""', gap=" ")
def test_whatever_the_name_says_the_address_is_the_one_in_brackets(name: str, gap: str):
    assert asserted_address(f"{name}{gap}<sip:alice@example.com>") == "alice@example.com"


@given(text=st.text(alphabet='"\\<>@:;,? sip.ab', max_size=60), inside=st.booleans())
def test_no_address_is_ever_taken_from_inside_the_quotes(text: str, inside: bool):
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    header = f'"{quoted}<sip:boss@evil.example>"' if inside else f'"{quoted} sip:boss@evil.example" <sip:a@b.example>'

    assert asserted_address(header) in ("", "a@b.example")


@given(before=st.text(max_size=30), after=st.text(max_size=30))
def test_text_around_an_address_never_makes_it_another(before: str, after: str):
    found = asserted_address(f"{before}<sip:alice@example.com>{after}")

    assert found in ("", "alice@example.com")


@pytest.mark.parametrize("text", [" ", ";", "@", '"', "\\", '"\\', "<", "sip:", ";@", "? "])
def test_a_header_as_long_as_a_question_can_be_costs_no_more_than_its_length(text: str):
    # With a second way to read it, this test would take minutes.
    long = text * (60_000 // len(text))
    call = replace(CALL, caller=replace(CALL.caller, alias=f"a{long}b"))

    assert asserted_address(f"a{long}b") == ""
    assert asserted_address(f'"{long}') == ""
    assert not ROOM.fits(called(call, registered=True))
