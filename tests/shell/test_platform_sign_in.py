"""People whom Pexip signs in, over HTTP: asked in the outermost room, then judged, and whoever makes use of that."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from plugin.core.decision import HOST_NOTICE
from tests.shell.test_outages import locked
from tests.shell.world import World, opened

HOUSE_IDP, PARTNER_IDP = "7d7e6a2c-0a2a-4a2c-9d51-2d5b3b7c7c11", "0b5f0b5f-0a2a-4a2c-9d51-2d5b3b7c7c11"
PEXIP = f"""
dead_man_script = true
reject_reason = true
[[pexip.idp]]
uuid = "{HOUSE_IDP}"
issuer = "{{acme}}"
subject = "sub"
groups = "memberOf"
[[pexip.idp]]
uuid = "{PARTNER_IDP}"
issuer = "{{partners}}"
subject = "uid"
groups = "roles"
"""
CONFERENCES = """
[[conference]]
alias = "retreat"
zones = ["core", "meetme"]
classification = "internal"
owner = "{acme}#bob"
hosts = ["{acme}#bob"]
invited = ["org:acme"]
sso_group = "Corporate SSO"
[[conference]]
alias = "chairs"
zones = ["core", "meetme"]
classification = "internal"
owner = "{acme}#bob"
invited = ["group:chairs"]
sso_group = "Corporate SSO"
[[conference]]
alias = "fair"
zones = ["core", "meetme"]
classification = "internal"
owner = "{acme}#bob"
invited = ["org:acme"]
guests = true
sso_group = "Corporate SSO"
"""
ALICE = {"idp_uuid": HOUSE_IDP, "idp_attribute_sub": "alice"}
PAULA = {"idp_uuid": PARTNER_IDP, "idp_attribute_uid": "paula"}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, conferences=CONFERENCES, pexip=PEXIP) as everything:
        yield everything


async def entering(world: World, signed_in: dict[str, str], *, alias: str = "retreat", **params: str) -> dict:
    """Be led to the sign-in room, and ask to enter it."""
    room = await world.service(alias)
    return await world.participant(room, call="c-1", kind="api", local_alias=alias, **signed_in, **params)


def code(world: World) -> str:
    return world.records[-1].reasons[0].code


async def test_who_comes_with_nothing_is_asked_to_sign_in_in_the_outermost_room(world: World) -> None:
    room = await world.service("retreat")

    result = room["result"]
    assert (room["action"], result["service_tag"]) == ("continue", "vestibule:meetme:retreat")
    assert result["host_identity_provider_group"] == result["guest_identity_provider_group"] == "Corporate SSO"
    assert result["non_idp_participants"] == "disallow_all"
    assert world.records[-1].outcome == "deny"
    assert code(world) == "sign-in-at-platform"


@pytest.mark.parametrize("protocol", ["sip", "h323", "mssip", "teams"])
async def test_what_is_no_app_is_rejected_instead(world: World, protocol: str) -> None:
    room = await world.service("retreat", protocol=protocol)

    assert room["action"] == "reject"


async def test_a_bad_ticket_is_not_helped_by_a_sign_in(world: World) -> None:
    room = await world.service("retreat", ticket="vt_" + "A" * 27)

    assert room["action"] == "reject"


async def test_a_question_that_cannot_be_written_down_is_not_asked(world: World) -> None:
    with locked(world):
        room = await world.service("retreat")

    assert room["action"] == "reject"


async def test_the_room_of_a_sign_in_is_the_room_of_everybody_else_there(world: World) -> None:
    """Pexip wants all answers for one name to be the same, but for PINs and groups of providers."""
    ticket = await world.ticket(await world.proofs("retreat", token=world.token("alice")))

    asked, known = (await world.service("retreat"))["result"], (await world.service("retreat", ticket=ticket))["result"]

    differing = {name for name in asked.keys() | known.keys() if asked.get(name) != known.get(name)}
    assert differing == {"pin", "host_identity_provider_group", "guest_identity_provider_group"}


async def test_a_call_that_the_platform_makes_is_not_signed_in(world: World) -> None:
    room = await world.service("retreat", call_direction="dial_out", service_tag="vestibule:meetme:retreat")

    assert room["action"] == "reject"


async def test_whom_the_platform_signed_in_enters_as_a_guest_of_the_meeting(world: World) -> None:
    entered = await entering(world, ALICE)

    assert (entered["action"], entered["result"]["preauthenticated_role"]) == ("continue", "guest")
    record = world.records[-1]
    assert (record.principal, record.zone, record.person != "") == ("user", "meetme", True)


async def test_a_host_is_not_promoted_on_the_platforms_word(world: World) -> None:
    entered = await entering(world, {**ALICE, "idp_attribute_sub": "bob"}, preauthenticated_role="chair")

    assert entered["result"]["preauthenticated_role"] == "guest"


async def test_who_is_apart_is_named_to_nobody_and_noted_for_the_host(world: World) -> None:
    entered = await entering(world, ALICE)

    assert entered["host_notice"] == world.records[-1].host_notice == HOST_NOTICE


@pytest.mark.parametrize(
    ("groups", "action"),
    [
        ({"idp_attribute_memberOf": "chairs"}, "continue"),
        ({"idp_attribute_memberof": '["staff", "chairs"]'}, "continue"),
        ({"idp_attribute_memberOf": "staff"}, "reject"),
        ({"idp_attribute_memberOf": "['chairs']"}, "reject"),
        ({"idp_attribute_memberOf": ["staff", "chairs"]}, "continue"),
        ({"idp_attribute_memberOf": ["staff", '["chairs"]']}, "reject"),
        ({"idp_attribute_memberOf": "partners/chairs"}, "reject"),
        ({"idp_attribute_roles": "chairs"}, "reject"),
        ({"idp_attribute_groups": "chairs"}, "reject"),
        ({"idp_attribute_memberOf": "staff", "idp_attribute_MemberOf": "chairs"}, "reject"),
        ({}, "reject"),
    ],
)
async def test_groups_count_where_this_provider_tells_them_and_nowhere_else(
    world: World, groups: dict[str, Any], action: str
) -> None:
    entered = await entering(world, {**ALICE, **groups}, alias="chairs")

    assert entered["action"] == action


@pytest.mark.parametrize(
    "liar",
    [
        PAULA,
        {**PAULA, "idp_attribute_sub": "alice", "idp_attribute_memberOf": "chairs"},
        {**PAULA, "idp_attribute_roles": "chairs"},
    ],
)
async def test_a_partners_provider_does_not_bring_in_people_or_groups_of_the_house(
    world: World, liar: dict[str, str]
) -> None:
    everybody = await entering(world, liar)
    chairs = await entering(world, liar, alias="chairs")

    assert (everybody["action"], chairs["action"]) == ("reject", "reject")


@pytest.mark.parametrize(
    ("signed_in", "reason"),
    [
        ({}, "guests-not-chosen"),
        ({**ALICE, "idp_uuid": "ffffffff-0a2a-4a2c-9d51-2d5b3b7c7c11"}, "platform-idp"),
        ({**ALICE, "idp_uuid": ""}, "platform-idp"),
        ({"idp_uuid": HOUSE_IDP}, "platform-subject"),
        ({**ALICE, "idp_attribute_sub": ""}, "platform-subject"),
        ({**ALICE, "idp_attribute_sub": "None"}, "platform-subject"),
        ({**ALICE, "idp_attribute_sub": '["alice", "bob"]'}, "platform-subject"),
        ({"idp_uuid": HOUSE_IDP, "idp_attribute_uid": "alice"}, "platform-subject"),
    ],
)
async def test_who_was_not_clearly_signed_in_is_rejected(world: World, signed_in: dict[str, str], reason: str) -> None:
    entered = await entering(world, signed_in)

    assert entered["action"] == "reject"
    assert code(world) == reason


async def test_who_was_not_clearly_signed_in_is_no_guest_either(world: World) -> None:
    guest = await entering(world, {}, alias="fair")
    liar = await entering(world, {**ALICE, "idp_uuid": "unknown"}, alias="fair")

    assert (guest["action"], liar["action"]) == ("continue", "reject")


async def test_a_sign_in_before_there_is_a_room_opens_none(world: World) -> None:
    room = await world.service("chairs", **ALICE, idp_attribute_memberOf="chairs")

    assert "host_identity_provider_group" in room["result"]


async def test_the_platforms_word_does_not_open_the_core(world: World) -> None:
    core = {"result": {"name": "retreat", "service_tag": "vestibule:core:retreat"}}

    entered = await world.participant(core, call="c-1", **ALICE)

    assert entered["action"] == "reject"
    assert world.records[-1].reasons[0].policies[0].startswith("no-platform-sign-in-in-the-core ")


async def test_a_sign_in_does_not_carry_over_to_another_call(world: World) -> None:
    room = await world.service("retreat")
    await world.participant(room, call="c-1", kind="api", **ALICE)

    neighbour = await world.participant(room, call="c-1")

    assert neighbour["action"] == "reject"


async def alices_room(world: World) -> tuple[str, dict]:
    device = world.authority.device("alice")
    ticket = await world.ticket(await world.proofs("retreat", token=world.token("alice"), device=device))
    return ticket, await world.service("retreat", ticket=ticket)


async def test_who_has_a_ticket_is_not_asked_to_sign_in_again(world: World) -> None:
    ticket, room = await alices_room(world)
    entered = await world.participant(room, call="c-1", ticket=ticket, **ALICE)

    assert "host_identity_provider_group" not in room["result"]
    assert room["result"]["service_tag"] == "vestibule:core:retreat"
    assert entered["action"] == "continue"


@pytest.mark.parametrize(
    "other",
    [{**ALICE, "idp_attribute_sub": "eve"}, PAULA, {**PAULA, "idp_attribute_uid": "alice"}, {"idp_uuid": "unknown"}],
)
async def test_a_ticket_does_not_serve_somebody_else_whom_the_platform_signed_in(
    world: World, other: dict[str, str]
) -> None:
    ticket, room = await alices_room(world)

    entered = await world.participant(room, call="c-1", ticket=ticket, **other)

    assert entered["action"] == "reject"


async def test_a_ticket_keeps_what_it_proves_beside_the_platforms_groups(world: World) -> None:
    token = world.token("alice", groups=["staff"])
    ticket = await world.ticket(await world.proofs("chairs", token=token))
    room = {"result": {"name": "chairs", "service_tag": "vestibule:meetme:chairs"}}
    await world.service("chairs", ticket=ticket)

    entered = await world.participant(room, call="c-1", ticket=ticket, idp_attribute_memberOf="chairs", **ALICE)

    assert entered["action"] == "reject"


INVITED_TO_THE_CORE = """
@id("core-on-anybodys-word")
permit (principal is User in Org::"acme", action, resource in Zone::"core")
when { context.join.invited };
"""


@pytest.fixture
async def lenient(tmp_path: Path) -> AsyncIterator[World]:
    """A house whose policies open the core alone, on the platform's word too."""
    folder = tmp_path / "lenient"
    folder.mkdir()
    (folder / "a.cedar").write_text(INVITED_TO_THE_CORE)
    (folder / "data.toml").write_text('classifications = ["internal"]\n')
    link = 'link = "https://meet.example.com/?conference={{alias}}"'
    async with opened(tmp_path, conferences=CONFERENCES, pexip=PEXIP, core=link, bundle=str(folder)) as everything:
        yield everything


async def test_who_holds_the_wrong_room_is_told_the_way_to_the_right_one(lenient: World) -> None:
    entered = await entering(lenient, ALICE)

    assert entered["action"] == "reject"
    assert entered["result"] == {
        "reject_reason": "This conference is open to you in another place. https://meet.example.com/?conference=retreat"
    }


@pytest.mark.parametrize("signed_in", [{}, PAULA, {"idp_uuid": "unknown"}])
async def test_who_would_not_be_admitted_there_is_told_of_no_way(lenient: World, signed_in: dict[str, str]) -> None:
    entered = await entering(lenient, signed_in)

    assert entered["action"] == "reject"
    assert "https" not in str(entered["result"])
