"""What a proof costs in each format of enrolled devices, beside the raw cryptography underneath."""

import time
from collections.abc import Callable
from statistics import median

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.attestation import formats, pki
from tests.attestation import test_app_attest as app_attest
from tests.attestation import test_dpop_key as dpop_key
from tests.attestation import test_ear as ear
from tests.attestation import test_spiffe as spiffe
from tests.attestation import test_webauthn as webauthn
from tests.bench.ladder import Rung

MESSAGE = bytes(32)


def measure(*, times: int) -> list[Rung]:
    """Measure as many proofs of each format, after one that is not counted."""
    return [Rung(name=name, microseconds=_time(prove, times=times)) for name, prove in _proofs().items()]


def _proofs() -> dict[str, Callable[[], object]]:
    key = ec.generate_private_key(ec.SECP256R1())
    public, signature = key.public_key(), key.sign(MESSAGE, ec.ECDSA(hashes.SHA256()))
    node, domain = spiffe.svid("spiffe://example.com/laptop/17"), spiffe.verifier(spiffe.DOMAIN.pem)
    svid = pki.evidence(node)
    result = ear.presented({"jwt": ear.jwt.encode(ear.claims(), ear.KEY, algorithm="ES256")})
    verifier = ear.verifier(ear.JWK)
    house, software, proof = dpop_key.house(), dpop_key.enrolled(), dpop_key.proof()
    browser, passkey = webauthn.chromium(), webauthn.device()
    asserted = formats.evidence(webauthn.JOIN)
    phones, phone = app_attest.IPHONE.verifier(), app_attest.IPHONE.device()
    tapped, at = formats.evidence(app_attest.IPHONE.join), app_attest.IPHONE.now
    return {
        "raw: one signature of ES256 verified": lambda: public.verify(signature, MESSAGE, ec.ECDSA(hashes.SHA256())),
        "spiffe: two signatures": lambda: domain.appraise(svid, transcript=pki.TRANSCRIPT, now=pki.NOON),
        "ear: one": lambda: verifier.appraise(result, transcript=pki.TRANSCRIPT, now=pki.NOON),
        "dpop-key: one": lambda: house.prove(proof, transcript=pki.TRANSCRIPT, device=software, now=pki.NOON),
        "webauthn: one": lambda: browser.prove(
            asserted, transcript=webauthn.JOIN_CHALLENGE, device=passkey, now=webauthn.NOW
        ),
        "app-attest: one": lambda: phones.prove(
            tapped, transcript=app_attest.IPHONE.join_challenge, device=phone, now=at
        ),
    }


def _time(prove: Callable[[], object], *, times: int) -> float:
    prove()
    taken = []
    for _ in range(times):
        began = time.process_time_ns()
        prove()
        taken.append((time.process_time_ns() - began) / 1000)
    return median(taken)
