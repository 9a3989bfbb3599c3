"""Whatever a node asks, and whatever was decided: nothing is raised, and no answer breaks a documented rule.

`say` itself checks each answer against the documentation.
"""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.core.decision import Allow, Capability, Decision, Deny, Redirect, because
from plugin.core.join import JoinRequest, Phase
from plugin.core.reasons import Reason
from plugin.platforms import pexip, pexip_answers, pexip_questions
from plugin.platforms.pexip import Endpoint, LeftToPlatform, NotAJoin, PexipSettings
from plugin.platforms.pexip_rooms import PexipRooms, RoomFaults, build_template
from tests.fakes import NOON
from tests.platforms.rooms import CAREFUL, JOINS, OPEN, PARTICIPANT, ROOMS, SERVICE, allow, join_of, rooms_of, say

ROOMS_OF_EVERY_KIND = [
    ROOMS,
    rooms_of(CAREFUL, OPEN),
    rooms_of(build_template({}, {}, guest_pin="1234#")),
    rooms_of(build_template({}, {}, pin="493817", guest_pin="123456")),
]
CHAIRS = {Capability.HOST, Capability.PRESENT, Capability.UNMUTE}

# Any text, with the words that mean something to us among it.
anything = st.text() | st.text(st.characters(categories=["Cs", "Cc", "Zs", "So"]), max_size=40)
words = {
    "call_direction": ["dial_in", "dial_out", "non_dial"],
    "trigger": ["web", "invite", "options", "setup"],
    "local_alias": ["board", "sip:meet.bob@example.com", "meet.bob", "legacy.room", "meet." + "\u4e16" * 240],
    "service_tag": ["vestibule:core:board", "vestibule:meetme:meet.bob", "vestibule:core:legacy.room", "mine"],
    "participant_type": ["api", "api_host", "standard"],
    "call_uuid": ["c-1"],
    "call_tag": ["vt_" + "A" * 27, "vt_", "wxyz789"],
    "breakout_uuid": [],
    "remote_address": ["198.51.100.7", "2001:db8::1"],
    "remote_alias": ["alice@example.com"],
    "remote_display_name": ["Alice", "\N{WATER BUFFALO}" * 1000],
    "protocol": ["api", "sip"],
    "vendor": ["Mozilla/5.0"],
    "preauthenticated_role": ["chair"],
}


def values(known: list[str]) -> st.SearchStrategy[tuple[str, ...]]:
    usual = st.sampled_from(["", *known]).map(lambda one: (one,))
    return usual | usual | st.lists(anything, max_size=3).map(tuple)


known_names = st.fixed_dictionaries({}, optional={name: values(known) for name, known in words.items()})
other_names = st.dictionaries(
    anything | st.sampled_from([name.upper() for name in words] + [name.replace("_", "-") for name in words]),
    st.lists(anything, max_size=3).map(tuple),
    max_size=4,
)
parameters = st.builds(lambda one, other: {**one, **other}, known_names, other_names)
likely = st.fixed_dictionaries(
    {name: st.sampled_from([(one,) for one in known]) for name, known in words.items() if known}
)
zones = st.sampled_from(["core", "meetme", "attic", ""])
capabilities = st.frozensets(st.sampled_from(list(Capability)))
reasons = st.lists(
    st.builds(replace, st.sampled_from([because(one) for one in Reason]), message=st.text(max_size=300)), max_size=2
).map(tuple)
decisions = (
    st.builds(Allow, zone=zones, capabilities=capabilities, reasons=reasons, revisit_at=st.none())
    | st.builds(
        Redirect, zone=zones, capabilities=capabilities, reasons=reasons, remedy=st.none(), revisit_at=st.none()
    )
    | st.builds(Deny, reasons=reasons, remedy=st.none())
)
settings_of_pexip = st.builds(
    PexipSettings,
    own_addresses=st.sampled_from([frozenset(), frozenset({"oslo"})]),
    reject_reason=st.booleans(),
    unsafe_leave_to_platform=st.sampled_from([(), ("legacy.*",), ("*",)]),
)
rooms_of_any_kind = st.sampled_from(ROOMS_OF_EVERY_KIND)

# A join of each kind, for each thing that a liar may say beside what makes it one.
joins = st.sampled_from(
    [
        join_of(endpoint, {**question, "service_tag": f"vestibule:{zone}:{alias}", **change})
        for endpoint, question in ((Endpoint.SERVICE, SERVICE), (Endpoint.PARTICIPANT, PARTICIPANT))
        for zone in ("core", "meetme")
        for alias in ("board", "meet.bob", "attic")
        for change in (
            {"preauthenticated_role": "chair"},
            {"call_tag": "vt_" + "A" * 27},
            {"call_direction": "dial_out"},
            {"remote_display_name": "\N{WATER BUFFALO}" * 1000},
            {"local_alias": "meet." + "x" * 240},
        )
    ]
)


