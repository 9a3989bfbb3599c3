"""Device certificates: who is believed and who is refused."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from plugin.core.device import AttestationResult, Evidence, Tier
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from tests.attestation.appraisal import ALICE, ALICE_BELOW, ISSUING, ROOT, appraise, refusal
from tests.attestation.pki import ISSUER, NOON, Issued, Key, authority, device, evidence, p256, sign

RSA_1024 = rsa.generate_private_key(65537, 1024)  # noqa: S505 - weak on purpose
RSA_2048 = rsa.generate_private_key(65537, 2048)


def test_a_device_of_the_organisation_is_bound_managed_and_affirming() -> None:
    spki = ALICE.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    result = appraise(evidence(ALICE))

    assert result == AttestationResult(
        device_id=f"x509:{sha256(spki).hexdigest()}",
        format="x509",
        tier=Tier.AFFIRMING,
        bound=True,
        managed=True,
        owner=f"{ISSUER}#alice",
        appraised_by="devices",
        expires_at=NOON + timedelta(days=1),
    )


@pytest.mark.parametrize("above", [(ISSUING,), (ISSUING, ROOT)], ids=["without the anchor", "with the anchor"])
def test_a_chain_over_an_intermediate_may_name_the_anchor(above: tuple[Issued, ...]) -> None:
    result = appraise(evidence(ALICE_BELOW, *above))

    assert result.owner == f"{ISSUER}#alice"


@pytest.mark.parametrize(
    ("alg", "key"),
    [
        ("ES256", p256()),
        ("ES384", ec.generate_private_key(ec.SECP384R1())),
        ("PS256", RSA_2048),
        ("RS256", RSA_2048),
        ("EdDSA", ed25519.Ed25519PrivateKey.generate()),
    ],
)
def test_each_algorithm_of_the_table_is_accepted(alg: str, key: Key) -> None:
    laptop = device(by=ROOT, key=key)

    assert appraise(evidence(laptop, alg=alg)).bound


def test_a_renewed_certificate_for_the_same_key_is_the_same_device() -> None:
    renewed = device("alice", by=ROOT, key=ALICE.key, until=NOON + timedelta(days=300))

    assert appraise(evidence(renewed)).device_id == appraise(evidence(ALICE)).device_id


def test_a_result_expires_with_the_first_certificate_of_its_path() -> None:
    soon = NOON + timedelta(hours=1)
    issuing = authority("Short-lived CA", by=ROOT, until=soon)
    laptop = device(by=issuing)

    assert appraise(evidence(laptop, issuing)).expires_at == soon


def signed_by_another_device() -> Evidence:
    return evidence(ALICE, signature=sign(device("mallory", by=ROOT).key, alg="ES256"))


def in_der() -> Evidence:
    raw = sign(ALICE.key, alg="ES256")
    return evidence(ALICE, signature=encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:])))


def truncated() -> Evidence:
    return evidence(ALICE, signature=sign(ALICE.key, alg="ES256")[:-1])


def padded_in_the_middle() -> Evidence:
    raw = sign(ALICE.key, alg="ES256")
    return evidence(ALICE, signature=raw[:32] + b"\0" + raw[32:])


def all_zero() -> Evidence:
    return evidence(ALICE, signature=bytes(64))


@pytest.mark.parametrize("lie", [signed_by_another_device, in_der, truncated, padded_in_the_middle, all_zero])
def test_a_signature_that_is_not_the_devices_own_is_refused(lie: Callable[[], Evidence]) -> None:
    assert refusal(lie()) is Reason.EVIDENCE_SIGNATURE


def test_a_signature_for_another_transcript_is_refused() -> None:
    assert refusal(evidence(ALICE), transcript=bytes(32)) is Reason.EVIDENCE_SIGNATURE


@pytest.mark.parametrize(
    ("alg", "key"),
    [
        ("RS256", p256()),
        ("ES384", p256()),
        ("ES256", ec.generate_private_key(ec.SECP384R1())),
        ("ES256", ec.generate_private_key(ec.SECP256K1())),
        ("ES512", ec.generate_private_key(ec.SECP521R1())),
        ("ES256", RSA_2048),
        ("EdDSA", p256()),
        ("none", p256()),
        ("HS256", p256()),
        ("RS256", RSA_1024),
        ("PS256", RSA_1024),
    ],
)
def test_an_algorithm_that_does_not_go_with_the_key_or_a_weak_key_is_refused(alg: str, key: Key) -> None:
    laptop = device(by=ROOT, key=key)

    assert refusal(evidence(laptop, alg=alg)) is Reason.EVIDENCE_KEY


def self_signed() -> Evidence:
    key = p256()
    return evidence(device("alice", by=Issued(certificate=device(by=ROOT, key=key).certificate, key=key), key=key))


def by_a_ca_of_the_same_name() -> Evidence:
    return evidence(device("alice", by=authority()))


def by_a_ca_of_the_same_name_that_comes_along() -> Evidence:
    impostor = authority()
    return evidence(device("alice", by=impostor), impostor)


def by_another_device() -> Evidence:
    return evidence(device("alice", by=ALICE), ALICE)


def a_ca_as_leaf() -> Evidence:
    return evidence(ISSUING)


def the_anchor_as_leaf() -> Evidence:
    return evidence(ROOT)


def without_its_intermediate() -> Evidence:
    return evidence(ALICE_BELOW)


def with_an_unrelated_intermediate() -> Evidence:
    return evidence(ALICE_BELOW, authority("Unrelated CA", by=ROOT))


def with_a_certificate_too_many() -> Evidence:
    return evidence(ALICE_BELOW, ISSUING, ALICE)


def with_the_same_certificate_twice() -> Evidence:
    return evidence(ALICE, ALICE)


def out_of_order() -> Evidence:
    return evidence(ALICE_BELOW, ROOT, ISSUING)


def deeper_than_the_path_length() -> Evidence:
    last = authority("Last CA", by=ROOT, path_length=0)
    below = authority("CA below the last", by=last)
    return evidence(device("alice", by=below), below, last)


def below_an_expired_intermediate() -> Evidence:
    expired = authority("Expired CA", by=ROOT, until=NOON - timedelta(days=1))
    return evidence(device("alice", by=expired), expired)


def for_servers_only() -> Evidence:
    return evidence(device("alice", by=ROOT, eku=(ExtendedKeyUsageOID.SERVER_AUTH,)))


@pytest.mark.parametrize(
    "lie",
    [
        self_signed,
        by_a_ca_of_the_same_name,
        by_a_ca_of_the_same_name_that_comes_along,
        by_another_device,
        a_ca_as_leaf,
        the_anchor_as_leaf,
        without_its_intermediate,
        with_an_unrelated_intermediate,
        with_a_certificate_too_many,
        with_the_same_certificate_twice,
        out_of_order,
        deeper_than_the_path_length,
        below_an_expired_intermediate,
        for_servers_only,
    ],
)
def test_a_chain_that_does_not_lead_to_the_organisations_ca_is_refused(lie: Callable[[], Evidence]) -> None:
    assert refusal(lie()) is Reason.EVIDENCE_CHAIN


def test_an_extended_key_usage_for_clients_is_accepted() -> None:
    laptop = device(by=ROOT, eku=(ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH))

    assert appraise(evidence(laptop)).bound


@pytest.mark.parametrize(
    "now",
    [
        ALICE.certificate.not_valid_before_utc - timedelta(seconds=1),
        ALICE.certificate.not_valid_after_utc,
        ALICE.certificate.not_valid_after_utc + timedelta(days=1000),
    ],
)
def test_a_certificate_outside_its_validity_is_refused(now: datetime) -> None:
    assert refusal(evidence(ALICE), now=now) is Reason.EVIDENCE_EXPIRED


def test_an_anchor_that_expires_while_the_service_runs_no_longer_vouches() -> None:
    later = datetime(2200, 1, 1, tzinfo=UTC)
    laptop = device(by=ROOT, until=later + timedelta(days=1))

    assert refusal(evidence(laptop), now=later) is Reason.EVIDENCE_CHAIN


def test_a_refusal_quotes_nothing_of_the_certificate() -> None:
    impostor = device("alice.private@example.com", by=authority())

    with pytest.raises(Refused) as refused:
        appraise(evidence(impostor))

    assert "alice" not in str(refused.value)
