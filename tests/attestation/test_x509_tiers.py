"""Several CAs: how far the devices of each get, and which one counts where two could vouch."""

from itertools import permutations

import pytest

from plugin.attestation._x509 import Path, authorities, nearest
from plugin.attestation.x509 import verifier
from plugin.core.device import Tier
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.ports import DeviceCa
from tests.attestation.appraisal import ALICE, ALICE_BELOW, ISSUING, ROOT, appraise
from tests.attestation.pki import NOON, TRANSCRIPT, authority, device, evidence, trust

OTHER = authority("Other CA")
FIRM = trust(ROOT, ca="firm")
LAX = trust(OTHER, ca="lax", tier=Tier.WARNING)


@pytest.mark.parametrize("cas", [(FIRM, LAX), (LAX, FIRM)], ids=["firm first", "lax first"])
def test_a_device_gets_as_far_as_the_ca_that_its_path_ends_in(cas: tuple[DeviceCa, ...]) -> None:
    of_firm, of_lax = appraise(evidence(ALICE), *cas), appraise(evidence(device("alice", by=OTHER)), *cas)

    assert (of_firm.tier, of_firm.appraised_by) == (Tier.AFFIRMING, "firm")
    assert (of_lax.tier, of_lax.appraised_by) == (Tier.WARNING, "lax")


def test_a_device_whose_owner_nobody_knows_stays_a_warning_in_any_ca() -> None:
    assert appraise(evidence(ALICE), trust(ROOT, owner_pattern=None)).tier is Tier.WARNING


@pytest.mark.parametrize("above", [(), (ISSUING,), (ISSUING, ROOT)], ids=["alone", "with its CA", "with both"])
@pytest.mark.parametrize(("below_tier", "above_tier"), [(Tier.WARNING, Tier.AFFIRMING), (Tier.AFFIRMING, Tier.WARNING)])
def test_of_two_cas_above_each_other_the_nearer_one_counts_whatever_is_presented(
    above: tuple, below_tier: Tier, above_tier: Tier
) -> None:
    cas = (trust(ROOT, ca="above", tier=above_tier), trust(ISSUING, ca="below", tier=below_tier))

    results = [appraise(evidence(ALICE_BELOW, *above), *order) for order in permutations(cas)]

    assert {(result.tier, result.appraised_by) for result in results} == {(below_tier, "below")}


def test_what_a_chain_over_cas_that_certify_each_other_is_worth_does_not_depend_on_their_order() -> None:
    by_root = authority("Issuing", by=ROOT)
    by_other = authority("Issuing", by=OTHER, key=by_root.key)
    root_below = authority("Example Device CA", by=by_other, key=ROOT.key)
    laptop = device("alice", by=by_root)
    both = evidence(laptop, by_root, root_below, by_other)

    for order in permutations((FIRM, LAX)):
        assert appraise(both, *order).appraised_by == "firm"
        assert appraise(evidence(laptop, by_root), *order).appraised_by == "firm"
        assert appraise(evidence(laptop, by_other), *order).appraised_by == "lax"


def test_two_paths_that_are_equally_near_are_none() -> None:
    firm, lax = authorities((FIRM, LAX), now=NOON)
    paths = [
        Path(authority=firm, certificates=(ALICE.certificate, ROOT.certificate)),
        Path(authority=lax, certificates=(ALICE.certificate, OTHER.certificate)),
    ]

    with pytest.raises(Refused, match=Reason.EVIDENCE_CHAIN.code):
        nearest(paths)


def test_the_path_goes_out_whole_for_whoever_asks_about_revocation() -> None:
    appraisal = verifier((FIRM,)).appraise(evidence(ALICE_BELOW, ISSUING), transcript=TRANSCRIPT, now=NOON)

    assert appraisal.path == (ALICE_BELOW.der, ISSUING.der, ROOT.der)
