"""Facts that were put on record and read again are judged as they were, and nobody can be read in them."""

import json
from dataclasses import replace
from hashlib import blake2b

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.core.directory import Directory
from plugin.core.facts import Facts, Place
from plugin.core.join import Network
from plugin.core.seen_facts import SeenFacts
from plugin.policy.cases import read_cases
from plugin.policy.judge import judge
from plugin.policy.recollection import Forgotten, put_away, recall
from tests.policy.people import (
    ACME,
    BOARD,
    FACTS,
    PERMIT_ALL,
    SETTING,
    bundle,
    codes,
    device,
    example,
    person,
    policy_ids,
    shipped,
)
from tests.policy.test_properties import bundles, facts

EXAMPLE = example()
ADDRESSES = """@id("ours") permit (principal, action, resource)
when { context.join.address.isInRange(ip("192.0.2.0/28")) || !context.join.address.isIpv4() };"""


def pseudonym(text: str) -> str:
    return blake2b(text.encode(), key=b"k", digest_size=12).hexdigest()


def another(text: str) -> str:
    return blake2b(text.encode(), key=b"l", digest_size=12).hexdigest()


def on_record(asked: Facts, *, by=EXAMPLE) -> SeenFacts:
    """Put facts on record, write them, and read them."""
    return msgspec.json.decode(msgspec.json.encode(put_away(asked, bundle=by, pseudonym=pseudonym)), type=SeenFacts)


def test_every_case_of_the_shipped_bundle_is_judged_the_same_from_its_record():
    cases = read_cases(shipped(), bundle=EXAMPLE, directory=Directory(exact={"board": BOARD}, patterns=()))
    assert cases

    for case in cases:
        again = recall(on_record(case.facts), bundle=EXAMPLE, pseudonym=pseudonym)

        assert judge(EXAMPLE, again) == judge(EXAMPLE, case.facts), case.name


@settings(max_examples=300, deadline=None)
@given(facts)
def test_whatever_the_facts_they_are_judged_the_same_from_their_record(asked: Facts):
    again = recall(on_record(asked), bundle=EXAMPLE, pseudonym=pseudonym)

    assert judge(EXAMPLE, again) == judge(EXAMPLE, asked)


@settings(max_examples=100, deadline=None)
@given(bundles, facts)
def test_whatever_the_policies_facts_are_judged_the_same_from_their_record(texts: list[str], asked: Facts):
    policies = bundle(*texts)

    again = recall(on_record(asked, by=policies), bundle=policies, pseudonym=pseudonym)

    assert judge(policies, again) == judge(policies, asked)


@settings(max_examples=100, deadline=None)
@given(st.ip_addresses() | st.sampled_from(["192.0.2.7", "192.0.2.15", "192.0.2.16", "127.0.0.1", "::1", "ff02::1"]))
def test_a_policy_that_asks_for_addresses_answers_the_same_from_a_record_without_one(address: object):
    policies = bundle(ADDRESSES)
    asked = replace(FACTS, network=Network(address=str(address), located=True))

    seen = on_record(asked, by=policies)

    again = judge(policies, recall(seen, bundle=policies, pseudonym=pseudonym))
    assert again == judge(policies, asked)
    assert isinstance(seen.place, Place)


def test_a_policy_that_names_a_person_knows_them_again_by_the_key():
    asked = replace(FACTS, identity=person(subject="carol"), device=device(owner=f"{ACME}#carol"))
    new = bundle(f'@id("her") permit (principal == User::"{ACME}#carol", action, resource);')

    seen = on_record(asked)

    assert policy_ids(judge(new, recall(seen, bundle=new, pseudonym=pseudonym))) == ["her"]


def test_somebody_else_is_not_taken_for_whom_a_policy_names():
    new = bundle(f'@id("her") permit (principal == User::"{ACME}#carol", action, resource);')

    again = recall(on_record(FACTS), bundle=new, pseudonym=pseudonym)

    assert codes(judge(new, again)) == ["no-permit"]


