"""Answers of an OCSP responder: each that could be another's, an old one, or an unauthorised signer's is unusable."""

from collections.abc import Callable
from datetime import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from plugin.revocation.ocsp import Answer, UnusableAnswer, make_request, read_answer
from tests.attestation.pki import NOON, Issued, device, p256
from tests.revocation.authority import (
    ALICE,
    BOB,
    DAY,
    HOUR,
    IMPOSTOR,
    ISSUING,
    ROOT,
    UNKNOWN_EXTENSION,
    answer,
    signer,
)

NONCE = bytes(range(32))
RSA_1024 = rsa.generate_private_key(65537, 1024)  # noqa: S505 - weak on purpose


def read(
    octets: bytes, *, about: Issued = ALICE, issuer: Issued = ROOT, nonce: bytes | None = None, now: datetime = NOON
) -> Answer:
    request = make_request(about.certificate, issuer=issuer.certificate, nonce=nonce)
    return read_answer(octets, request=request, issuer=issuer.certificate, now=now)


def test_good_is_good_until_the_next_update() -> None:
    assert read(answer()) == Answer(revoked=False, until=NOON + DAY)


def test_revoked_is_revoked() -> None:
    assert read(answer(status=ocsp.OCSPCertStatus.REVOKED)).revoked


@pytest.mark.parametrize("key", [p256(), rsa.generate_private_key(65537, 2048)], ids=["EC", "RSA"])
def test_one_whom_the_issuer_entrusts_may_answer(key: rsa.RSAPrivateKey) -> None:
    assert not read(answer(by=signer(key=key))).revoked


def unsuccessful(status: ocsp.OCSPResponseStatus) -> Callable[[], bytes]:
    return lambda: ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)


UNUSABLE: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "garbage": lambda: b"HTTP/1.1 200 OK",
    "try later": unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER),
    "internal error": unsuccessful(ocsp.OCSPResponseStatus.INTERNAL_ERROR),
    "unauthorized": unsuccessful(ocsp.OCSPResponseStatus.UNAUTHORIZED),
    "malformed request": unsuccessful(ocsp.OCSPResponseStatus.MALFORMED_REQUEST),
    "unknown": lambda: answer(status=ocsp.OCSPCertStatus.UNKNOWN),
    "about another certificate": lambda: answer(BOB),
    "about the same serial of a namesake": lambda: answer(issuer=IMPOSTOR, by=ROOT),
    "stale": lambda: answer(since=NOON - DAY, until=NOON),
    "of the future": lambda: answer(since=NOON + HOUR),
    "without next update": lambda: answer(until=None),
    "signed by a namesake": lambda: answer(by=IMPOSTOR),
    "signed by the device itself": lambda: answer(by=ALICE),
    "signed by another device": lambda: answer(by=BOB),
    "signed by another CA of the path": lambda: answer(by=ISSUING),
    "signed by one entrusted with something else": lambda: answer(
        by=signer(purposes=(ExtendedKeyUsageOID.CLIENT_AUTH,))
    ),
    "signed by one entrusted with anything": lambda: answer(
        by=signer(purposes=(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,))
    ),
    "signed by one whom another CA entrusts": lambda: answer(by=signer(by=ISSUING)),
    "signed by one whom a namesake entrusts": lambda: answer(by=signer(by=IMPOSTOR)),
    "signed by one who has expired": lambda: answer(by=signer(until=NOON)),
    "signed by one who is not valid yet": lambda: answer(by=signer(since=NOON + HOUR)),
    "signed by one who may have been revoked": lambda: answer(by=signer(no_check=False)),
    "signed by one with an unknown critical extension": lambda: answer(by=signer(extra=UNKNOWN_EXTENSION)),
    "signed by a weak key": lambda: answer(by=signer(key=RSA_1024)),
    "signed over a weak digest": lambda: answer(digest=hashes.SHA224()),
    "an unknown critical extension": lambda: answer(extension=(UNKNOWN_EXTENSION, True)),
    "a nonce that nobody sent": lambda: answer(nonce=NONCE),
    "a byte more": lambda: answer() + b"\0",
}


@pytest.mark.parametrize("unusable", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_an_answer_that_does_not_settle_the_question_is_unusable(unusable: Callable[[], bytes]) -> None:
    with pytest.raises(UnusableAnswer):
        read(unusable())


def test_an_unknown_extension_that_is_not_critical_does_no_harm() -> None:
    assert not read(answer(extension=(UNKNOWN_EXTENSION, False))).revoked


def test_a_clock_that_runs_ahead_by_a_minute_is_forgiven() -> None:
    assert not read(answer(since=NOON + HOUR / 60)).revoked


def test_an_answer_with_our_nonce_is_used() -> None:
    assert not read(answer(nonce=NONCE), nonce=NONCE).revoked


@pytest.mark.parametrize("replayed", [None, bytes(32)], ids=["without a nonce", "with another's nonce"])
def test_an_answer_to_an_earlier_question_is_unusable_where_a_nonce_was_sent(replayed: bytes | None) -> None:
    with pytest.raises(UnusableAnswer):
        read(answer(nonce=replayed), nonce=NONCE)


def test_every_flipped_byte_is_noticed() -> None:
    octets = answer(by=signer())

    for index in range(0, len(octets), 3):
        flipped = octets[:index] + bytes([octets[index] ^ 0x10]) + octets[index + 1 :]
        try:
            verdict = read(flipped)
        except UnusableAnswer:
            continue
        # What stands outside every signature may change: nothing that the answer says may.
        assert verdict == Answer(revoked=False, until=NOON + DAY)


def test_the_question_names_the_certificate_and_its_issuer() -> None:
    request = make_request(ALICE.certificate, issuer=ROOT.certificate, nonce=NONCE)

    assert request.serial_number == ALICE.certificate.serial_number
    assert request.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == NONCE
    assert device("alice", by=ROOT).certificate.serial_number != request.serial_number
