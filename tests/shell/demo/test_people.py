"""The table of people, and what they bring along."""

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from plugin.core import base64url
from plugin.shell.demo.cast import ORGS, make_cast
from plugin.shell.demo.people import ALICE, EVE, PEOPLE, Person, SignIn

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
ISSUERS = {org: f"http://127.0.0.1:1/{org}" for org in ORGS}


def test_six_people_with_six_names() -> None:
    assert len({person.name for person in PEOPLE}) == len(PEOPLE) == 6


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.name)
def test_a_fate_is_either_a_place_and_a_role_or_neither(person: Person) -> None:
    fate = person.expected

    assert fate
    assert (fate.outcome == "deny") == (fate.zone is None) == (fate.role is None)


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.name)
def test_whoever_signs_in_has_a_provider_to_do_it_at(person: Person) -> None:
    assert (person.org in ORGS) == (person.sign_in is not SignIn.NOT)


def test_the_token_is_issued_before_it_is_stolen() -> None:
    assert PEOPLE.index(ALICE) < PEOPLE.index(EVE)


def test_every_laptop_belongs_to_the_one_who_carries_it_and_a_guests_to_nobody() -> None:
    owners = make_cast(NOW).owners(ISSUERS)

    assert owners == {
        "laptop-1001.acme.example": f"{ISSUERS['acme']}#u-1001",
        "laptop-1002.acme.example": f"{ISSUERS['acme']}#u-1002",
        "laptop-1003.acme.example": f"{ISSUERS['acme']}#u-1003",
        "laptop-1005.acme.example": f"{ISSUERS['acme']}#u-1005",
        "laptop-2001.acme.example": f"{ISSUERS['partners']}#p-2001",
    }


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.name)
def test_nobody_plays_with_a_laptop_that_is_not_theirs(person: Person) -> None:
    assert person.device in {None, person.own_laptop}


def test_an_organisation_knows_its_own_people_alone() -> None:
    cast = make_cast(NOW)

    assert [account.username for account in cast.accounts_of("partners")] == ["dan"]


def test_no_two_runs_share_a_password() -> None:
    one, other = make_cast(NOW), make_cast(NOW)

    assert one.accounts["Alice"].password != other.accounts["Alice"].password


def test_a_password_does_not_show_in_a_representation() -> None:
    account = make_cast(NOW).accounts["Alice"]

    assert account.password not in repr(account)


def test_a_laptop_is_certified_by_the_ca_and_signs_with_the_certified_key() -> None:
    cast = make_cast(NOW)
    laptop = cast.laptops[ALICE.own_laptop]
    payload = laptop.sign(b"t" * 32)

    laptop.certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(cast.device_ca))
    raw = base64url.decode(str(payload["signature"]))
    signature = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key = laptop.certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(signature, b"t" * 32, ec.ECDSA(hashes.SHA256()))
