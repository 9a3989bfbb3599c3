"""`vestibule check` on trunks, locations, the platform's own sign-in and what platforms can withhold."""

from pathlib import Path

import pytest

from plugin.shell.check import CheckFailed, check
from plugin.shell.config import read_config
from plugin.shell.toml_reader import Problems
from tests.shell.parties import DeviceAuthority
from tests.shell.spoiled import problems_with
from tests.shell.world import write_configuration

ACME, PARTNERS = "https://sso.acme.example", "https://sso.partners.example"
UUID = "7d7e6a2c-0a2a-4a2c-9d51-2d5b3b7c7c11"
PEXIP = f"""
dead_man_script = true
[[pexip.idp]]
uuid = "{UUID}"
issuer = "{{acme}}"
subject = "sub"
groups = "groups"
"""
PLACES = """
[[conference]]
alias = "retreat"
zones = ["core", "meetme"]
classification = "internal"
owner = "{acme}#bob"
invited = ["org:acme", "trunk:boardroom"]
sso_group = "Corporate SSO"
[[trunk]]
name = "mcu"
kind = "gateway"
org = "partners"
networks = ["198.51.100.8/32"]
locations = ["oslo"]
asserted = ["*@partners.example.net"]
protocols = ["sip"]
[[trunk]]
name = "boardroom"
kind = "room-system"
org = "acme"
registrations = ["boardroom@example.com"]
"""
MCU, ROOM, IDP, RETREAT = "trunk[0]", "trunk[1]", "pexip.idp[0]", "conference[4]"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    link = 'link = "https://meet.example.com/?conference={{alias}}"'
    parts = {"conferences": PLACES, "pexip": PEXIP, "core": link}
    return write_configuration(tmp_path, acme=ACME, partners=PARTNERS, authority=DeviceAuthority(), **parts)


def judge_by(file: Path, policies: str) -> None:
    """Put a small bundle in place of the shipped one, of which a check takes long."""
    bundle = file.parent / "policies"
    bundle.mkdir()
    (bundle / "data.toml").write_text('classifications = ["internal"]\n')
    (bundle / "a.cedar").write_text(policies)
    line = next(line for line in file.read_text().splitlines() if line.startswith("bundle"))
    file.write_text(file.read_text().replace(line, 'bundle = "policies"'))


