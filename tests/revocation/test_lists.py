"""Revocation lists: who is refused, and every list whose silence means nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from plugin.core.errors import Refused, Unavailable
from plugin.core.reasons import Reason
from plugin.revocation.crl import read_crls
from plugin.revocation.lists import CrlFiles
from tests.attestation.pki import NOON, Issued, authority, device
from tests.fakes import HandClock
from tests.revocation.authority import (
    ALICE,
    ALICE_BELOW,
    BOB,
    DAY,
    ECDSA_WITH_SHA256,
    HOUR,
    IMPOSTOR,
    ISSUING,
    ROOT,
    UNKNOWN_EXTENSION,
    crl,
    der,
    point,
    timeless_crl,
    uri,
)

GOOD = "good"


class Lists:
    """The lists of the root, in a file that is rewritten."""

    def __init__(self, folder: Path, *contents: bytes) -> None:
        self.clock = HandClock(NOON)
        self.files = [folder / f"{number}.crl" for number, _ in enumerate(contents)]
        for file, octets in zip(self.files, contents, strict=True):
            file.write_bytes(octets)
        self.crls = CrlFiles(self.files, ca="devices", anchors=(ROOT.certificate,), clock=self.clock)

    async def rewrite(self, octets: bytes) -> None:
        self.files[0].write_bytes(octets)
        await self.crls.refresh()

    async def verdict(self, issued: Issued = ALICE, *, issuer: Issued = ROOT) -> str:
        try:
            await self.crls.check(issued.certificate, issuer=issuer.certificate)
        except (Refused, Unavailable) as failure:
            return failure.reason.code
        return GOOD


async def lists(folder: Path, *contents: bytes) -> Lists:
    found = Lists(folder, *contents)
    await found.crls.refresh()
    return found


REVOKED = Reason.EVIDENCE_REVOKED.code
UNKNOWN = Reason.REVOCATION_UNKNOWN.code


async def test_a_revoked_certificate_is_refused_and_another_is_not(tmp_path: Path) -> None:
    found = await lists(tmp_path, crl(BOB, by=ROOT))

    assert (await found.verdict(BOB), await found.verdict(ALICE)) == (REVOKED, GOOD)


async def test_a_certificate_on_hold_is_refused(tmp_path: Path) -> None:
    hold = (x509.CRLReason(x509.ReasonFlags.certificate_hold), False)

    found = await lists(tmp_path, crl(BOB, by=ROOT, entry=hold))

    assert await found.verdict(BOB) == REVOKED


async def test_a_list_in_der_and_several_in_pem_are_read(tmp_path: Path) -> None:
    one = der(crl(BOB, by=ROOT))
    both = crl(by=ROOT) + crl(ALICE_BELOW, by=ISSUING)

    assert await (await lists(tmp_path, one)).verdict(BOB) == REVOKED
    assert await (await lists(tmp_path, both)).verdict(ALICE_BELOW, issuer=ISSUING) == REVOKED


async def test_lists_may_lie_in_several_files(tmp_path: Path) -> None:
    found = await lists(tmp_path, crl(by=ROOT), crl(ALICE_BELOW, by=ISSUING))

    assert (await found.verdict(), await found.verdict(ALICE_BELOW, issuer=ISSUING)) == (GOOD, REVOKED)


async def test_an_issuer_without_a_list_is_unknown(tmp_path: Path) -> None:
    found = await lists(tmp_path, crl(by=ROOT))

    assert await found.verdict(ALICE_BELOW, issuer=ISSUING) == UNKNOWN


async def test_a_list_of_the_same_name_with_another_key_is_worth_nothing(tmp_path: Path) -> None:
    found = await lists(tmp_path, crl(by=IMPOSTOR))

    assert await found.verdict() == UNKNOWN


async def test_a_list_in_an_intermediates_name_with_another_key_is_worth_nothing(tmp_path: Path) -> None:
    namesake = authority("Example Issuing CA")

    found = await lists(tmp_path, crl(by=ROOT) + crl(by=namesake))

    assert await found.verdict(ALICE_BELOW, issuer=ISSUING) == UNKNOWN


async def test_a_list_of_an_issuer_that_may_not_sign_lists_is_worth_nothing(tmp_path: Path) -> None:
    mute = device("mute", by=ROOT)  # keyUsage without cRLSign

    found = await lists(tmp_path, crl(by=ROOT) + crl(by=mute))

    assert await found.verdict(device("x", by=mute), issuer=mute) == UNKNOWN


async def test_a_list_past_its_next_update_is_worth_nothing_from_that_moment(tmp_path: Path) -> None:
    found = await lists(tmp_path, crl(by=ROOT, until=NOON + HOUR))
    before = await found.verdict()

    found.clock.move(hours=1)

    assert (before, await found.verdict()) == (GOOD, UNKNOWN)


async def test_a_list_of_the_future_is_worth_nothing_but_a_minute_is_no_future(tmp_path: Path) -> None:
    found = await lists(tmp_path, crl(by=ROOT, since=NOON + HOUR / 60))
    soon = await found.verdict()

    found.clock.move(seconds=-1)

    assert (soon, await found.verdict()) == (GOOD, UNKNOWN)


UNUSABLE: dict[str, Callable[[], bytes]] = {
    "no list": lambda: b"no list",
    "empty": lambda: b"",
    "a certificate": lambda: ROOT.pem,
    "a delta": lambda: crl(by=ROOT, extensions=((x509.DeltaCRLIndicator(1), True),)),
    "a delta that is not marked critical": lambda: crl(by=ROOT, extensions=((x509.DeltaCRLIndicator(1), False),)),
    "an unknown critical extension": lambda: crl(by=ROOT, extensions=((UNKNOWN_EXTENSION, True),)),
    "an unknown critical extension of another's entry": lambda: crl(BOB, by=ROOT, entry=(UNKNOWN_EXTENSION, True)),
    "an entry of another issuer": lambda: crl(
        BOB, by=ROOT, entry=(x509.CertificateIssuer([x509.DirectoryName(ISSUING.certificate.subject)]), True)
    ),
    "an indirect list": lambda: crl(by=ROOT, extensions=((point(indirect_crl=True), True),)),
    "some reasons only": lambda: crl(
        by=ROOT, extensions=((point(only_some_reasons=frozenset({x509.ReasonFlags.key_compromise})), True),)
    ),
    "attributes only": lambda: crl(by=ROOT, extensions=((point(only_contains_attribute_certs=True), True),)),
    "CAs only": lambda: crl(by=ROOT, extensions=((point(only_contains_ca_certs=True), True),)),
    "another distribution point": lambda: crl(
        by=ROOT, extensions=((point(full_name=[uri("http://crl.example.com/2")]), True),)
    ),
    "a tail": lambda: crl(by=ROOT) + b"and more",
    "a broken signature": lambda: der(crl(by=ROOT))[:-1] + bytes([der(crl(by=ROOT))[-1] ^ 1]),
    "no next update": lambda: timeless_crl(by=ROOT),
}


@pytest.mark.parametrize("unusable", UNUSABLE.values(), ids=UNUSABLE.keys())
async def test_the_silence_of_an_unusable_list_means_nothing(tmp_path: Path, unusable: Callable[[], bytes]) -> None:
    found = await lists(tmp_path, unusable())

    assert await found.verdict() == UNKNOWN


async def test_unknown_extensions_that_are_not_critical_do_no_harm(tmp_path: Path) -> None:
    found = await lists(
        tmp_path, crl(BOB, by=ROOT, extensions=((UNKNOWN_EXTENSION, False),), entry=(UNKNOWN_EXTENSION, False))
    )

    assert (await found.verdict(), await found.verdict(BOB)) == (GOOD, REVOKED)


async def test_a_list_of_users_only_covers_a_device_but_no_ca(tmp_path: Path) -> None:
    found = await lists(tmp_path, crl(by=ROOT, extensions=((point(only_contains_user_certs=True), True),)))

    assert (await found.verdict(), await found.verdict(ISSUING)) == (GOOD, UNKNOWN)


def at_point(url: str) -> Issued:
    """A device whose list lies at a distribution point."""
    plain = device("carol", by=ROOT)
    where = x509.DistributionPoint(full_name=[uri(url)], relative_name=None, reasons=None, crl_issuer=None)
    builder = (
        x509.CertificateBuilder()
        .subject_name(plain.certificate.subject)
        .issuer_name(ROOT.certificate.subject)
        .public_key(plain.key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOON - DAY)
        .not_valid_after(NOON + DAY)
        .add_extension(x509.CRLDistributionPoints([where]), critical=False)
    )
    return Issued(certificate=builder.sign(ROOT.key, hashes.SHA256()), key=plain.key)


async def test_a_part_of_a_list_covers_the_certificates_of_its_point_alone(tmp_path: Path) -> None:
    part = crl(by=ROOT, extensions=((point(full_name=[uri("http://crl.example.com/1")]), True),))

    found = await lists(tmp_path, part)

    assert await found.verdict(at_point("http://crl.example.com/1")) == GOOD
    assert await found.verdict(at_point("http://crl.example.com/2")) == UNKNOWN


def test_a_weak_signature_is_no_list() -> None:
    sha224 = bytes.fromhex("06082a8648ce3d040301")
    weak = der(crl(by=ROOT)).replace(ECDSA_WITH_SHA256, sha224)

    with pytest.raises(ValueError, match="the signature is too weak"):
        read_crls(weak)


async def test_a_file_that_is_replaced_counts_without_a_restart(tmp_path: Path) -> None:
    found = await lists(tmp_path, crl(by=ROOT))
    before = await found.verdict()

    await found.rewrite(crl(ALICE, by=ROOT))

    assert (before, await found.verdict()) == (GOOD, REVOKED)


@pytest.mark.parametrize("keep", [0, 1, 40, 300])
async def test_a_half_written_file_changes_nothing_until_the_list_before_it_ends(tmp_path: Path, keep: int) -> None:
    found = await lists(tmp_path, crl(BOB, by=ROOT, until=NOON + HOUR))

    await found.rewrite(crl(BOB, by=ROOT, until=NOON + DAY)[:keep])

    assert (await found.verdict(), await found.verdict(BOB)) == (GOOD, REVOKED)
    found.clock.move(hours=1)
    assert await found.verdict() == UNKNOWN


async def test_a_file_that_breaks_off_between_two_lists_loses_neither(tmp_path: Path) -> None:
    found = await lists(tmp_path, crl(by=ROOT) + crl(ALICE_BELOW, by=ISSUING))

    await found.rewrite(crl(by=ROOT))

    assert await found.verdict(ALICE_BELOW, issuer=ISSUING) == REVOKED


async def test_a_file_that_vanishes_changes_nothing(tmp_path: Path) -> None:
    found = await lists(tmp_path, crl(BOB, by=ROOT))

    found.files[0].unlink()
    await found.crls.refresh()

    assert (await found.verdict(), await found.verdict(BOB)) == (GOOD, REVOKED)


async def test_an_older_list_does_not_replace_a_newer_one(tmp_path: Path) -> None:
    found = await lists(tmp_path, crl(BOB, by=ROOT))

    await found.rewrite(crl(by=ROOT, since=NOON - DAY))

    assert await found.verdict(BOB) == REVOKED


async def test_a_list_of_an_impostor_does_not_replace_the_anchors_own(tmp_path: Path) -> None:
    found = await lists(tmp_path, crl(BOB, by=ROOT))

    await found.rewrite(crl(by=IMPOSTOR, since=NOON))

    assert (await found.verdict(), await found.verdict(BOB)) == (GOOD, REVOKED)
