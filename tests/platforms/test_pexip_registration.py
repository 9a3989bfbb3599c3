"""Devices that register: how a question is read, to whom the password is told, and what liars make of an alias."""

import pytest

from plugin.core.registration import Auth, RegistrationRequest, judge_registration
from plugin.platforms.pexip_registration import read_registration, write_registration
from plugin.ports import Json
from tests.platforms import documented
from tests.platforms.rooms import FURNISHED, PASSWORD

ASKED = {"protocol": "sip", "auth_type": "credentials", "remote_address": "198.51.100.7", "location": "Oslo"}
KIOSK = "kiosk@rooms.example.com"
REJECT = {"status": "success", "action": "reject", "result": {}}
TOLD = {"status": "success", "result": {"username": "kiosk", "password": PASSWORD}}


def read(path: str, **change: str) -> RegistrationRequest | None:
    return read_registration(path, {name: (value,) for name, value in {**ASKED, **change}.items()})


def answered(path: str, **change: str) -> Json:
    request = read(path, **change)
    if request is None:
        return REJECT
    return write_registration(judge_registration(request, entries=FURNISHED.registrations))


@pytest.mark.parametrize(
    ("path", "alias"),
    [
        ("kiosk@rooms.example.com", KIOSK),
        ("kiosk%40rooms.example.com", KIOSK),
        ("sip:kiosk@rooms.example.com", KIOSK),
        ("sip%3AKiosk%40ROOMS.example.com", KIOSK),
        ("hall/3@rooms.example.com", "hall/3@rooms.example.com"),
        ("hall%2F3%40rooms.example.com", "hall/3@rooms.example.com"),
        ("%F0%9F%98%80@rooms.example.com", "\U0001f600@rooms.example.com"),
        ("100%25@rooms.example.com", "100%@rooms.example.com"),
        ("a+b@rooms.example.com", "a+b@rooms.example.com"),
    ],
)
def test_an_alias_is_read_from_the_path(path: str, alias: str) -> None:
    request = read(path)

    assert request is not None
    assert request.alias == alias


@pytest.mark.parametrize(
    "path",
    [
        "",
        "%",
        "kiosk%4",
        "kiosk%zz@rooms.example.com",
        "%ff@rooms.example.com",
        "kiosk@rooms.example.com;transport=tls",
        "kiosk@rooms.example.com%3Bx",
        "kiosk@rooms.example.com%3Fx",
        "kiosk@rooms.example.com#x",
        "kiosk%00@rooms.example.com",
        "kiosk@rooms.example.com%0A",
        "ki%20osk@rooms.example.com",
        "sip:sip:kiosk@rooms.example.com",
        "k" * 251,
    ],
)
def test_an_alias_that_has_another_spelling_left_is_nobodys(path: str) -> None:
    assert read(path) is None


@pytest.mark.parametrize(
    ("text", "auth"),
    [("credentials", Auth.CREDENTIALS), ('"credentials"', Auth.CREDENTIALS), ("sso", Auth.SSO), ('"sso"', Auth.SSO)],
)
def test_the_quotes_about_a_kind_are_left_out(text: str, auth: Auth) -> None:
    request = read(KIOSK, auth_type=text)

    assert request is not None
    assert request.auth is auth


@pytest.mark.parametrize("text", ["", '""credentials""', '"credentials', "'credentials'", "Credentials", "none"])
def test_another_kind_is_not_read(text: str) -> None:
    assert read(KIOSK, auth_type=text) is None


@pytest.mark.parametrize("name", ["auth_type", "protocol", "remote_address"])
def test_a_question_that_says_two_things_is_not_read(name: str) -> None:
    params = {key: (value,) for key, value in ASKED.items()} | {name: (ASKED[name], "another")}

    assert read_registration(KIOSK, params) is None


def test_the_password_is_told_for_a_device_of_the_table() -> None:
    assert answered(KIOSK) == TOLD
    assert documented.breaches(documented.REGISTRATION, TOLD) == []


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("kiosk@example.com", {}),
        ("kiosk@rooms.example.com.evil.example", {}),
        ("kiosk%2540rooms.example.com", {}),
        (KIOSK, {"auth_type": "sso"}),
        (KIOSK, {"auth_type": ""}),
        (KIOSK, {"protocol": "api"}),
        (KIOSK, {"protocol": ""}),
        ("alice@people.example.com", {}),
        ("alice@people.example.com", {"auth_type": "sso"}),
        ("mcu@partners.example", {"auth_type": "credentials"}),
    ],
)
def test_a_device_is_rejected_that_the_tables_do_not_let_in(path: str, change: dict[str, str]) -> None:
    answer = answered(path, **change)

    assert answer == REJECT
    assert documented.breaches(documented.REGISTRATION, REJECT) == []


def test_only_where_the_administrator_says_so_a_sign_in_is_left_to_pexip() -> None:
    assert answered("mcu@partners.example", auth_type="sso") == {"status": "fail", "action": "continue"}


def test_a_password_is_in_no_text_that_is_made_of_a_table() -> None:
    assert PASSWORD not in repr(FURNISHED)
