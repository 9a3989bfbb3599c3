from dataclasses import replace
from datetime import timedelta

import pytest

from plugin.core.decision import Deny
from plugin.core.device import Tier
from plugin.core.facts import Facts, Trunk
from plugin.core.finding import ABSENT, Unproven
from plugin.core.identity import Level
from plugin.policy.principal import Kind, Posture, Principal, find_principal
from tests.policy.people import (
    ACME,
    BOARD,
    FACTS,
    GATEWAY,
    GUEST,
    REFUSED,
    SETTING,
    TUESDAY,
    UNAVAILABLE,
    codes,
    device,
    partner,
    person,
)

SOMEBODY_ELSE = f"{ACME}#mallory"


def principal(facts: Facts) -> Principal:
    found = find_principal(facts, setting=SETTING)
    assert isinstance(found, Principal)
    return found


def test_a_proven_identity_is_a_user_of_its_organisation():
    found = principal(FACTS)

    assert (found.kind, found.id, found.org) == (Kind.USER, f"{ACME}#alice", "acme")


def test_a_trunk_is_a_gateway_whatever_else_is_proven():
    found = principal(replace(FACTS, trunk=Trunk(name="mcu", org=None)))

    assert (found.kind, found.id, found.org) == (Kind.GATEWAY, "mcu", None)
    assert found.device == Posture()


def test_where_nothing_was_presented_and_guests_were_chosen_it_is_a_guest():
    assert principal(GUEST).kind is Kind.GUEST


@pytest.mark.parametrize("guests", [None, False])
def test_without_that_choice_there_are_no_guests(guests: bool | None):
    found = find_principal(replace(GUEST, conference=replace(BOARD, guests=guests)), setting=SETTING)

    assert isinstance(found, Deny)
    assert codes(found) == ["guests-not-chosen"]


@pytest.mark.parametrize("bad", [REFUSED, UNAVAILABLE])
@pytest.mark.parametrize("facts", [GUEST, GATEWAY, FACTS], ids=["guest", "gateway", "user"])
@pytest.mark.parametrize("proof", ["identity", "device"])
def test_what_is_bad_or_unavailable_makes_nobody(facts: Facts, proof: str, bad: Unproven):
    found = find_principal(replace(facts, **{proof: bad}), setting=SETTING)

    assert isinstance(found, Deny)
    assert codes(found) == [bad.reason.code]


def test_both_gaps_are_told():
    found = find_principal(replace(FACTS, identity=REFUSED, device=UNAVAILABLE), setting=SETTING)

    assert isinstance(found, Deny)
    assert codes(found) == ["token-signature", "idp-unreachable"]


def test_a_device_alone_is_nobody_even_where_guests_are_welcome():
    found = find_principal(replace(GUEST, device=device()), setting=SETTING)

    assert isinstance(found, Deny)
    assert codes(found) == ["nothing-presented"]


@pytest.mark.parametrize(
    ("proof", "posture"),
    [
        (ABSENT, Posture()),
        (device(), Posture(managed=True, compliant=True, attested=True)),
        (device(managed=False), Posture(compliant=True, attested=True)),
        (device(bound=False), Posture(managed=True, attested=True)),
        (device(tier=Tier.WARNING), Posture(managed=True, attested=True)),
        (device(owner=None), Posture(managed=True, attested=True)),
        (device(owner=SOMEBODY_ELSE), Posture(managed=True, attested=True)),
    ],
)
def test_compliant_is_bound_and_affirmed_and_this_persons_own(proof: object, posture: Posture):
    assert principal(replace(FACTS, device=proof)).device == posture


@pytest.mark.parametrize(
    ("proof", "provenance"),
    [
        (device(), "bound"),
        (device(owner=None), "verified"),
        (device(bound=False), "verified"),
        (device(owner=SOMEBODY_ELSE), "verified"),
        (ABSENT, "verified"),
    ],
)
def test_a_sign_in_is_bound_by_a_signature_of_ones_own_device_alone(proof: object, provenance: str):
    assert principal(replace(FACTS, device=proof)).auth.provenance.value == provenance


@pytest.mark.parametrize(
    ("level", "age", "mfa_age"),
    [
        (Level.SIGNED_IN, timedelta(hours=1), None),
        (Level.MULTI_FACTOR, timedelta(hours=1), timedelta(hours=1)),
        (Level.PHISHING_RESISTANT, timedelta(hours=1), timedelta(hours=1)),
        (Level.MULTI_FACTOR, None, None),
        (Level.MULTI_FACTOR, timedelta(hours=-1), timedelta()),
    ],
)
def test_the_age_of_mfa_needs_mfa_and_its_time_and_is_never_negative(
    level: Level, age: timedelta | None, mfa_age: timedelta | None
):
    assert principal(replace(FACTS, identity=person(level=level, mfa_age=age))).auth.mfa_age == mfa_age


def test_groups_of_a_partner_bear_its_name():
    found = principal(replace(FACTS, identity=partner(groups=frozenset({"chairs", "acme/chairs"}))))

    assert found.groups == {"partners/chairs", "partners/acme/chairs"}


def test_a_group_of_the_house_cannot_pose_as_a_partners():
    found = principal(replace(FACTS, identity=person(groups=frozenset({"chairs", "partners/chairs", "a/b"}))))

    assert found.groups == {"chairs", "a/b"}


def test_groups_that_were_not_told_stay_unknown():
    assert principal(replace(FACTS, identity=person(groups=None))).groups is None


def test_an_identity_of_no_known_kind_is_never_a_guest():
    found = find_principal(replace(GUEST, identity=None, device=ABSENT, now=TUESDAY), setting=SETTING)  # type: ignore[arg-type]  # a bug elsewhere

    assert isinstance(found, Deny)
