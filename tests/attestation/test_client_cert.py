"""What a proxy says of a connection: read to the letter, validated like any certificate, and never bound."""

from base64 import b64encode
from collections.abc import Callable

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from plugin.attestation.client_cert import verifier
from plugin.core.device import Evidence, Tier
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.ports import CLIENT_CERT, Appraisal
from tests.attestation.appraisal import ALICE, ALICE_BELOW, ISSUING, ROOT
from tests.attestation.appraisal import appraise as appraise_signed
from tests.attestation.pki import ISSUER, NOON, Issued, authority, device, evidence, trust


def item(issued: Issued) -> str:
    return f":{b64encode(issued.der).decode()}:"


def proxied(*lines: object, chain: tuple[object, ...] = ()) -> Evidence:
    return Evidence(
        format=CLIENT_CERT, payload={"client_cert": [*lines], "client_cert_chain": [*chain]}, challenge_id=""
    )


def appraise(presented: Evidence) -> Appraisal:
    return verifier((trust(ROOT),)).appraise(presented, transcript=b"", now=NOON)


def refusal(presented: Evidence) -> Reason:
    with pytest.raises(Refused) as refused:
        appraise(presented)
    return refused.value.reason


def test_a_device_of_the_organisation_is_managed_but_not_bound() -> None:
    result = appraise(proxied(item(ALICE))).result

    assert (result.format, result.managed, result.bound, result.tier) == ("client-cert", True, False, Tier.AFFIRMING)
    assert result.owner == f"{ISSUER}#alice"


def test_the_same_key_is_the_same_device_in_both_formats() -> None:
    assert appraise(proxied(item(ALICE))).result.device_id == appraise_signed(evidence(ALICE)).device_id


@pytest.mark.parametrize("separator", [",", ", ", " ,\t"])
def test_a_chain_leads_to_the_anchor(separator: str) -> None:
    chain = separator.join((item(ISSUING), item(ROOT)))

    found = appraise(proxied(item(ALICE_BELOW), chain=(chain,)))

    assert found.path == (ALICE_BELOW.der, ISSUING.der, ROOT.der)


GOOD = item(ALICE)
MALFORMED: dict[str, Callable[[], Evidence]] = {
    "absent": lambda: proxied(chain=(item(ROOT),)),
    "twice": lambda: proxied(GOOD, GOOD),
    "a list": lambda: proxied(f"{GOOD}, {GOOD}"),
    "a chain twice": lambda: proxied(item(ALICE_BELOW), chain=(item(ISSUING), item(ROOT))),
    "empty": lambda: proxied(""),
    "empty sequence": lambda: proxied("::"),
    "empty chain": lambda: proxied(GOOD, chain=("",)),
    "a comma at the end of a chain": lambda: proxied(GOOD, chain=(f"{item(ROOT)},",)),
    "not a text": lambda: proxied(7),
    "without colons": lambda: proxied(GOOD.strip(":")),
    "one colon": lambda: proxied(GOOD.removesuffix(":")),
    "quoted": lambda: proxied(f'"{GOOD}"'),
    "a token": lambda: proxied("alice"),
    "parameters": lambda: proxied(f"{GOOD};verified=1"),
    "a tail": lambda: proxied(f"{GOOD} x"),
    "a line break": lambda: proxied(f"{GOOD}\n"),
    "a space inside": lambda: proxied(f"{GOOD[:40]} {GOOD[40:]}"),
    "the alphabet of base64url": lambda: proxied(":" + "-_" * 40 + ":"),
    "PEM in a header": lambda: proxied(ALICE.pem.decode().replace("\n", " ")),
    "no certificate": lambda: proxied(f":{b64encode(b'no certificate').decode()}:"),
    "a byte more": lambda: proxied(f":{b64encode(ALICE.der + bytes(1)).decode()}:"),
    "too large": lambda: proxied(f":{b64encode(bytes(9000)).decode()}:"),
    "too many": lambda: proxied(GOOD, chain=(",".join([item(ROOT)] * 9),)),
    "another payload": lambda: Evidence(format=CLIENT_CERT, payload={"chain": [GOOD]}, challenge_id=""),
}


@pytest.mark.parametrize("malformed", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_header_that_is_not_to_the_letter_is_refused(malformed: Callable[[], Evidence]) -> None:
    assert refusal(malformed()) is Reason.EVIDENCE_MALFORMED


def test_a_second_spelling_of_the_same_bytes_is_refused() -> None:
    padded = next(f":{text}:" for text in map(_base64, _sizes()) if text.endswith("="))
    respelled = padded.replace("=:", "==:") if "==" not in padded else padded.replace("==:", "=:")

    assert refusal(proxied(respelled)) is Reason.EVIDENCE_MALFORMED


def _sizes() -> list[Issued]:
    return [device("a" * length, by=ROOT) for length in range(1, 7)]


def _base64(issued: Issued) -> str:
    return b64encode(issued.der).decode()


@pytest.mark.parametrize(
    ("presented", "reason"),
    [
        (device("alice", by=authority()), Reason.EVIDENCE_CHAIN),
        (device("alice", by=ALICE), Reason.EVIDENCE_CHAIN),
        (device("alice", by=ROOT, until=NOON), Reason.EVIDENCE_EXPIRED),
        (device("alice", by=ROOT, eku=(ExtendedKeyUsageOID.SERVER_AUTH,)), Reason.EVIDENCE_CHAIN),
        (ALICE_BELOW, Reason.EVIDENCE_CHAIN),
    ],
    ids=["a namesake's", "signed by a device", "expired", "of a server", "without its chain"],
)
def test_the_chain_is_validated_as_if_no_proxy_had(presented: Issued, reason: Reason) -> None:
    assert refusal(proxied(item(presented))) is reason
