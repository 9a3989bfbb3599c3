"""What `vestibule check` finds in the settings for media, pictures, the phonebook, registrations and rotation."""

from pathlib import Path

import pytest

from plugin.platforms.pexip import Listing, Media, Place
from plugin.shell.check import check
from tests.shell.parties import DeviceAuthority
from tests.shell.spoiled import problems_with
from tests.shell.world import PASSWORD, write_configuration

ACME, PARTNERS = "https://sso.acme.example", "https://sso.partners.example"
ZONE = """
media = "Frankfurt"
overflow = ["Oslo"]
avatar = "#2e7D5b"
[[zone.near]]
networks = ["192.0.2.0/24", "2001:db8::/32"]
media = "Oslo"
"""
LISTED = """
[[conference]]
alias = ["lobby", "lobby@example.com"]
zones = ["core", "meetme"]
classification = "internal"
owner = "{acme}#bob"
invited = ["org:acme"]
listed_for = ["acme", "partners"]
description = "The lobby"
"""
REGISTRATION = """
[[registration]]
alias = "*@rooms.example.com"
org = "acme"
auth = "credentials"
username = "kiosk"
password_file = "kiosk"
protocols = ["sip"]
networks = ["192.0.2.0/24"]
"""
PEXIP = f"""
next_password_file = "next"
[[location]]
name = "Frankfurt"
{REGISTRATION}
"""
CHANGES = [
    ('media = "Frankfurt"\n', "", "zone[1].media"),
    ('media = "Frankfurt"', 'media = "Frankfort"', "zone[1].media"),
    ('media = "Frankfurt"', 'media = "frankfurt"', "zone[1].media"),
    ('overflow = ["Oslo"]', 'overflow = ["Oslo", "Rome"]', "zone[1].overflow"),
    ('overflow = ["Oslo"]', 'overflow = ["Frankfurt"]', "zone[1].overflow"),
    ('networks = ["192.0.2.0/24", "2001:db8::/32"]\n', "", "zone[1].near[0].networks"),
    ('["192.0.2.0/24", "2001:db8::/32"]', '["192.0.2.1/24"]', "zone[1].near[0].networks"),
    ('media = "Oslo"\n', 'media = "Rome"\n', "zone[1].near[0].media"),
    ('media = "Oslo"\n', 'media = "Oslo"\navatar = "#ffffff"\n', "zone[1].near[0].avatar"),
    ("#2e7D5b", "2e7d5b", "zone[1].avatar"),
    ("#2e7D5b", "#2e7d5", "zone[1].avatar"),
    ('listed_for = ["acme", "partners"]', 'listed_for = ["acne"]', "conference[4].listed_for"),
    ('alias = ["lobby", "lobby@example.com"]', 'alias_pattern = "lobby*"', "conference[4].listed_for"),
    ('description = "The lobby"', f'description = "{"x" * 251}"', "conference[4].description"),
    ('alias = "*@rooms.example.com"', 'alias = "*@Rooms.example.com"', "registration[0].alias"),
    ('alias = "*@rooms.example.com"', 'alias = "sip:*@rooms.example.com"', "registration[0].alias"),
    ('org = "acme"\nauth', 'org = "acne"\nauth', "registration[0].org"),
    ('auth = "credentials"', 'auth = "digest"', "registration[0].auth"),
    ('auth = "credentials"', 'auth = "sso"', "registration[0].username"),
    ('auth = "credentials"', 'auth = "credentials"\nunsafe_leave_to_platform = true', "registration[0].unsafe_leave"),
    ('username = "kiosk"\n', "", "registration[0].username"),
    ('password_file = "kiosk"\n', "", "registration[0].password_file"),
    ('password_file = "kiosk"', 'password_file = "spaced"', "registration[0].password"),
    ('protocols = ["sip"]', 'protocols = ["api"]', "registration[0].protocols"),
    ('protocols = ["sip"]', "protocols = []", "registration[0].protocols"),
    ('networks = ["192.0.2.0/24"]\n', "networks = []\n", "registration[0].networks"),
    ('next_password_file = "next"', 'next_username = "node"', "pexip.next_password_file"),
    ('next_password_file = "next"', 'next_username = "a:b"\nnext_password_file = "next"', "pexip.next_username"),
    ('next_password_file = "next"', 'next_password_file = "secrets/pexip"', "pexip.next_password"),
    ('next_password_file = "next"', 'next_password = "x"', "pexip.next_password"),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    for name, secret in {"kiosk": "password-of-the-kiosks", "next": "n" * 20, "spaced": " spaced"}.items():
        (tmp_path / name).write_text(secret + "\n")
    return write_configuration(
        tmp_path,
        acme=ACME,
        partners=PARTNERS,
        authority=DeviceAuthority(),
        zone=ZONE,
        conferences=LISTED,
        pexip=PEXIP,
    )


def test_what_is_set_is_read(file: Path) -> None:
    pexip = check(file).config.pexip

    assert pexip is not None
    settings = pexip.settings
    near = settings.media["meetme"].near
    assert settings.media == {"meetme": Media(place=Place(location="Frankfurt", overflow=("Oslo",)), near=near)}
    assert [place for _, place in near] == [Place(location="Oslo")]
    assert settings.colours == {"meetme": (0x2E, 0x7D, 0x5B)}
    orgs = frozenset({"acme", "partners"})
    assert settings.phonebook == (Listing(name="lobby", alias="lobby", description="The lobby", listed_for=orgs),)
    assert [(entry.alias, entry.org) for entry in settings.registrations] == [("*@rooms.example.com", "acme")]
    assert sorted(pexip.credentials) == ["current", "next"]


@pytest.mark.parametrize(("old", "new", "key"), CHANGES)
def test_each_mistake_is_named_by_its_key(file: Path, old: str, new: str, key: str) -> None:
    problems = problems_with(file, old, new)

    assert any(problem.startswith(key) for problem in problems), problems


def test_two_tables_that_fit_one_alias_are_a_problem(file: Path) -> None:
    twice = REGISTRATION + REGISTRATION.replace("*@rooms.example.com", "k*@rooms.example.com")

    problems = problems_with(file, REGISTRATION, twice)

    assert any(problem.startswith("registration[1].alias: ") for problem in problems), problems


@pytest.mark.parametrize(("old", "new", "key"), [change for change in CHANGES if "password" in change[1]])
def test_no_problem_shows_a_password(file: Path, old: str, new: str, key: str) -> None:
    text = "\n".join(problems_with(file, old, new))

    assert [secret for secret in (PASSWORD, "password-of-the-kiosks", "spaced\n", "n" * 20) if secret in text] == []
