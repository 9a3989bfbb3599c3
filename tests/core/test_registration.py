"""Which devices may register, from where, and by what."""

from ipaddress import ip_network

import pytest

from plugin.core.reasons import Reason
from plugin.core.registration import (
    Auth,
    LeaveSignIn,
    NotRegistered,
    Password,
    Registered,
    RegistrationEntry,
    RegistrationRequest,
    judge_registration,
)

PASSWORD = Password(username="kiosk", password="secret")
ENTRIES = (
    RegistrationEntry(
        place="registration[0]",
        alias="*@rooms.example.com",
        org="acme",
        proof=PASSWORD,
        protocols=frozenset({"sip"}),
        networks=(ip_network("198.51.100.0/24"),),
    ),
    RegistrationEntry(place="registration[1]", alias="sso@example.com", org="acme", proof=None),
    RegistrationEntry(place="registration[2]", alias="left@example.com", org="acme", proof=LeaveSignIn()),
)


def request(alias: str = "a@rooms.example.com", **change: object) -> RegistrationRequest:
    fields = {"protocol": "sip", "auth": Auth.CREDENTIALS, "address": "198.51.100.7", **change}
    return RegistrationRequest(alias=alias, **fields)  # type: ignore[arg-type]  # a table of changes


def reason_for(asked: RegistrationRequest) -> Reason:
    registration = judge_registration(asked, entries=ENTRIES)
    assert isinstance(registration, NotRegistered)
    return registration.reason.reason


def test_a_device_of_a_table_is_known_by_its_password() -> None:
    registration = judge_registration(request(), entries=ENTRIES)

    assert isinstance(registration, Registered)
    assert registration.proof is PASSWORD


@pytest.mark.parametrize("alias", ["a@example.com", "rooms.example.com", "a@rooms.example.com.evil.example"])
def test_a_device_of_no_table_is_unknown(alias: str) -> None:
    assert reason_for(request(alias)) is Reason.REGISTRATION_UNKNOWN


@pytest.mark.parametrize("address", ["192.0.2.1", "", "198.51.100.7%eth0", "198.51.100.7, 192.0.2.1"])
def test_a_device_outside_its_networks_is_refused(address: str) -> None:
    assert reason_for(request(address=address)) is Reason.REGISTRATION_PLACE


@pytest.mark.parametrize("protocol", ["h323", "webrtc", "SIP", ""])
def test_a_device_that_speaks_another_protocol_is_refused(protocol: str) -> None:
    assert reason_for(request(protocol=protocol)) is Reason.REGISTRATION_PLACE


@pytest.mark.parametrize(
    ("alias", "auth"),
    [
        ("a@rooms.example.com", Auth.SSO),
        ("sso@example.com", Auth.SSO),
        ("sso@example.com", Auth.CREDENTIALS),
        ("left@example.com", Auth.CREDENTIALS),
    ],
)
def test_a_device_that_comes_with_another_proof_is_refused(alias: str, auth: Auth) -> None:
    assert reason_for(request(alias, auth=auth)) is Reason.REGISTRATION_AUTH


def test_a_sign_in_is_left_to_the_platform_where_the_table_says_so() -> None:
    registration = judge_registration(request("left@example.com", auth=Auth.SSO), entries=ENTRIES)

    assert isinstance(registration, Registered)
    assert registration.reason.reason is Reason.REGISTRATION_LEFT


def test_without_tables_nobody_registers() -> None:
    assert isinstance(judge_registration(request(), entries=()), NotRegistered)
