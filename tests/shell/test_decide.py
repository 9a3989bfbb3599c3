"""`vestibule decide`: what would be decided, by the judge that decides, from a file of facts and without a server."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import chain
from pathlib import Path

import pytest

from plugin.policy.cases import check_case, read_cases
from plugin.shell.bundles import read_folder
from plugin.shell.check import Checked, CheckFailed, prepare
from plugin.shell.cli import main
from plugin.shell.decide import MAX_BYTES, facts_of
from tests.fakes import NOON
from tests.shell.parties import DeviceAuthority
from tests.shell.world import REPOSITORY, write_configuration

ACME, PARTNERS = "https://sso.acme.example", "https://sso.partners.example"
POLICIES = REPOSITORY / "deploy" / "policies"
CASES = [case for file in sorted(POLICIES.glob("cases/*.toml")) for case in tomllib.loads(file.read_text())["case"]]
EMPLOYEE = {
    "now": "2026-11-24T09:00:00Z",
    "conference": "board",
    "principal": {"type": "User", "orgs": ["acme"], "invited": True},
    "auth": {"level": 1},
    "device": {"managed": True, "compliant": True, "attested": True},
}
PARTNER = {**EMPLOYEE, "principal": {"type": "User", "orgs": ["partners"], "invited": True}}
# Runs the command, and stops it where it reaches for the network, a database, or a file to write.
ALONE = """
import os, sys
def watch(event, arguments):
    writes = event == "open" and isinstance(arguments[0], str) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    if writes or event in {"socket.connect", "socket.bind", "socket.getaddrinfo", "sqlite3.connect"}:
        print(event, *arguments, file=sys.stderr)
        os._exit(86)
from plugin.shell.cli import main
sys.addaudithook(watch)
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("decide")
    return write_configuration(folder, acme=ACME, partners=PARTNERS, authority=DeviceAuthority())


@pytest.fixture(scope="module")
def checked(config: Path) -> Checked:
    return prepare(config)


def written(folder: Path, facts: object) -> str:
    file = folder / "facts.json"
    file.write_text(json.dumps(facts, default=datetime.isoformat))
    return str(file)


