from dataclasses import replace
from datetime import timedelta

import pytest

from plugin.core.directory import Directory
from plugin.core.finding import ABSENT, Proven
from plugin.core.identity import Level
from plugin.policy.bundle import compile_bundle
from plugin.policy.case_facts import KEYS
from plugin.policy.cases import Case, check_case, read_cases
from plugin.policy.problems import BundleProblems
from tests.policy.people import ACME, BOARD, PARTNERS, SETTING, TUESDAY, example, shipped

EXAMPLE = example()
DIRECTORY = Directory(exact={"board": BOARD}, patterns=())
CASE = """
[[case]]
name = "one"
now = 2026-11-24T09:00:00Z
conference = "board"
principal = { type = "User", orgs = ["acme"], invited = true }
expect = { decision = "deny" }
"""


def read(text: str) -> tuple[Case, ...]:
    return read_cases({"cases/a.toml": text}, bundle=EXAMPLE, directory=DIRECTORY)


def changed(old: str, new: str) -> str:
    assert old in CASE
    return CASE.replace(old, new)


SHIPPED = read_cases(shipped(), bundle=EXAMPLE, directory=DIRECTORY)


@pytest.mark.parametrize("case", SHIPPED, ids=lambda case: case.name)
def test_the_shipped_policies_do_what_their_cases_say(case: Case):
    assert check_case(EXAMPLE, case) == ()


@pytest.mark.parametrize("rule", EXAMPLE.rules)
def test_the_shipped_cases_notice_when_a_policy_is_missing(rule: str):
    files = shipped()
    admission = files["admission.cedar"]
    start = admission.index(f'@id("{rule}")')
    without = admission[:start] + admission[admission.index("};", start) + 2 :]
    poorer = compile_bundle({**files, "admission.cedar": without}, setting=SETTING)

    assert any(check_case(poorer, case) for case in SHIPPED)


def test_a_case_becomes_the_facts_of_a_join():
    (case,) = read(
        CASE + 'auth = { level = 2, mfa_age = "90m" }\ndevice = { managed = true, compliant = true, attested = true }'
    )

    identity, device = case.facts.identity, case.facts.device
    assert isinstance(identity, Proven)
    assert isinstance(device, Proven)
    assert (identity.value.issuer, identity.value.org, identity.value.level) == (ACME, "acme", Level.MULTI_FACTOR)
    assert identity.value.auth_time == TUESDAY - timedelta(minutes=90)
    assert (device.value.managed, device.value.owner) == (True, identity.value.key)
    assert case.facts.now == TUESDAY


def test_an_invitation_names_exactly_this_principal():
    (user,) = read(CASE)
    (gateway,) = read(changed('"User", orgs = ["acme"]', '"Gateway", orgs = ["partners"]'))
    (stranger,) = read(changed("invited = true", "host = true"))

    assert user.facts.conference == replace(BOARD, invited=frozenset({f"{ACME}#case"}))
    assert gateway.facts.conference.invited == {"org:partners"}
    assert (stranger.facts.conference.invited, stranger.facts.conference.hosts) == (frozenset(), {f"{ACME}#case"})


def test_a_conference_of_its_own_differs_from_a_plain_one_where_it_says():
    (case,) = read(changed('"board"', '{ classification = "pii", guests = false, invited = ["org:partners"] }'))

    conference = case.facts.conference
    assert (conference.classification, conference.guests, conference.zones) == ("pii", False, SETTING.zones)
    assert conference.invited == {"org:partners", f"{ACME}#case"}


@pytest.mark.parametrize(
    ("place", "address"),
    [
        ("", "192.0.2.7"),
        ('address = "2001:db8:47::9"', "2001:db8:47::9"),
        ('country = "KP"', "203.0.113.128"),
        ('country = "DE"\nnetworks = ["sanctioned"]', "203.0.113.64"),
        ('country = "DE"\nnetworks = []', "203.0.113.0"),
        ('networks = ["sanctioned"]', "203.0.113.64"),
    ],
)
def test_a_place_becomes_an_address_that_the_tables_know(place: str, address: str):
    (case,) = read(CASE + place)

    assert (case.facts.network.address, case.facts.network.located) == (address, True)


def test_somebody_of_another_organisation_signs_in_at_its_provider():
    (case,) = read(changed('["acme"]', '["partners"], groups = ["chairs"]'))

    assert isinstance(case.facts.identity, Proven)
    assert (case.facts.identity.value.issuer, case.facts.identity.value.groups) == (PARTNERS, {"chairs"})


@pytest.mark.parametrize("kind", ['{ type = "Guest" }', '{ type = "Gateway" }'])
def test_guests_and_gateways_sign_in_nowhere(kind: str):
    (case,) = read(changed('{ type = "User", orgs = ["acme"], invited = true }', kind))

    assert case.facts.identity == ABSENT