def test_a_list_that_names_a_person_names_them_in_the_record_too():
    listed = replace(BOARD, invited=frozenset({f"{ACME}#alice"}), hosts=frozenset({f"{ACME}#bob"}))
    new = bundle('@id("invited") permit (principal, action, resource) when { context.join.invited };')
    asked = replace(FACTS, conference=listed)

    again = recall(on_record(asked), bundle=new, pseudonym=pseudonym)

    assert judge(new, again) == judge(new, asked)
    assert policy_ids(judge(new, again)) == ["invited"]


def test_an_owner_whom_a_policy_names_is_known_again():
    new = bundle(
        f'@id("bobs") permit (principal, action, resource) when {{ resource.conference.owner == "{ACME}#bob" }};'
    )

    again = recall(on_record(FACTS), bundle=new, pseudonym=pseudonym)

    assert policy_ids(judge(new, again)) == ["bobs"]


@pytest.mark.parametrize("group", ["cleared", "partners/cleared"])
def test_a_group_that_no_policy_named_is_known_again_when_one_does(group: str):
    org, _, name = group.rpartition("/")
    issuer = {there: issuer for issuer, there in SETTING.issuers.items()}[org or "acme"]
    identity = person(issuer=issuer, org=org or "acme", groups=frozenset({name, "private-matters"}))
    new = bundle(f'@id("them") permit (principal in Group::"{group}", action, resource);')

    seen = on_record(replace(FACTS, identity=identity, device=device(owner=None)))

    assert seen.identity is not None
    assert seen.identity.groups == ()
    again = recall(seen, bundle=new, pseudonym=pseudonym)
    assert policy_ids(judge(new, again)) == ["them"]


def test_under_another_key_nobody_is_guessed():
    named = bundle(f'@id("not-her") forbid (principal == User::"{ACME}#alice", action, resource);', ADDRESSES)

    with pytest.raises(Forgotten):
        recall(on_record(FACTS), bundle=named, pseudonym=another)


def test_under_another_key_a_group_that_was_not_looked_for_is_not_taken_for_none():
    asked = replace(FACTS, identity=person(groups=frozenset({"contractors"})))
    new = bundle(PERMIT_ALL, '@id("none") forbid (principal in Group::"contractors", action, resource);')

    with pytest.raises(Forgotten):
        recall(on_record(asked), bundle=new, pseudonym=another)


def test_under_another_key_the_same_bundle_still_judges_where_it_names_no_person():
    asked = replace(FACTS, identity=person(groups=frozenset({"contractors"})))

    again = recall(on_record(asked), bundle=EXAMPLE, pseudonym=another, judged_by=EXAMPLE.revision)

    assert judge(EXAMPLE, again) == judge(EXAMPLE, asked)


def test_a_network_that_the_record_does_not_know_is_unknown_and_not_elsewhere():
    seen = on_record(FACTS)
    new = bundle(
        PERMIT_ALL,
        '@id("lab") forbid (principal, action, resource) when { context.join.networks.contains(Network::"lab") };',
        data='classifications = ["internal", "pii"]\n[networks]\nlab = ["203.0.113.0/24"]\n',
    )

    decision = judge(new, recall(seen, bundle=new, pseudonym=pseudonym))

    assert policy_ids(decision) == ["lab"]


def test_a_range_that_the_record_does_not_know_is_unknown_and_not_elsewhere():
    seen = on_record(FACTS)
    new = bundle(ADDRESSES.replace("192.0.2.0/28", "192.0.2.0/24"))

    assert codes(judge(new, recall(seen, bundle=new, pseudonym=pseudonym))) == ["no-permit"]


def test_no_person_address_or_text_of_a_callers_is_in_a_record():
    listed = replace(BOARD, invited=frozenset({f"{ACME}#alice", f"{ACME}#dave"}), hosts=frozenset({f"{ACME}#erin"}))
    identity = person(groups=frozenset({"friends-of-frank"}))
    asked = replace(FACTS, conference=listed, identity=identity, protocol="mallory was here", zone="kilroy")

    text = json.dumps(msgspec.to_builtins(on_record(asked)))

    secrets = ("alice", "bob", "dave", "erin", "frank", "mallory", "kilroy", "192.0.2.7", "laptop")
    assert [secret for secret in secrets if secret in text] == []