def test_a_good_configuration_of_places_and_people_has_no_problems(file: Path):
    judge_by(file, '@id("all") permit (principal, action, resource);')

    checked = check(file)

    assert [entry.trunk.name for entry in checked.config.trunks] == ["mcu", "boardroom"]
    assert [entry.trunk.provenance.value for entry in checked.config.trunks] == ["network", "platform"]


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('networks = ["198.51.100.8/32"]', "", f"{MCU}.networks"),
        ('networks = ["198.51.100.8/32"]', "", f"{MCU}.asserted"),
        ('networks = ["198.51.100.8/32"]', 'networks = ["198.51.100.8/24"]', f"{MCU}.networks"),
        ('networks = ["198.51.100.8/32"]', "networks = []", f"{MCU}.networks"),
        ('registrations = ["boardroom@example.com"]', 'aliases = ["boardroom@example.com"]', f"{ROOM}.networks"),
        ('registrations = ["boardroom@example.com"]', 'teams_tenants = ["a1"]', f"{ROOM}.networks"),
        ('registrations = ["boardroom@example.com"]', "registrations = []", f"{ROOM}.registrations"),
        ('registrations = ["boardroom@example.com"]', 'registrations = ["Boardroom@x"]', f"{ROOM}.registrations"),
        ('registrations = ["boardroom@example.com"]', 'registrations = ["sip:boardroom@x"]', f"{ROOM}.registrations"),
        ('locations = ["oslo"]', 'locations = ["bergen"]', f"{MCU}.locations"),
        ('locations = ["oslo"]', "locations = []", f"{MCU}.locations"),
        ('org = "partners"\nnetworks', 'org = "partnres"\nnetworks', f"{MCU}.org"),
        ('org = "partners"\nnetworks', 'org = ""\nnetworks', f"{MCU}.org"),
        ('kind = "gateway"', 'kind = "gatway"', f"{MCU}.kind"),
        ('kind = "gateway"\n', "", f"{MCU}.kind"),
        ('protocols = ["sip"]', 'protocols = ["spi"]', f"{MCU}.protocols"),
        ('protocols = ["sip"]', "protocols = []", f"{MCU}.protocols"),
        ('protocols = ["sip"]', 'protocols = ["sip", "webrtc"]', f"{MCU}.protocols"),
        ('protocols = ["sip"]', "teams_tenants = []", f"{MCU}.teams_tenants"),
        ('name = "mcu"', 'name = "dial-out"', f"{MCU}.name"),
        ('name = "mcu"', 'name = "boardroom"', f"{ROOM}.name"),
        ('name = "mcu"', 'name = "The MCU"', f"{MCU}.name"),
        ('name = "mcu"', 'name = "mcu"\nnetwork = ["x"]', f"{MCU}.network"),
        ('"trunk:boardroom"]', '"trunk:bordroom"]', f"{RETREAT}.invited"),
        ('"trunk:boardroom"]', '"trunk:dial-out"]', f"{RETREAT}.invited"),
        ('name = "Oslo"', 'name = "Oslo"\n[[location]]\nname = "OSLO"', "location[1].name"),
        ('name = "Oslo"', 'nam = "Oslo"', "location[0].name"),
        (PEXIP.partition("true")[2].format(acme=ACME), "\n", f"{RETREAT}.sso_group"),
        ("dead_man_script = true", "", f"{RETREAT}.sso_group"),
        ("dead_man_script = true", "dead_man_script = false", f"{RETREAT}.sso_group"),
        ('sso_group = "Corporate SSO"', f'sso_group = "{"x" * 251}"', f"{RETREAT}.sso_group"),
        ('sso_group = "Corporate SSO"', 'sso_group = "Corporate SSO "', f"{RETREAT}.sso_group"),
        ('sso_group = "Corporate SSO"', 'separate = "alone"', f"{RETREAT}.separate"),
        (f'uuid = "{UUID}"', 'uuid = "7d7e6a2c"', f"{IDP}.uuid"),
        (f'uuid = "{UUID}"', f'uuid = "{UUID.upper()}"', f"{IDP}.uuid"),
        ('groups = "groups"', 'groups = "groups"' + PEXIP.partition("true")[2].format(acme=ACME), "pexip.idp[1].uuid"),
        (f'issuer = "{ACME}"\nsubject', 'issuer = "https://sso.amce.example"\nsubject', f"{IDP}.issuer"),
        ('subject = "sub"\n', "", f"{IDP}.subject"),
        ('subject = "sub"', 'subject = "groups"', f"{IDP}.groups"),
        ('subject = "sub"', 'subject = "E-Mail"', f"{IDP}.subject"),
        ('subject = "sub"', 'subject = "emailAddress"', f"{IDP}.subject"),
        ('subject = "sub"', 'subject = "userPrincipalName"', f"{IDP}.subject"),
        ('subject = "sub"', 'subject = "preferred_username"', f"{IDP}.subject"),
        (
            'subject = "sub"',
            'subject = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"',
            f"{IDP}.subject",
        ),
        ("?conference={alias}", "?conference=board", "zone[0].link"),
        ("https://meet.example.com/?conference={alias}", "http://meet.example.com/{alias}", "zone[0].link"),
        ("https://meet.example.com/?conference={alias}", "https://{alias}.example.com/", "zone[0].link"),
        ("https://meet.example.com/?conference={alias}", "https://meet.example.com@{alias}/", "zone[0].link"),
        ('name = "proxied"', 'name = "proxied"\nenforces = ["presents"]', "caller[1].enforces"),
    ],
)
def test_each_mistake_of_the_file_is_named_by_its_key(file: Path, old: str, new: str, key: str):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    problems = Problems(file=str(file), folder=file.parent)

    read_config(file, problems=problems)

    assert any(f": {key}: " in str(problem) for problem in problems.found), problems.found


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('sso_group = "Corporate SSO"', 'sso_group = "Corporate SSO"\nseparate = "deny"', f"{RETREAT}.sso_group"),
        (
            'alias = "retreat"\nzones = ["core", "meetme"]',
            'alias = "retreat"\nzones = ["core"]',
            f"{RETREAT}.sso_group",
        ),
    ],
)
def test_each_mistake_that_the_bundle_shows_is_named_by_its_key(file: Path, old: str, new: str, key: str):
    problems = problems_with(file, old, new)

    assert any(problem.startswith(f"{key}: ") for problem in problems), problems


@pytest.mark.parametrize(
    ("conferences", "places"),
    [('["budget"]', {"conference[1]"}), ('["budget", "retreat"]', {"conference[1]", "conference[4]"})],
)
def test_a_caller_who_cannot_withhold_what_policies_refuse_is_a_problem_of_its_own_conferences(
    file: Path, conferences: str, places: set[str]
):
    judge_by(file, '@id("quiet") permit (principal, action == Action::"join", resource);')

    problems = problems_with(
        file,
        'name = "proxied"',
        f'name = "proxied"\nconferences = {conferences}\nenforces = ["present", "host", "showName"]',
    )

    told = [problem for problem in problems if problem.startswith("caller.proxied.enforces: lacks `unmute`")]
    assert {problem.rpartition("`")[0].rpartition("`")[2] for problem in told} == places


@pytest.mark.parametrize(
    "unless",
    ["principal is RoomSystem", 'principal.auth.provenance == "network"', 'principal.auth.provenance == "none"'],
)
def test_a_room_that_presents_to_whom_a_policy_refuses_it_is_a_problem(file: Path, unless: str):
    judge_by(
        file,
        '@id("all") permit (principal, action, resource in Zone::"core");\n'
        f'@id("no") forbid (principal, action == Action::"present", resource) when {{ {unless} }};\n',
    )

    with pytest.raises(CheckFailed) as caught:
        check(file)

    assert any("conference[0].pexip.core: " in problem and "present" in problem for problem in caught.value.problems)
