"""People whom the platform signed in: what its word is worth, and what a liar can make of it."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.core.errors import Refused
from plugin.core.finding import ABSENT, Finding, Gap, Proven, Unproven
from plugin.core.identity import Identity, Level, Provenance
from plugin.core.join import PlatformAsserted
from plugin.core.reasons import Reason
from plugin.flow.assertions import LIFETIME, MAX_GROUPS, MAX_SUBJECT, PlatformIdp, agree, read_assertion
from plugin.policy.principal import find_principal
from tests.fakes import NOON
from tests.policy.people import ACME, FACTS, PARTNERS, SETTING

HOUSE = PlatformIdp(id="7d7e6a2c", issuer=ACME, org="acme", subject="sub", groups="groups")
OTHERS = PlatformIdp(id="0b5f", issuer=PARTNERS, org="partners", subject="uid", groups="roles")
IDPS = {HOUSE.id: HOUSE, OTHERS.id: OTHERS}
ALICE: Mapping[str, tuple[str, ...]] = {"sub": ("alice",), "groups": ("staff", "chairs")}


def told(idp: str = HOUSE.id, attributes: Mapping[str, tuple[str, ...]] = ALICE) -> Identity:
    asserted = PlatformAsserted(idp=idp, attributes=attributes)
    return asyncio.run(read_assertion(asserted, idps=IDPS, now=NOON))


def refusal(idp: str = HOUSE.id, **attributes: tuple[str, ...]) -> Reason:
    with pytest.raises(Refused) as caught:
        told(idp, attributes)
    return caught.value.reason


def test_the_platform_says_who_somebody_is_and_nothing_of_how_they_signed_in():
    alice = told()

    assert (alice.key, alice.org, alice.groups) == (f"{ACME}#alice", "acme", {"staff", "chairs"})
    assert (alice.provenance, alice.level) == (Provenance.PLATFORM, Level.SIGNED_IN)
    assert (alice.acr, alice.amr, alice.auth_time, alice.nonce) == (None, (), None, None)
    assert alice.expires_at == NOON + LIFETIME


@pytest.mark.parametrize("idp", ["", "7d7e6a2", "7d7e6a2c ", "unknown", ACME])
def test_a_provider_that_is_not_configured_signs_nobody_in(idp: str):
    assert refusal(idp, **ALICE) is Reason.PLATFORM_IDP


@pytest.mark.parametrize(
    "subjects",
    [
        (),
        ("",),
        ("alice", "alice"),
        ("alice", "bob"),
        ('["alice"]',),
        ("['alice']",),
        ("('alice',)",),
        ("[",),
        ("None",),
        ("null",),
        ("a" * (MAX_SUBJECT + 1),),
    ],
)
def test_without_one_clear_subject_nobody_was_signed_in(subjects: tuple[str, ...]):
    assert refusal(sub=subjects, groups=("staff",)) is Reason.PLATFORM_SUBJECT


def test_a_subject_under_another_providers_attribute_is_none():
    assert refusal(OTHERS.id, sub=("alice",)) is Reason.PLATFORM_SUBJECT


def test_a_partners_provider_speaks_of_its_own_people_alone():
    liar = told(OTHERS.id, {"uid": (f"{ACME}#alice",), "roles": ("chairs", "acme/chairs"), "groups": ("chairs",)})
    principal = find_principal(replace(FACTS, identity=Proven(value=liar), device=ABSENT), setting=SETTING)

    assert (principal.org, principal.id) == ("partners", f"{PARTNERS}#{ACME}#alice")
    assert principal.groups == {"partners/chairs", "partners/acme/chairs"}


def test_the_groups_of_another_providers_attribute_do_not_count():
    assert told(attributes={"sub": ("alice",), "roles": ("chairs",)}).groups is None


@pytest.mark.parametrize(
    "groups",
    [
        (),
        ('["chairs"',),
        ("['externals', 'staff']",),
        ("('externals', 'staff')",),
        ("{'externals', 'staff'}",),
        ('{"0": "externals"}',),
        ("staff", "['externals']"),
        ("None",),
        tuple(map(str, range(MAX_GROUPS + 1))),
    ],
)
def test_groups_that_are_not_clear_are_not_known_rather_than_none(groups: tuple[str, ...]):
    assert told(attributes={"sub": ("alice",), "groups": groups}).groups is None


def test_a_provider_whose_groups_the_platform_is_not_told_leaves_them_unknown():
    asserted = PlatformAsserted(idp=HOUSE.id, attributes={"sub": ("alice",), "": ("chairs",)})
    silent = replace(HOUSE, groups=None)

    assert asyncio.run(read_assertion(asserted, idps={HOUSE.id: silent}, now=NOON)).groups is None


TEXTS = st.lists(st.text(max_size=20), max_size=3).map(tuple)


@given(idp=st.sampled_from([*IDPS, "unknown", ""]), attributes=st.dictionaries(st.text(max_size=6), TEXTS, max_size=4))
def test_no_word_of_the_platform_leads_to_another_issuer_or_a_better_sign_in(
    idp: str, attributes: dict[str, tuple[str, ...]]
):
    try:
        identity = told(idp, {**attributes, "sub": ("alice",)})
    except Refused:
        return

    assert identity.issuer == IDPS[idp].issuer
    assert (identity.org, identity.level, identity.provenance) == (IDPS[idp].org, Level.SIGNED_IN, Provenance.PLATFORM)


PROVEN = Proven(value=replace(told(), provenance=Provenance.VERIFIED, level=Level.MULTI_FACTOR, groups=frozenset()))
SPENT = Unproven(gap=Gap.REFUSED, reason=Reason.TICKET_SPENT)
UNKNOWN_IDP = Unproven(gap=Gap.REFUSED, reason=Reason.PLATFORM_IDP)


@pytest.mark.parametrize(
    ("identity", "asserted", "agreed"),
    [
        (PROVEN, ABSENT, PROVEN),
        (PROVEN, Proven(value=told()), PROVEN),
        (PROVEN, UNKNOWN_IDP, UNKNOWN_IDP),
        (SPENT, Proven(value=told()), SPENT),
        (SPENT, ABSENT, SPENT),
        (ABSENT, Proven(value=told()), ABSENT),
    ],
)
def test_the_platforms_word_adds_nothing_to_what_a_ticket_proves(
    identity: Finding[Identity], asserted: Finding[Identity], agreed: Finding[Identity]
):
    assert agree(identity, asserted=asserted) == agreed


@pytest.mark.parametrize("other", [told(attributes={"sub": ("bob",)}), told(OTHERS.id, {"uid": ("alice",)})])
def test_somebody_elses_ticket_is_refused_to_whom_the_platform_has_signed_in(other: Identity):
    conflict = agree(PROVEN, asserted=Proven(value=other))

    assert conflict == Unproven(gap=Gap.REFUSED, reason=Reason.PLATFORM_CONFLICT)
