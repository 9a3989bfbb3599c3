"""What liars can make of a question of Pexip: forged tags, parameters said twice, and texts that are none."""

import pytest

from plugin.core.join import Credentials, JoinRequest, PlatformAsserted
from plugin.core.reasons import Reason
from plugin.platforms import pexip_questions
from plugin.platforms.pexip import Endpoint, LeftToPlatform, NotAJoin
from tests.fakes import NOON
from tests.platforms.rooms import JOINS, PARTICIPANT, SERVICE, SETTINGS, ask, join_of

TICKET = "vt_" + "A" * 27


def ask_twice(endpoint: Endpoint, params: dict[str, str], name: str, second: str) -> JoinRequest | NotAJoin:
    several = {key: (value,) for key, value in params.items()} | {name: (params.get(name, ""), second)}
    read = pexip_questions.read(endpoint, several, settings=SETTINGS, now=NOON)
    assert not isinstance(read, LeftToPlatform)
    return read


def test_a_tag_in_a_call_in_does_not_choose_the_room() -> None:
    join = join_of(Endpoint.SERVICE, {**SERVICE, "service_tag": "vestibule:core:budget"})

    assert (join.alias, join.zone) == ("board", None)


@pytest.mark.parametrize(
    "tag",
    [
        "",
        "IDPC_department_Navy_SECRET",
        "vestibule",
        "vestibule:core",
        "vestibule:core:",
        "vestibule::board",
        "vestibule:Core:board",
        "vestibule:core:Board",
        "vestibule:core: board",
        "vestibule:core:sip:board",
        "vestibule:core:board;x=1",
        "vestibule:core:board\n",
        " vestibule:core:board",
        "Vestibule:core:board",
    ],
)
def test_a_participant_of_a_room_that_was_not_issued_here_is_refused(tag: str) -> None:
    read = ask(Endpoint.PARTICIPANT, {**PARTICIPANT, "service_tag": tag})

    assert read == NotAJoin(reason=Reason.ROOM_UNKNOWN)


@pytest.mark.parametrize("tag", [TICKET, "vt_", "vt_too-short", TICKET + "A", TICKET + " "])
def test_what_looks_like_a_ticket_is_presented(tag: str) -> None:
    join = join_of(Endpoint.SERVICE, {**SERVICE, "call_tag": tag})

    assert join.credentials.ticket == tag


@pytest.mark.parametrize("tag", ["", "wxyz789", "VT_" + "A" * 27, " " + TICKET, "dec_7f3k"])
def test_any_other_tag_is_not_a_credential(tag: str) -> None:
    join = join_of(Endpoint.SERVICE, {**SERVICE, "call_tag": tag})

    assert join.credentials.ticket is None


@pytest.mark.parametrize("name", sorted(PARTICIPANT))
def test_a_participants_parameter_with_two_values_is_malformed(name: str) -> None:
    read = ask_twice(Endpoint.PARTICIPANT, PARTICIPANT, name, "another")

    assert read == NotAJoin(reason=Reason.REQUEST_MALFORMED)


@pytest.mark.parametrize("name", sorted(SERVICE))
def test_a_services_parameter_with_two_values_is_malformed(name: str) -> None:
    read = ask_twice(Endpoint.SERVICE, SERVICE, name, "another")

    assert read == NotAJoin(reason=Reason.REQUEST_MALFORMED)


@pytest.mark.parametrize("name", sorted(SERVICE))
def test_a_parameter_that_repeats_itself_is_one(name: str) -> None:
    read = ask_twice(Endpoint.SERVICE, SERVICE, name, SERVICE[name])

    assert isinstance(read, JoinRequest)


def test_parameters_that_nobody_knows_are_ignored_even_twice() -> None:
    read = ask_twice(Endpoint.SERVICE, {**SERVICE, "new_in_v50": "a"}, "new_in_v50", "b")

    assert isinstance(read, JoinRequest)


@pytest.mark.parametrize(
    ("written", "name", "value"),
    [
        ("Breakout_UUID", "breakout_uuid", "a1b2c3d4"),
        ("breakout-uuid", "breakout_uuid", "a1b2c3d4"),
        ("Call-Direction", "call_direction", "non_dial"),
        ("TRIGGER", "trigger", "options"),
        ("Participant-Type", "participant_type", "visitor"),
        ("service-tag", "service_tag", "vestibule:meetme:board"),
        ("Call_Tag", "call_tag", "vt_"),
    ],
)
@pytest.mark.parametrize("endpoint", JOINS)
def test_a_name_has_one_meaning_in_every_spelling(endpoint: Endpoint, written: str, name: str, value: str) -> None:
    without = {key: given for key, given in PARTICIPANT.items() if key != name}

    assert ask(endpoint, {**without, written: value}) == ask(endpoint, {**PARTICIPANT, name: value})


@pytest.mark.parametrize("written", ["Service-Tag", "SERVICE_TAG", "service-tag"])
def test_two_spellings_of_one_name_that_disagree_are_malformed(written: str) -> None:
    read = ask(Endpoint.PARTICIPANT, {**PARTICIPANT, written: "vestibule:meetme:board"})

    assert read == NotAJoin(reason=Reason.REQUEST_MALFORMED)