@pytest.mark.parametrize(
    ("text", "culprit"),
    [
        (changed('name = "one"\n', ""), "a case without `name`"),
        (CASE + "nme = 1", "unknown key `nme`"),
        ("x = 1", "unknown key `x`"),
        ("[[case]", "not TOML"),
        (changed("09:00:00Z", "09:00:00"), "`now` is not a moment"),
        (changed("now = 2026-11-24T09:00:00Z", ""), "`now` is not a moment"),
        (changed('"board"', '"bored"'), "unknown conference `bored`"),
        (changed('"board"', "7"), "`conference` is of type int"),
        (changed('"board"', '{ classification = "secret" }'), "unknown `secret`"),
        (changed('"board"', '{ zones = ["cor"] }'), "unknown `cor`"),
        (changed('"board"', "{ guest = true }"), "unknown key `conference.guest`"),
        (changed('"User"', '"Usr"'), "unusable principal `Usr`"),
        (changed('["acme"]', '["amce"]'), "unknown `amce`"),
        (changed('["acme"]', '["acme", "partners"]'), "unusable principal `User` of 2 organisations"),
        (changed('"User"', '"Guest"'), "unusable principal `Guest` of 1 organisations"),
        (changed('"User", orgs = ["acme"]', '"Guest"'), "`principal.invited` cannot be true"),
        (changed('"User"', '"Gateway"') + "auth = { level = 2 }", "only a User has"),
        (changed('"User", orgs = ["acme"], invited = true', '"Guest", groups = ["x"]'), "only a User has"),
        (changed("invited = true", "invited = 1"), "`principal.invited` is of type int, expected bool"),
        (CASE + "auth = { level = 4 }", "unusable level `4`"),
        (CASE + "auth = { level = true }", "`auth.level` is of type bool, expected int"),
        (CASE + 'auth = { level = 1, mfa_age = "1h" }', "`auth.mfa_age` at level 1"),
        (CASE + 'auth = { level = 2, mfa_age = "1 h" }', "unusable duration `1 h`"),
        (CASE + 'auth = { level = 2, mfa_age = "-1h" }', "unusable age `-1h`"),
        (CASE + "device = { compliant = true }", "neither managed nor compliant"),
        (CASE + 'address = "router"', "unusable address `router`"),
        (CASE + 'country = "SE"\nnetworks = ["sanctioned"]', "no address of data.toml"),
        (CASE + 'country = "NO"\naddress = "192.0.2.7"', "give either"),
        (CASE + 'country = "NO"\nlocated = false', "give either"),
        (changed('"deny"', '"denied"'), "unknown `denied`"),
        (changed('decision = "deny"', 'zone = "core"'), "nothing is expected"),
        (changed('"deny"', '"deny", can = ["share"]'), "unknown `share`"),
        (changed('"deny"', '"deny", because = ["nobody-knows"]'), "unknown `nobody-knows`"),
        (changed('"deny"', '"deny", remedy = "prayer"'), "unknown `prayer`"),
    ],
)
def test_each_mistake_in_a_case_is_told(text: str, culprit: str):
    with pytest.raises(BundleProblems) as found:
        read(text)

    assert any(culprit in problem.message for problem in found.value.problems)
    assert {problem.file for problem in found.value.problems} == {"cases/a.toml"}


def test_mistakes_are_told_all_at_once_with_case_and_line():
    with pytest.raises(BundleProblems) as found:
        read(CASE.replace('"deny"', '"denied"') + CASE.replace('"one"', '"two"') + "nme = 1")

    assert [str(problem) for problem in found.value.problems] == [
        "cases/a.toml:3: case `one`: `expect.decision`: unknown `denied`, expected one of allow, deny, redirect",
        "cases/a.toml:10: case `two`: unknown key `nme`, expected " + ", ".join(sorted({"name", "expect", *KEYS})),
    ]


@pytest.mark.parametrize(
    ("expected", "difference"),
    [
        ('decision = "allow"', "got `redirect`, expected `allow`"),
        ('decision = "redirect", zone = "core"', "got zone `meetme`, expected `core`"),
        ('decision = "redirect", can = ["present"]', "cannot `present`, expected to"),
        ('decision = "redirect", cannot = ["unmute"]', "can `unmute`, expected not to"),
        (
            'decision = "redirect", because = ["sanctioned-countries"]',
            "not because of `sanctioned-countries`, got meetme-for-employees",
        ),
        ('decision = "redirect", remedy = "step-up"', "got no remedy, expected `step-up`"),
        ('decision = "redirect", max_age = 1', "got max_age None, expected 1"),
    ],
)
def test_each_difference_is_told(expected: str, difference: str):
    (case,) = read(changed('decision = "deny"', expected))

    assert check_case(EXAMPLE, case) == (difference,)
