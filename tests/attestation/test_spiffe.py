"""SVIDs of one trust domain: one name, from the list, with its key."""

import pytest
from cryptography import x509

from plugin.attestation.spiffe import SpiffeVerifier
from plugin.attestation.spiffe import evidence as spiffe
from plugin.core.device import AttestationResult, Tier
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from tests.attestation.formats import build
from tests.attestation.pki import NOON, TRANSCRIPT, Issued, authority, device, evidence

DOMAIN = authority("example.com bundle")


def svid(*ids: str, by: Issued = DOMAIN) -> Issued:
    return device("node", by=by, san=tuple(x509.UniformResourceIdentifier(one) for one in ids))


def verifier(*roots: bytes, paths: tuple[str, ...] = ("/laptop/*", "/room/7")) -> SpiffeVerifier:
    made = build(spiffe, *roots, trust_domain="example.com", paths=paths)
    assert isinstance(made, SpiffeVerifier)
    return made


def appraise(presented: Issued, *, signed: bytes = TRANSCRIPT) -> AttestationResult:
    return verifier(DOMAIN.pem).appraise(evidence(presented), transcript=signed, now=NOON).result


@pytest.mark.parametrize("name", ["spiffe://example.com/laptop/17", "spiffe://example.com/room/7"])
def test_a_listed_node_is_known_and_bound_but_nobodys(name: str) -> None:
    result = appraise(svid(name))

    assert (result.bound, result.managed, result.owner, result.tier) == (True, True, None, Tier.WARNING)


def test_a_node_whose_key_has_changed_is_the_same_device() -> None:
    first, second = svid("spiffe://example.com/laptop/17"), svid("spiffe://example.com/laptop/17")

    assert appraise(first).device_id == appraise(second).device_id


@pytest.mark.parametrize(
    "names",
    [
        (),
        ("spiffe://example.com/laptop/17", "spiffe://example.com/laptop/18"),
        ("spiffe://example.org/laptop/17",),
        ("spiffe://example.com.evil.org/laptop/17",),
        ("spiffe://example.com/server/17",),
        ("spiffe://example.com/laptop",),
        ("spiffe://example.com/room/71",),
        ("spiffe://example.com/laptop/../room/7",),
        ("spiffe://example.com/laptop//7",),
        ("spiffe://example.com:443/laptop/7",),
        ("https://example.com/laptop/7",),
        ("spiffe://example.com/laptop/7?x=y",),
    ],
)
def test_another_name_is_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(Refused, match=Reason.EVIDENCE_CHAIN.code):
        appraise(svid(*names))


def test_a_name_of_ours_by_another_trust_domain_is_refused() -> None:
    foreign = svid("spiffe://example.com/laptop/17", by=authority("example.org bundle"))

    with pytest.raises(Refused, match=Reason.EVIDENCE_CHAIN.code):
        appraise(foreign)


def test_a_signature_over_another_transcript_is_refused() -> None:
    with pytest.raises(Refused, match=Reason.EVIDENCE_SIGNATURE.code):
        appraise(svid("spiffe://example.com/laptop/17"), signed=bytes(32))


@pytest.mark.parametrize("paths", [(), ("laptop",), ("/",), ("*",)])
def test_a_list_that_lists_nothing_is_an_error_of_the_configuration(paths: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="paths"):
        verifier(DOMAIN.pem, paths=paths)


def test_a_table_without_roots_is_an_error_of_the_configuration() -> None:
    with pytest.raises(ValueError, match="roots_files"):
        verifier()
