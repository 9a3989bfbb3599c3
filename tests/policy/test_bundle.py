import re
from dataclasses import replace

import pytest

from plugin.policy.bundle import MAX_STATEMENTS, compile_bundle
from plugin.policy.lint import OPTIONAL
from plugin.policy.problems import BundleProblems, Problem
from tests.policy.people import DATA, PERMIT_ALL, SETTING, bundle, shipped

ADMISSION = "admission.cedar"


def problems(files: dict[str, str]) -> tuple[Problem, ...]:
    with pytest.raises(BundleProblems) as found:
        compile_bundle(files, setting=SETTING)
    return found.value.problems


def mutated(old: str, new: str) -> tuple[Problem, ...]:
    """Compile the shipped policies with one thing wrong."""
    files = shipped()
    assert old in files[ADMISSION]
    return problems({**files, ADMISSION: files[ADMISSION].replace(old, new, 1)})


def line_of(text: str) -> int:
    """Return the line of the shipped statement that holds this text."""
    admission = shipped()[ADMISSION]
    end = admission.index(text) + len(text)
    return admission.count("\n", 0, admission.rindex("@id(", 0, end)) + 1


@pytest.mark.parametrize(
    ("old", "new", "culprit"),
    [
        ('resource in Zone::"core"', 'resource in Zone::"cor"', 'Zone::"cor"'),
        ('Network::"sanctioned"', 'Network::"sanktioned"', 'Network::"sanktioned"'),
        ('Classification::"phi"', 'Classification::"phy"', 'Classification::"phy"'),
        ("principal.device.attested", "principal.device.atested", "atested"),
        ("context.join.host &&", "context.join.hosts &&", "hosts"),
        ("principal.auth has mfaAge", "principal.auth has mfaAeg", "mfaAeg"),
        ("resource.conference has guests", "resource has guests", "guests"),
        ('Action::"host"', 'Action::"hots"', "hots"),
        ("principal is Gateway in", "principal is Gatway in", "Gatway"),
        ('User in Org::"partners"', 'User in Org::"partnres"', "partnres"),
        ('Clock::"Europe/Oslo".minuteOfDay >=', 'Clock::"Europe/Olso".minuteOfDay >=', "Europe/Olso"),
        ('Clock::"Europe/Oslo".weekday', 'Clock::"Europe".weekday', "Europe"),
        ('@message("Joining from your location', '@mesage("Joining from your location', "@mesage"),
        ('@message("Joining from your network is not permitted.")', '@message("")', "@message"),
        ('@message("Joining from your network is not', '@message("Joining from\\n', "@message"),
        ('@id("hosts-are-named")\npermit', "permit", "no `@id`"),
        ('@id("hosts-are-named")', '@id("")', "unusable @id"),
        ('duration("8h")', 'duration("8 hours")', "duration"),
        ("principal.auth has mfaAge && ", "", "mfaAge"),
        ("forbid (principal, action, resource)\nwhen", "deny (principal, action, resource)\nwhen", "deny"),
        ("principal is Guest,", "principal == ?principal,", "?principal"),
        ("resource.conference.guests };", 'Conference::"x".guests };', 'Conference::"x"'),
        ("resource.conference.guests };", "resource.conference.guests }", "unexpected token"),
    ],
)  # fmt: skip
def test_each_mistake_is_told_with_its_file_and_line(old: str, new: str, culprit: str):
    found = mutated(old, new)

    assert any(culprit in problem.message for problem in found)
    assert {(problem.file, problem.line) for problem in found} == {(ADMISSION, line_of(old))}


def test_all_mistakes_are_told_at_once_and_in_order():
    files = {
        "b.cedar": '@id("b") permit (principal, action, resource in Zone::"cor");\n\npermit (principal);',
        "a.cedar": '@id("b") permit (principal in Org::"amce", action, resource);',
        "notes.txt": "",
        "data.toml": DATA.replace("countries", "contries"),
    }

    found = problems(files)

    assert [(problem.file, problem.line) for problem in found] == [
        ("a.cedar", 1),
        ("b.cedar", 1),
        ("b.cedar", 1),
        ("b.cedar", 3),
        ("data.toml", 6),
        ("notes.txt", None),
    ]


def test_a_problem_reads_as_file_line_and_message():
    assert str(Problem(file="a.cedar", line=3, message="no")) == "a.cedar:3: no"
    assert str(Problem(file="a.cedar", line=None, message="no")) == "a.cedar: no"


def test_the_same_id_in_two_files_is_a_mistake():
    found = problems({"a.cedar": PERMIT_ALL, "b.cedar": PERMIT_ALL, "data.toml": DATA})

    assert [str(problem) for problem in found] == ["b.cedar:1: @id `all` is taken by a.cedar:1"]


