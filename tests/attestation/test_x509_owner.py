"""Whose device a certificate says it is, and when it says nothing that counts."""

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from plugin.core.device import Tier
from tests.attestation.appraisal import ALICE, ALICE_BELOW, ISSUING, ROOT, appraise
from tests.attestation.pki import ISSUER, Issued, authority, device, evidence, name, trust


def san(*names: x509.GeneralName) -> Issued:
    return device(by=ROOT, san=names)


EMAIL, OTHER_EMAIL = x509.RFC822Name("alice@example.com"), x509.RFC822Name("bob@example.com")
DNS, URI = x509.DNSName("laptop.example.com"), x509.UniformResourceIdentifier("spiffe://example.com/laptop")


@pytest.mark.parametrize(
    ("name_from", "laptop", "owner"),
    [
        ("subject_cn", ALICE, f"{ISSUER}#alice"),
        ("subject_uid", device(name("alice", oid=NameOID.USER_ID), by=ROOT), f"{ISSUER}#alice"),
        ("san_email", san(EMAIL, DNS), f"{ISSUER}#alice@example.com"),
        ("san_dns", san(EMAIL, DNS), f"{ISSUER}#laptop.example.com"),
        ("san_uri", san(URI), f"{ISSUER}#spiffe://example.com/laptop"),
        ("subject_cn", device("{name}", by=ROOT), f"{ISSUER}#{{name}}"),
    ],
)
def test_the_pattern_makes_the_owner_of_the_one_name(name_from: str, laptop: Issued, owner: str) -> None:
    result = appraise(evidence(laptop), trust(ROOT, name_from=name_from))

    assert (result.owner, result.tier) == (owner, Tier.AFFIRMING)


@pytest.mark.parametrize(
    ("name_from", "laptop"),
    [
        ("subject_cn", device(name("alice", "bob"), by=ROOT)),
        ("subject_cn", device(name("alice", "alice"), by=ROOT)),
        ("subject_cn", device(name("alice", oid=NameOID.USER_ID), by=ROOT)),
        ("subject_cn", device("alice#bob", by=ROOT)),
        ("subject_cn", device("alice\x00", by=ROOT)),
        ("subject_cn", device("alice\u202e", by=ROOT)),
        ("san_email", san(EMAIL, OTHER_EMAIL)),
        ("san_email", san(DNS)),
        ("san_email", ALICE),
        ("san_uri", san(x509.UniformResourceIdentifier("https://example.com/#alice"))),
        ("san_uri", san(x509.UniformResourceIdentifier("https://example.com/" + "a" * 300))),
    ],
)
def test_a_name_that_is_missing_ambiguous_or_not_safe_leaves_the_owner_open(name_from: str, laptop: Issued) -> None:
    result = appraise(evidence(laptop), trust(ROOT, name_from=name_from))

    assert (result.owner, result.tier) == (None, Tier.WARNING)


def test_the_table_of_owners_comes_before_the_pattern() -> None:
    anchor = trust(ROOT, owners={"alice": f"{ISSUER}#a-1234"})

    assert appraise(evidence(ALICE), anchor).owner == f"{ISSUER}#a-1234"


def test_a_name_that_the_table_does_not_have_leaves_the_owner_open_where_there_is_no_pattern() -> None:
    anchor = trust(ROOT, owners={"bob": f"{ISSUER}#bob"}, owner_pattern=None)

    assert appraise(evidence(ALICE), anchor).owner is None


def test_a_path_to_one_ca_never_uses_the_owners_of_another() -> None:
    partner = authority("Partner CA")
    anchors = (
        trust(ROOT, ca="own"),
        trust(partner, ca="partner", owners={"alice": "https://partner.example#alice"}, owner_pattern=None),
    )

    result = appraise(evidence(device("alice", by=partner)), *anchors)

    assert (result.appraised_by, result.owner) == ("partner", "https://partner.example#alice")


@pytest.mark.parametrize("above", [(), (ISSUING,), (ISSUING, ROOT)], ids=len)
def test_a_device_cannot_choose_between_a_ca_and_the_one_above_it(above: tuple[Issued, ...]) -> None:
    anchors = (trust(ROOT, ca="upper"), trust(ISSUING, ca="lower", owner_pattern=None))

    result = appraise(evidence(ALICE_BELOW, *above), *anchors)

    assert (result.appraised_by, result.owner) == ("lower", None)
