"""Results of an outside verifier: by its key, for this join, of now, and never believed beyond the table."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from plugin.attestation.ear import EarVerifier, evidence
from plugin.core import base64url
from plugin.core.device import AttestationResult, Element, Tier
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from tests.attestation.formats import build
from tests.attestation.formats import evidence as presented
from tests.attestation.pki import NOON, TRANSCRIPT

VERAISON, IETF = "tag:github.com,2023:veraison/ear", "tag:ietf.org,2026:rats/ear#04"
KEY, OTHER = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
JWK = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(KEY.public_key()))
NONCE = base64url.encode(TRANSCRIPT)


def claims(status: object = "affirming", vector: object = None, **changed: object) -> dict[str, object]:
    appraisal = {"ear.status": status, "ear.trustworthiness-vector": vector or {}, "ueid": "AQIDBA"}
    made = {"eat_profile": VERAISON, "iat": int(NOON.timestamp()), "eat_nonce": NONCE, "submods": {"laptop": appraisal}}
    return {name: value for name, value in {**made, **changed}.items() if value is not None}


def verifier(*jwks: object, **options: str | int) -> EarVerifier:
    made = build(evidence, *(json.dumps({"keys": [jwk]}).encode() for jwk in jwks), **options)
    assert isinstance(made, EarVerifier)
    return made


def appraise(said: dict[str, object], *, key: ec.EllipticCurvePrivateKey = KEY, **options: str) -> AttestationResult:
    token = jwt.encode(said, key, algorithm="ES256")
    appraisal = verifier(JWK, **options).appraise(presented({"jwt": token}), transcript=TRANSCRIPT, now=NOON)
    return appraisal.result


def refusal(said: dict[str, object], *, key: ec.EllipticCurvePrivateKey = KEY) -> Reason:
    with pytest.raises(Refused) as refused:
        appraise(said, key=key)
    return refused.value.reason


def test_a_result_for_this_join_is_bound_and_nobodys() -> None:
    result = appraise(claims())

    assert (result.bound, result.managed, result.owner, result.tier) == (True, False, None, Tier.WARNING)
    assert result.expires_at == NOON + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("warning", Tier.WARNING),
        (96, Tier.CONTRAINDICATED),
        ("contraindicated", Tier.CONTRAINDICATED),
        (32, Tier.WARNING),
    ],
)
def test_a_status_is_read_as_a_name_or_a_number(said: object, expected: Tier) -> None:
    assert appraise(claims(said)).tier is expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [(-97, Tier.CONTRAINDICATED), (-96, Tier.WARNING), (99, Tier.CONTRAINDICATED), (95, Tier.WARNING)],
)
def test_a_result_is_never_better_than_the_worst_of_its_vector(said: int, expected: Tier) -> None:
    result = appraise(claims(vector={"hardware": 2, "executables": said}))

    assert (result.tier, result.vector[Element.EXECUTABLES]) == (expected, expected)


@pytest.mark.parametrize("said", [0, 1, -1])
def test_what_the_verifier_could_not_say_is_not_in_the_vector(said: int) -> None:
    assert appraise(claims(vector={"hardware": said})).vector == {}


def test_the_profile_of_the_draft_has_its_own_spelling() -> None:
    appraisal = {"ear_status": "contraindicated", "ear.status": "affirming", "ueid": "AQIDBA"}

    assert appraise(claims(eat_profile=IETF, submods={"laptop": appraisal})).tier is Tier.CONTRAINDICATED


def test_an_owner_is_known_where_the_table_says_which_claim_names_one() -> None:
    appraisal = {"ear.status": "affirming", "ueid": "AQIDBA", "user": "alice"}
    mapped = {"owner_claim": "user", "owner_issuer": "https://sso.example.com"}

    result = appraise(claims(submods={"laptop": appraisal}), **mapped)

    assert (result.owner, result.tier) == ("https://sso.example.com#alice", Tier.AFFIRMING)


@pytest.mark.parametrize("user", ["", "a#b", "a\u202eb", 7, None, "a" * 256])
def test_a_name_that_is_not_safe_owns_nothing(user: object) -> None:
    appraisal = {"ear.status": "affirming", "ueid": "AQIDBA", "user": user}
    mapped = {"owner_claim": "user", "owner_issuer": "https://sso.example.com"}

    result = appraise(claims(submods={"laptop": appraisal}), **mapped)

    assert (result.owner, result.tier) == (None, Tier.WARNING)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"eat_nonce": None}, Reason.EVIDENCE_CHALLENGE),
        ({"eat_nonce": base64url.encode(bytes(32))}, Reason.EVIDENCE_CHALLENGE),
        ({"eat_nonce": [NONCE, "another"]}, Reason.EVIDENCE_CHALLENGE),
        ({"iat": int(NOON.timestamp()) - 301}, Reason.EVIDENCE_EXPIRED),
        ({"iat": int(NOON.timestamp()) + 120}, Reason.EVIDENCE_EXPIRED),
        ({"exp": int(NOON.timestamp())}, Reason.EVIDENCE_EXPIRED),
        ({"iat": None}, Reason.EVIDENCE_MALFORMED),
        ({"iat": True}, Reason.EVIDENCE_MALFORMED),
        ({"iat": 10**18}, Reason.EVIDENCE_MALFORMED),
        ({"eat_profile": "tag:example.com,2026:other"}, Reason.EVIDENCE_FORMAT),
        ({"eat_profile": None}, Reason.EVIDENCE_FORMAT),
        ({"eat_profile": IETF}, Reason.EVIDENCE_MALFORMED),
        ({"submods": {}}, Reason.EVIDENCE_MALFORMED),
        ({"submods": {"a": {}, "b": {}}}, Reason.EVIDENCE_MALFORMED),
        ({"submods": {"a": {"ear.status": "affirming"}}}, Reason.EVIDENCE_MALFORMED),
    ],
)
def test_a_result_for_something_else_is_refused(changed: dict[str, object], reason: Reason) -> None:
    assert refusal(claims(**changed)) is reason


@pytest.mark.parametrize("status", ["none", 0, 1, -1])
def test_a_verifier_that_says_nothing_proves_nothing(status: object) -> None:
    assert refusal(claims(status)) is Reason.EVIDENCE_FORMAT


@pytest.mark.parametrize(
    "vector", [{"hardware": 128}, {"hardware": True}, {"other": 2}, [2], {"hardware": "good"}, {"hardware": None}]
)
def test_a_vector_that_is_none_is_refused(vector: object) -> None:
    assert refusal(claims(vector=vector)) is Reason.EVIDENCE_MALFORMED


def test_a_result_by_another_key_is_refused() -> None:
    assert refusal(claims(), key=OTHER) is Reason.EVIDENCE_SIGNATURE


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_result_that_no_key_has_signed_is_refused(algorithm: str) -> None:
    token = jwt.encode(claims(), None if algorithm == "none" else "k" * 32, algorithm=algorithm)

    with pytest.raises(Refused, match=Reason.EVIDENCE_SIGNATURE.code):
        verifier(JWK).appraise(presented({"jwt": token}), transcript=TRANSCRIPT, now=NOON)


def test_a_named_submodule_counts_whatever_stands_beside_it() -> None:
    bad, good = {"ear.status": 96, "ueid": "AQIDBA"}, {"ear.status": 2, "ueid": "AQIDBA"}

    assert appraise(claims(submods={"good": good, "laptop": bad}), submod="laptop").tier is Tier.CONTRAINDICATED


@pytest.mark.parametrize("roots", [(), (JWK, JWK)])
def test_a_table_without_its_one_key_set_is_an_error_of_the_configuration(roots: tuple[object, ...]) -> None:
    with pytest.raises(ValueError, match="key set"):
        verifier(*roots)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ear-claims.json", Tier.WARNING),
        ("ear-claims-tv-ok.json", Tier.WARNING),
        ("ear-claims-key-attestation-ko.json", Tier.CONTRAINDICATED),
    ],
)
def test_foreign_results_are_read_at_their_own_time(shared: Path, name: str, expected: Tier) -> None:
    folder = shared / "vectors/device/ear"
    said = json.loads((folder / name).read_text())
    key = jwt.PyJWK(json.loads((folder / "skey.json").read_text()), algorithm="ES256").key
    token = jwt.encode({**said, "eat_nonce": NONCE, "ueid": "AQIDBA"}, key, algorithm="ES256")
    house = verifier(json.loads((folder / "pkey.json").read_text()))

    found = house.appraise(
        presented({"jwt": token}), transcript=TRANSCRIPT, now=datetime.fromtimestamp(said["iat"], UTC)
    )

    assert found.result.tier is expected


def test_a_mutated_result_is_refused_whatever_was_changed() -> None:
    token = jwt.encode(claims(), KEY, algorithm="ES256")
    mutants = [token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :] for at in range(len(token))]

    for mutant in (*mutants, *(token[:at] for at in range(len(token)))):
        with pytest.raises(Refused):
            verifier(JWK).appraise(presented({"jwt": mutant}), transcript=TRANSCRIPT, now=NOON)
