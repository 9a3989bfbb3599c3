"""A key in software: itself, for this join, and never more than a warning."""

import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwcrypto.jwk import JWK

from plugin.attestation.dpop_key import DpopKeyFormat, evidence
from plugin.core import base64url
from plugin.core.device import EnrolledDevice, Evidence, Tier
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from tests.attestation.formats import build
from tests.attestation.formats import enrolled as on_record
from tests.attestation.formats import evidence as presented
from tests.attestation.pki import NOON, TRANSCRIPT

KEY, OTHER = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
ENROL = bytes(32)


def house() -> DpopKeyFormat:
    made = build(evidence)
    assert isinstance(made, DpopKeyFormat)
    return made


def public(key: ec.EllipticCurvePrivateKey) -> dict[str, object]:
    members = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
    return {name: members[name] for name in ("kty", "crv", "x", "y")}


def proof(
    *,
    key: ec.EllipticCurvePrivateKey = KEY,
    shown: ec.EllipticCurvePrivateKey | None = None,
    typ: str = "dpop+jwt",
    **changed: object,
) -> Evidence:
    claims = {"nonce": base64url.encode(TRANSCRIPT), "iat": int(NOON.timestamp()), "jti": "1", **changed}
    token = jwt.encode(claims, key, algorithm="ES256", headers={"typ": typ, "jwk": public(shown or key)})
    return presented({"proof": token})


def enrolled() -> EnrolledDevice:
    attested = house().enrol(proof(nonce=base64url.encode(ENROL)), transcript=ENROL, kept=None, now=NOON)
    return on_record(attested, now=NOON, kind="dpop-key")


def test_an_enrolled_key_is_known_by_its_thumbprint_and_stays_a_warning() -> None:
    device = enrolled()

    proven = house().prove(proof(), transcript=TRANSCRIPT, device=device, now=NOON)

    assert device.id == house().device_id(proof()) == f"dpop-key:{JWK(**public(KEY)).thumbprint()}"
    assert (device.tier, proven.tier) == (Tier.WARNING, Tier.WARNING)


@pytest.mark.parametrize(
    ("liar", "reason"),
    [
        (proof(key=OTHER), Reason.EVIDENCE_KEY),
        (proof(key=OTHER, shown=KEY), Reason.EVIDENCE_SIGNATURE),
        (proof(nonce=base64url.encode(ENROL)), Reason.EVIDENCE_SIGNATURE),
        (proof(iat=int(NOON.timestamp()) - 181), Reason.EVIDENCE_EXPIRED),
        (proof(iat=int(NOON.timestamp()) + 61), Reason.EVIDENCE_EXPIRED),
        (proof(jti=""), Reason.EVIDENCE_EXPIRED),
        (proof(jti=7), Reason.EVIDENCE_MALFORMED),
        (proof(typ="JWT"), Reason.EVIDENCE_MALFORMED),
        (presented({"proof": 7}), Reason.EVIDENCE_MALFORMED),
        (presented({"proof": "a.b.c"}), Reason.EVIDENCE_MALFORMED),
        (presented({}), Reason.EVIDENCE_MALFORMED),
    ],
)
def test_a_proof_of_something_else_is_refused(liar: Evidence, reason: Reason) -> None:
    with pytest.raises(Refused) as refused:
        house().prove(liar, transcript=TRANSCRIPT, device=enrolled(), now=NOON)

    assert refused.value.reason is reason


def test_roots_are_an_error_of_the_configuration() -> None:
    with pytest.raises(ValueError, match="roots_files"):
        build(evidence, b"root")
