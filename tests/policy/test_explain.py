"""The judge's account of a decision: what it says is what was enforced."""

from dataclasses import replace
from itertools import takewhile

from hypothesis import given
from hypothesis import strategies as st

from plugin.core.decision import Allow, Decision, Deny
from plugin.core.facts import Facts
from plugin.core.identity import Level
from plugin.policy.bundle import Bundle
from plugin.policy.explain import BECAUSE, Account
from plugin.policy.judge import judge
from plugin.policy.principal import Kind, find_principal
from plugin.policy.step_up import Remedy
from tests.policy.people import FACTS, SETTING, bundle, codes, is_denied, person, policy_ids
from tests.policy.test_properties import EXAMPLE, PREFER_CORE, bundles, facts, modest

policies = st.one_of(st.just(EXAMPLE), bundles.map(lambda texts: bundle(*texts, data=PREFER_CORE)))


def ids(account: Account) -> set[str]:
    return {rule.ref.id for verdict in account.joins for rule in verdict.rules}


def refused_ids(account: Account) -> set[str]:
    return {rule.ref.id for verdict in account.joins if not verdict.permitted for rule in verdict.rules}


def remedy(decision: Decision) -> object:
    return None if isinstance(decision, Allow) else decision.remedy


@modest
@given(policies, facts)
def test_to_be_asked_for_an_account_changes_no_decision(policies: Bundle, asked: Facts):
    assert judge(policies, asked, account=Account()) == judge(policies, asked)


@modest
@given(policies, facts)
def test_an_account_leads_to_the_decision(policies: Bundle, asked: Facts):
    account = Account()

    decision = judge(policies, asked, account=account)

    opened = [verdict.zone for verdict in account.joins if verdict.permitted]
    assert (account.remedy.step_up if account.remedy else None) == remedy(decision)
    if isinstance(decision, Deny):
        assert set(policy_ids(decision)) == refused_ids(account)
        assert not opened or account.remedy or "apart" in codes(decision)
        return
    assert opened == [decision.zone] == [account.joins[-1].zone]
    assert set(policy_ids(decision)) == (
        ids(account) - refused_ids(account) if isinstance(decision, Allow) else ids(account)
    )
    granted = {capability for capability, verdict in account.capabilities.items() if verdict.permitted}
    assert granted == decision.capabilities


@modest
@given(facts)
def test_an_account_names_who_was_judged_and_the_rooms_in_the_order_they_were_asked(asked: Facts):
    account = Account()

    judge(EXAMPLE, asked, account=account)

    found = find_principal(asked, setting=SETTING)
    rooms = [zone for zone in account.rooms if asked.zone in (None, zone)]
    still_shut = len(list(takewhile(lambda verdict: not verdict.permitted, account.joins)))
    assert account.principal == (None if isinstance(found, Deny) else found)
    assert [verdict.zone for verdict in account.joins] == rooms[: still_shut + 1]


@modest
@given(facts)
def test_an_account_says_what_was_not_known(asked: Facts):
    account = Account()

    decision = judge(EXAMPLE, asked, account=account)

    told = {because.detail for because in decision.reasons if because.detail.startswith("not known: ")}
    assert told <= {f"not known: {', '.join(sorted(account.unknown))}"}


def test_an_account_names_the_room_that_a_stronger_sign_in_would_open():
    account = Account()

    decision = judge(EXAMPLE, replace(FACTS, identity=person(level=Level.SIGNED_IN, mfa_age=None)), account=account)

    assert account.remedy == Remedy(zone="core", step_up=remedy(decision))


def test_an_account_of_policies_that_fail_ends_where_they_failed():
    account = Account()
    fails = '@id("a") permit (principal, action, resource) when { principal.auth.level + 9223372036854775807 > 0 };'

    decision = judge(bundle(fails), FACTS, account=account)

    assert is_denied(decision)
    assert (codes(decision), policy_ids(decision)) == (["policy-error"], ["a"])
    assert (account.rooms, account.joins) == (("core", "meetme"), [])


def test_there_is_a_reason_for_every_kind_of_principal():
    assert BECAUSE.keys() == set(Kind)