def alone(*arguments: str, told: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-B", "-c", ALONE, "decide", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, input=told, capture_output=True, text=True, check=False)


def leaves(value: object) -> Iterator[object]:
    match value:
        case dict():
            yield from chain.from_iterable(map(leaves, value.values()))
        case list():
            yield from chain.from_iterable(map(leaves, value))
        case _:
            yield value


@pytest.mark.parametrize("table", CASES, ids=lambda table: table["name"])
def test_every_example_case_is_a_file_of_facts(checked: Checked, tmp_path: Path, table: dict[str, object]):
    cases = read_cases(read_folder(POLICIES), bundle=checked.bundle, directory=checked.directory)
    (case,) = (case for case in cases if case.name == table["name"])
    told = {key: value for key, value in table.items() if key not in ("name", "expect")}

    facts = facts_of(written(tmp_path, told), checked=checked, now=NOON)

    assert replace(facts, assurances=case.facts.assurances) == case.facts
    assert check_case(checked.bundle, replace(case, facts=facts)) == ()


def test_a_decision_is_told_with_its_reasons_and_a_remedy(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    code = main(["decide", written(tmp_path, EMPLOYEE), "--config", str(config), "--json"])

    told = json.loads(capsys.readouterr().out)
    assert code == 0
    assert (told["decision"], told["zone"], told["capabilities"]) == ("deny", None, [])
    assert [reason["code"] for reason in told["reasons"]] == ["step-up"]
    # The acr value is the configured provider's own, not that of an example.
    assert told["remedy"] == {"type": "step-up", "acr_values": ["urn:acme:mfa"], "max_age": 28800, "claim": "acr"}
    assert "explanation" not in told


def test_an_explanation_leads_through_the_rooms_to_the_policies(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    main(["decide", written(tmp_path, EMPLOYEE), "--config", str(config), "--json", "--explain"])

    told = json.loads(capsys.readouterr().out)["explanation"]
    core, meetme = told["rooms"]
    assert (told["principal"]["type"], told["principal"]["because"]) == ("User", "an identity was proven")
    assert told["seat"] == "core"
    assert (core["zone"], core["answer"], core["policies"]) == ("core", "no-permit", [])
    assert (meetme["zone"], meetme["answer"]) == ("meetme", "permit")
    (policy,) = meetme["policies"]
    assert policy["policy"] == line_of("meetme-for-employees")
    assert policy["message"].startswith("You join outside the core: ")
    assert told["unknown_and_decided_for_caution"] == ["mfaAge"]
    assert told["stronger_sign_in"]["opens"] == "core"
    assert told["because"] == [{"code": "step-up", "policies": [], "detail": ""}]


def test_an_explanation_says_what_may_be_done_in_the_room_and_by_which_policy(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    main(["decide", written(tmp_path, PARTNER), "--config", str(config), "--json", "--explain"])

    told = json.loads(capsys.readouterr().out)
    permitted = [one for one in told["explanation"]["capabilities"] if one["answer"] == "permit"]
    assert (told["decision"], told["zone"], told["capabilities"]) == ("redirect", "meetme", ["showName", "unmute"])
    assert [one["capability"] for one in permitted] == ["unmute", "showName"]
    assert all(one["policies"][0]["policy"] == line_of("meetme-for-partners-in-agreed-hours") for one in permitted)


def line_of(policy: str) -> str:
    lines = (POLICIES / "admission.cedar").read_text().splitlines()
    line = lines.index(f'@id("{policy}")') + 1
    return f"{policy} admission.cedar:{line}"


def test_the_text_holds_all_that_the_object_holds(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    asked = ["decide", written(tmp_path, {**EMPLOYEE, "country": "KP"}), "--config", str(config), "--explain"]

    main(asked)
    text = capsys.readouterr().out
    main([*asked, "--json"])
    told = json.loads(capsys.readouterr().out)

    words = {True: "yes", False: "no", None: "-", "": "-"}
    assert told["decision"] == "deny"
    assert [leaf for leaf in leaves(told) if str(words.get(leaf, leaf)) not in text] == []


def test_a_conference_of_the_configuration_keeps_its_lists_where_that_is_asked_for(checked: Checked, tmp_path: Path):
    file = written(tmp_path, {"conference": "summit", "principal": {"type": "User", "orgs": ["acme"], "host": True}})

    case = facts_of(file, checked=checked, now=NOON)
    as_configured = facts_of(file, checked=checked, now=NOON, own_lists=True)

    assert (case.conference.invited, case.conference.hosts) == (frozenset(), {f"{ACME}#case"})
    assert as_configured.conference.invited == {"org:acme", "org:partners"}
    assert as_configured.conference.hosts == {f"{ACME}#bob", f"{ACME}#case"}


def test_facts_without_a_moment_are_of_now(checked: Checked, tmp_path: Path):
    timeless = {key: value for key, value in EMPLOYEE.items() if key != "now"}

    assert facts_of(written(tmp_path, timeless), checked=checked, now=NOON).now == NOON


def test_facts_come_from_standard_input(config: Path):
    ran = alone("-", "--config", str(config), told=json.dumps(EMPLOYEE))

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("decision: deny\nzone: -\n")


def test_a_refusal_is_a_decision_too(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    nobody = {"conference": "board", "principal": {"type": "Guest"}}

    assert main(["decide", written(tmp_path, nobody), "--config", str(config), "--explain"]) == 0
    assert "code: guests-not-chosen" in capsys.readouterr().out


def test_what_a_terminal_would_obey_is_not_printed(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    clever = {**EMPLOYEE, "principal": {"type": "User", "orgs": ["acme"], "groups": ["\x1b[2Jchairs"]}}

    main(["decide", written(tmp_path, clever), "--config", str(config), "--explain"])

    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b'{"conference": "board",\n "now" "x"}', "not JSON at line 2, column 8"),
        (b'{"conference": "board", "conference": "summit"}', "a member is there twice"),
        (b'{"a":' + b"[" * 20_000, "nested deeper than 16"),
        (b"[]", "not a JSON object"),
        (b'{"conference": "\xe9"}', "not UTF-8"),
        (b" " * (MAX_BYTES + 1), "got more than 65536 bytes, expected the facts of one join"),
    ],
)
def test_what_is_not_one_object_is_refused(checked: Checked, tmp_path: Path, raw: bytes, problem: str):
    file = tmp_path / "facts.json"
    file.write_bytes(raw)

    with pytest.raises(CheckFailed) as failed:
        facts_of(str(file), checked=checked, now=NOON)

    assert failed.value.problems == (f"{file}: {problem}",)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"conferense": "board"}, "unknown key `conferense`, expected address, auth, conference"),
        ({"name": "a case"}, "unknown key `name`"),
        ({"auth": {"levl": 3}}, "unknown key `auth.levl`, expected level, mfa_age"),
        ({"auth": {"level": 7}}, "`auth.level`: unusable level `7`, expected 1, 2, 3"),
        ({"auth": {"level": "2"}}, "`auth.level` is of type str, expected int"),
        ({"auth": {"level": 2, "mfa_age": "soon"}}, "`auth.mfa_age`: unusable duration `soon`, expected for example"),
        ({"device": {"compliant": True}}, "`device`: one that is not attested is neither"),
        ({"now": "yesterday"}, "`now` is not a moment with its offset: got `yesterday`, expected"),
        ({"now": "2026-11-24T09:00:00"}, "`now` is not a moment with its offset: got `2026-11-24T09:00:00`"),
        ({"now": None}, "`now` is not a moment with its offset: got nothing"),
        ({"conference": "bored"}, "`conference`: unknown conference `bored`, expected one of the configuration"),
        ({"conference": {"zones": ["cellar"]}}, "`conference.zones`: unknown `cellar`, expected one of core, meetme"),
        ({"principal": {"type": "Admin", "orgs": ["acme"]}}, "`principal`: unusable principal `Admin`"),
        ({"address": "router"}, "`address`: unusable address `router`, expected one of IPv4 or IPv6"),
    ],
)
def test_each_mistake_is_told_with_its_key(checked: Checked, tmp_path: Path, change: dict[str, object], problem: str):
    file = written(tmp_path, {**EMPLOYEE, **change})

    with pytest.raises(CheckFailed) as failed:
        facts_of(file, checked=checked, now=NOON)

    (told,) = (told for told in failed.value.problems if problem in told)
    assert told.startswith(f"{file}:1: ")


def test_a_mistake_is_told_at_its_line_and_nothing_is_decided(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "facts.json"
    file.write_text(json.dumps({**EMPLOYEE, "zonne": "core"}, indent=1))

    assert main(["decide", str(file), "--config", str(config)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"{file}:19: unknown key `zonne`" in printed.err


def test_a_file_that_is_not_there_is_said(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["decide", str(tmp_path / "none.json"), "--config", str(config)]) == 1
    assert "none.json: cannot be read: no such file or directory" in capsys.readouterr().err


def test_a_command_without_facts_is_not_understood(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(["decide"])

    assert ended.value.code == 2


def test_nobody_is_asked_and_nothing_is_written(config: Path, tmp_path: Path):
    ran = alone(written(tmp_path, EMPLOYEE), "--config", str(config))

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("decision: deny\n")
    assert not (config.parent / "state").exists()


def test_nobody_is_asked_for_a_sign_in_that_their_provider_does_not_have(checked: Checked, tmp_path: Path):
    assert facts_of(written(tmp_path, PARTNER), checked=checked, now=NOON).assurances == ()