@pytest.mark.parametrize("word", ["True", "true", "False", "", "1"])
def test_a_name_that_the_platform_calls_authenticated_counts_for_nothing(word: str) -> None:
    asserted = {"has_authenticated_display_name": word, "bypass_lock": word}

    assert ask(Endpoint.PARTICIPANT, {**PARTICIPANT, **asserted}) == ask(Endpoint.PARTICIPANT, PARTICIPANT)


def test_whom_the_platform_signed_in_is_its_word_and_no_proof() -> None:
    asserted = {"idp_uuid": "7D7E6A2C", "idp_attribute_Sub": "bob", "idp_attribute_groups": "hosts"}

    join = ask(Endpoint.PARTICIPANT, {**PARTICIPANT, **asserted})

    assert isinstance(join, JoinRequest)
    attributes = {"sub": ("bob",), "groups": ("hosts",)}
    word = PlatformAsserted(idp="7d7e6a2c", attributes=attributes)
    assert join.credentials == Credentials(platform_asserted=word)


def test_nobody_is_signed_in_by_the_platform_before_it_has_a_room() -> None:
    join = ask(Endpoint.SERVICE, {**SERVICE, "idp_uuid": "7d7e6a2c", "idp_attribute_sub": "bob"})

    assert isinstance(join, JoinRequest)
    assert join.credentials == Credentials()


@pytest.mark.parametrize("name", ["local_alias", "remote_display_name", "call_tag", "remote_address"])
def test_half_a_surrogate_pair_is_malformed(name: str) -> None:
    read = ask(Endpoint.SERVICE, {**SERVICE, name: "vt_\ud800"})

    assert read == NotAJoin(reason=Reason.REQUEST_MALFORMED)


@pytest.mark.parametrize("name", ["remote_display_name", "remote_alias", "vendor", "call_tag", "remote_address"])
def test_a_text_of_a_thousand_four_byte_characters_is_read(name: str) -> None:
    join = join_of(Endpoint.PARTICIPANT, {**PARTICIPANT, name: "\N{WATER BUFFALO}" * 1000})

    assert join.alias == "board"


@pytest.mark.parametrize(
    "names",
    [
        ("idp_attribute_sub", "idp_attribute_Sub"),
        ("idp_attribute_my_groups", "idp_attribute_my-groups"),
        ("IDP-Attribute-groups", "idp_attribute_groups"),
    ],
)
@pytest.mark.parametrize("second", ["bob", "alice"])
def test_two_attributes_that_would_be_read_as_one_are_malformed(names: tuple[str, str], second: str) -> None:
    read = ask(Endpoint.PARTICIPANT, {**PARTICIPANT, "idp_uuid": "7d7e6a2c", names[0]: "alice", names[1]: second})

    assert read == NotAJoin(reason=Reason.REQUEST_MALFORMED)


@pytest.mark.parametrize(
    ("written", "values"),
    [
        (("staff", "chairs"), ("staff", "chairs")),
        (("staff", "", "staff"), ("staff", "staff")),
        (('["staff", "chairs"]',), ("staff", "chairs")),
        (('["staff"]', "chairs"), ('["staff"]', "chairs")),
        (("staff", '["chairs"]'), ("staff", '["chairs"]')),
        (('["chairs"]', ""), ("chairs",)),
        (("[]",), ()),
        (('["staff", 1]',), ('["staff", 1]',)),
        (('["staff"',), ('["staff"',)),
        (("['staff']",), ("['staff']",)),
        (('{"a": "staff"}',), ('{"a": "staff"}',)),
        (("[" * 50_000,), ("[" * 50_000,)),
    ],
)
def test_an_attribute_has_the_values_that_were_written(written: tuple[str, ...], values: tuple[str, ...]) -> None:
    params = {name: (value,) for name, value in PARTICIPANT.items()} | {
        "idp_uuid": ("7d7e6a2c",),
        "idp_attribute_groups": written,
    }

    join = pexip_questions.read(Endpoint.PARTICIPANT, params, settings=SETTINGS, now=NOON)

    assert isinstance(join, JoinRequest)
    assert join.credentials.platform_asserted == PlatformAsserted(idp="7d7e6a2c", attributes={"groups": values})


def test_half_a_surrogate_pair_inside_a_list_is_malformed() -> None:
    read = ask(Endpoint.PARTICIPANT, {**PARTICIPANT, "idp_uuid": "7d7e6a2c", "idp_attribute_groups": '["\\ud800"]'})

    assert read == NotAJoin(reason=Reason.REQUEST_MALFORMED)


def test_attributes_of_no_provider_are_presented_all_the_same() -> None:
    join = join_of(Endpoint.PARTICIPANT, {**PARTICIPANT, "idp_attribute_sub": "alice"})

    assert join.credentials.platform_asserted == PlatformAsserted(idp="", attributes={"sub": ("alice",)})