@given(st.sampled_from(list(Endpoint)), parameters | likely, settings_of_pexip)
@settings(max_examples=300)
def test_no_question_raises(endpoint: Endpoint, params: pexip.Params, chosen: PexipSettings) -> None:
    read = pexip_questions.read(endpoint, params, settings=chosen, now=NOON)

    assert isinstance(read, JoinRequest | NotAJoin | LeftToPlatform)


@given(st.sampled_from(JOINS), parameters | likely, decisions, settings_of_pexip)
@settings(max_examples=200)
def test_whatever_is_read_is_answered_with_an_action(
    endpoint: Endpoint, params: pexip.Params, decision: Decision, chosen: PexipSettings
) -> None:
    read = pexip_questions.read(endpoint, params, settings=chosen, now=NOON)
    if isinstance(read, JoinRequest):
        assert say(read, decision, settings=chosen)["action"] in {"continue", "reject"}


@given(joins, decisions, settings_of_pexip, rooms_of_any_kind)
@settings(max_examples=300)
def test_what_is_said_is_what_could_be_honoured(
    join: JoinRequest, decision: Decision, chosen: PexipSettings, rooms: PexipRooms
) -> None:
    honoured = pexip_answers.honour(join, decision, rooms=rooms)

    said = say(join, decision, rooms=rooms, settings=chosen)

    assert (said["action"] == "reject") is isinstance(honoured, Deny)


@given(joins, decisions, settings_of_pexip, rooms_of_any_kind)
@settings(max_examples=200)
def test_a_reject_has_a_result_only_where_a_participant_is_told_why(
    join: JoinRequest, decision: Decision, chosen: PexipSettings, rooms: PexipRooms
) -> None:
    said = say(join, decision, rooms=rooms, settings=chosen)

    is_told = join.phase is Phase.PARTICIPANT and chosen.reject_reason and isinstance(decision, Deny)
    assert said["action"] == "continue" or is_told or "result" not in said


@given(joins, decisions, rooms_of_any_kind)
@settings(max_examples=200)
def test_only_a_decision_makes_a_chair(join: JoinRequest, decision: Decision, rooms: PexipRooms) -> None:
    result = say(join, decision, rooms=rooms).get("result", {})

    assert isinstance(result, dict)
    if result.get("preauthenticated_role") == "chair":
        assert isinstance(decision, Allow | Redirect)
        assert decision.capabilities >= CHAIRS


Fields = dict[str, st.SearchStrategy[object]]
fields: Fields = {name: st.text(max_size=260) for name in ("description", "ivr_theme_name", "name", "pinning_config")}
fields |= {
    name: st.booleans() for name in ("allow_guests", "guests_can_present", "mute_all_guests", "softmute_enabled")
}
fields |= {
    "service_type": st.sampled_from(["conference", "lecture", "gateway"]),
    "call_type": st.sampled_from(["video", "video-only", "audio", "auto"]),
    "crypto_mode": st.sampled_from(["besteffort", "on", "off", "maybe"]),
    "direct_media": st.sampled_from(["best_effort", "always", "never"]),
    "max_pixels_per_second": st.sampled_from(["sd", "hd", "fullhd", "uhd"]),
    "guest_view": st.sampled_from(["one_main_zero_pips", "five_mains_seven_pips", "teams"]),
    "view": st.sampled_from(["one_main_zero_pips", "five_mains_seven_pips", "teams"]),
    "max_callrate_in": st.sampled_from([127_999, 128_000, 8_192_000, 8_192_001]),
    "participant_limit": st.integers(-1, 1),
    "primary_owner_email_address": st.emails() | st.text(max_size=20),
}
odd = st.none() | st.integers() | st.text() | st.lists(st.text()) | st.booleans() | st.floats()
pins = st.none() | st.from_regex(r"[0-9]{3,21}#?", fullmatch=True) | st.text(max_size=6)


@given(
    st.fixed_dictionaries({}, optional=fields) | st.dictionaries(st.sampled_from([*fields, "pin", "locked"]), odd),
    st.fixed_dictionaries({}, optional={"name": st.text(max_size=260)}),
    pins,
    pins,
    st.sampled_from(["board", "meet.bob", "meet." + "x" * 240, "meet.\u4e16\u754c"]),
)
@settings(max_examples=300)
def test_a_template_that_is_taken_never_costs_an_answer(
    zone: dict[str, object], override: dict[str, object], pin: str | None, guest_pin: str | None, alias: str
) -> None:
    try:
        rooms = rooms_of(build_template(zone, override, pin=pin, guest_pin=guest_pin))
    except RoomFaults:
        return

    said = say(join_of(Endpoint.SERVICE, {**SERVICE, "local_alias": alias}), allow(), rooms=rooms)

    assert (said["action"] == "continue") is (rooms.find(alias, zone="core") is not None)