@pytest.mark.parametrize("policies", ["", "// nothing", '@id("a") forbid (principal, action, resource);'])
def test_a_bundle_that_permits_nothing_is_a_mistake(policies: str):
    (problem,) = problems({"a.cedar": policies, "data.toml": DATA})

    assert "no policy permits anything" in problem.message


def test_a_bundle_without_data_is_a_mistake():
    assert [str(problem) for problem in problems({"a.cedar": PERMIT_ALL})] == ["data.toml: missing"]


def test_an_enormous_file_is_never_read():
    (problem,) = problems({"a.cedar": PERMIT_ALL, "b.cedar": "(" * 300_000, "data.toml": DATA})

    assert str(problem) == "b.cedar: 300000 characters, expected at most 262144"


def test_too_many_policies_are_a_mistake():
    texts = {f"{file}.cedar": PERMIT_ALL * 300 for file in range(5)}

    found = problems({**texts, "data.toml": DATA})

    assert f"1500 policies, expected at most {MAX_STATEMENTS}" in {problem.message for problem in found}


@pytest.mark.parametrize(
    ("name", "line"),
    [("a.cedar.bak", None), ("sub/a.cedar", None), ("cases/deep/a.toml", None), ("policy.ceder", None)],
)
def test_a_file_that_is_no_part_of_a_bundle_is_a_mistake(name: str, line: int | None):
    (problem,) = problems({"a.cedar": PERMIT_ALL, "data.toml": DATA, name: PERMIT_ALL})

    assert (problem.file, problem.line) == (name, line)


@pytest.mark.parametrize(
    ("data", "line", "culprit"),
    [
        ("classifications = []", None, "no classifications"),
        ("classifications = [1]", 1, "`classifications` is not a list of names"),
        ('classifications = ["a"', None, "not TOML"),
        ("x = " + "[" * 5000, None, "nested"),
        ('classifications = ["a", "a"]', 1, "names `a` twice"),
        ('classifications = ["a"]\nnetwork = {}', 2, "unknown key `network`"),
        ('classifications = ["a"]\n[networks]\noffice = ["192.0.2.1/24"]', 3, "`192.0.2.1/24`"),
        ('classifications = ["a"]\n[networks]\noffice = "192.0.2.0/24"', 3, "`networks.office` is of type str"),
        ('classifications = ["a"]\n[countries]\nno = ["192.0.2.0/24"]', 3, "unusable country `no`"),
        ('classifications = ["a"]\n[countries]\nNO = ["192.0.2.0/24"]\nSE = ["192.0.2.7/32"]', 2, "NO, SE overlap"),
        ('classifications = ["a"]\n[step_up]\nprefer = ["cor"]', 3, "unknown `cor`"),
        ('classifications = ["a"]\n[step_up]\nprefers = ["core"]', 3, "unknown key `step_up.prefers`"),
    ],
)
def test_each_mistake_in_the_data_is_told(data: str, line: int | None, culprit: str):
    (problem,) = problems({"a.cedar": PERMIT_ALL, "data.toml": data})

    assert (problem.file, problem.line) == ("data.toml", line)
    assert culprit in problem.message


def test_a_name_cannot_break_out_of_the_schema():
    data = """classifications = ['a"]; entity Evil enum ["x']"""
    policy = '@id("a") permit (principal, action, resource) when { resource == Evil::"x" };'

    (problem,) = problems({"a.cedar": policy, "data.toml": data})

    assert problem.message == "unrecognized entity type `Evil`"


def test_the_revision_tells_every_change():
    base = {"a.cedar": PERMIT_ALL, "data.toml": DATA}
    variants = [
        base,
        {**base, "a.cedar": PERMIT_ALL + " "},
        {"b.cedar": PERMIT_ALL, "data.toml": DATA},
        {**base, "data.toml": DATA + "\n"},
        {**base, "cases/a.toml": ""},
        {**base, "cases/a.toml": "#"},
    ]

    revisions = {compile_bundle(files, setting=SETTING).revision for files in variants}

    assert len(revisions) == len(variants)


def test_the_order_in_which_files_are_given_does_not_matter():
    files = shipped()
    backward = dict(reversed(files.items()))

    one, other = compile_bundle(files, setting=SETTING), compile_bundle(backward, setting=SETTING)

    assert (one.revision, one.rules) == (other.revision, other.rules)


def test_what_the_lint_takes_for_optional_is_what_the_vocabulary_has():
    optional = re.findall(r'"?(\w+)"?\?:', str(bundle(PERMIT_ALL).schema))

    assert sorted(name for _, name in OPTIONAL) == sorted(optional)


def test_a_house_that_could_pose_as_a_partner_is_refused():
    with pytest.raises(ValueError, match="`partners/x`"):
        replace(SETTING, orgs=frozenset({"partners/x"}))
