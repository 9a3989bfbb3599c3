from dataclasses import replace
from datetime import timedelta

import pytest

from plugin.core.decision import Decision, Deny, Redirect, StepUp
from plugin.core.facts import Assurance, Facts
from plugin.core.finding import ABSENT
from plugin.core.identity import Level
from plugin.policy.judge import judge
from tests.policy.people import ASSURANCES, BOARD, DATA, FACTS, GATEWAY, GUEST, PERMIT_ALL, bundle, codes, person

OUTSIDE = '@id("outside") permit (principal, action, resource in Zone::"meetme");'
PREFER_CORE = DATA + '[step_up]\nprefer = ["core"]\n'
STALE = replace(FACTS, identity=person(mfa_age=timedelta(days=2)))
PASSWORD = replace(FACTS, identity=person(level=Level.SIGNED_IN))


def core_within(age: str, *, comparison: str = "<=") -> str:
    fresh = f'principal.auth has mfaAge && principal.auth.mfaAge {comparison} duration("{age}")'
    return f'@id("core-{age}") permit (principal, action, resource in Zone::"core") when {{ {fresh} }};'


def core_at(level: int) -> str:
    return (
        f'@id("core") permit (principal, action, resource in Zone::"core") when {{ principal.auth.level >= {level} }};'
    )


def remedy(*policies: str, facts: Facts, data: str = DATA) -> StepUp | None:
    decision = judge(bundle(*policies, data=data), facts)
    assert isinstance(decision, Deny | Redirect)
    return decision.remedy


def test_a_stale_sign_in_can_be_renewed():
    assert remedy(core_within("8h"), facts=STALE) == StepUp(acr_values=("mfa",), max_age=8 * 3600)


def test_the_age_is_the_longest_that_opens_the_room():
    policies = [core_within("1h"), core_within("8h"), core_within("30m"), core_within("-1h")]

    found = remedy(*policies, facts=STALE)

    assert found == StepUp(acr_values=("mfa",), max_age=8 * 3600)


def test_an_age_that_the_policies_exclude_is_not_offered():
    assert remedy(core_within("1h", comparison="<"), facts=STALE) == StepUp(acr_values=("mfa",), max_age=0)


def test_the_weakest_sign_in_that_is_strong_enough_is_offered():
    assert remedy(core_at(2), facts=PASSWORD) == StepUp(acr_values=("mfa",), max_age=0)
    assert remedy(core_at(3), facts=PASSWORD) == StepUp(acr_values=("phr",), max_age=0)


def test_a_weaker_sign_in_than_the_present_is_never_offered():
    facts = replace(STALE, identity=person(level=Level.PHISHING_RESISTANT, mfa_age=timedelta(days=2)))

    assert remedy(core_within("8h"), facts=facts) == StepUp(acr_values=("phr",), max_age=8 * 3600)


def test_where_the_provider_has_no_ladder_the_same_sign_in_is_asked_for_once_more():
    assert remedy(core_within("8h"), facts=replace(STALE, assurances=())) == StepUp(acr_values=(), max_age=8 * 3600)


def test_a_password_renewed_is_no_multi_factor_sign_in():
    facts = replace(PASSWORD, assurances=(Assurance(acr="pwd", level=Level.SIGNED_IN),))

    assert remedy(core_within("8h"), facts=facts) is None


@pytest.mark.parametrize(
    ("policies", "facts"),
    [
        ([core_at(2), '@id("no") forbid (principal, action, resource);'], PASSWORD),
        (['@id("host") permit (principal, action, resource) when { context.join.host };'], PASSWORD),
        ([core_at(2)], replace(PASSWORD, assurances=())),
        ([core_at(2)], replace(GUEST, assurances=ASSURANCES)),
        ([core_at(2)], replace(GATEWAY, assurances=ASSURANCES)),
    ],
    ids=["forbidden", "not about sign-in", "no ladder", "guest", "gateway"],
)
def test_nothing_is_promised_that_a_sign_in_would_not_open(policies: list[str], facts: Facts):
    assert remedy(*policies, facts=facts) is None


def test_a_forbid_that_a_stronger_sign_in_lifts_is_told_with_the_remedy():
    scope = "forbid (principal, action, resource)"
    rule = f'@id("no") @message("A passkey.") {scope} unless {{ principal.auth.phishingResistant }};'

    decision = judge(bundle(PERMIT_ALL, rule), FACTS)

    assert isinstance(decision, Deny)
    assert decision.remedy == StepUp(acr_values=("phr",), max_age=0)
    assert [reason.message for reason in decision.reasons][1:] == ["A passkey."]
    assert codes(decision) == ["step-up", "forbidden"]


def test_a_redirect_carries_the_remedy_for_the_better_room():
    decision = judge(bundle(core_within("8h"), OUTSIDE), STALE)

    assert isinstance(decision, Redirect)
    assert decision.remedy == StepUp(acr_values=("mfa",), max_age=8 * 3600)


def test_a_zone_that_prefers_a_step_up_denies_though_a_redirect_is_there():
    decision = judge(bundle(core_within("8h"), OUTSIDE, data=PREFER_CORE), STALE)

    assert isinstance(decision, Deny)
    assert codes(decision) == ["step-up"]


def test_that_preference_keeps_nobody_out_whom_a_step_up_would_not_help():
    decision = judge(bundle(OUTSIDE, data=PREFER_CORE), STALE)

    assert isinstance(decision, Redirect)


def test_a_room_that_is_held_already_gets_the_remedy_for_itself_alone():
    outer = replace(STALE, zone="meetme")
    inner = replace(STALE, zone="core")

    assert remedy(core_within("8h"), OUTSIDE, facts=outer, data=PREFER_CORE) is None
    assert remedy(core_within("8h"), OUTSIDE, facts=inner, data=PREFER_CORE) is not None


def test_the_core_is_not_offered_where_the_meeting_sits_outside():
    facts = replace(STALE, conference=replace(BOARD, guests=True))

    decision: Decision = judge(bundle(core_within("8h"), OUTSIDE), facts)

    assert isinstance(decision, Redirect)
    assert decision.remedy is None


def test_a_device_that_is_missing_is_not_mended_by_a_sign_in():
    rule = '@id("core") permit (principal, action, resource) when { principal.device.compliant };'

    assert remedy(rule, facts=replace(STALE, device=ABSENT)) is None
