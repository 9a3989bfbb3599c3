"""Several results about one device: the worst of each counts, and what was not signed raises nothing."""

from dataclasses import replace
from datetime import timedelta

import pytest

from plugin.core.device import AttestationResult, Element, Tier
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.flow.combination import combine
from tests.fakes import NOON

SIGNED = AttestationResult(
    device_id="key:1",
    format="key",
    tier=Tier.WARNING,
    bound=True,
    managed=False,
    owner="https://sso.example.com#alice",
    appraised_by="keys",
    expires_at=NOON + timedelta(days=1),
    vector={Element.INSTANCE_IDENTITY: Tier.WARNING},
)
SAID = replace(
    SIGNED,
    format="opinion",
    tier=Tier.AFFIRMING,
    bound=False,
    managed=True,
    owner=None,
    expires_at=NOON + timedelta(hours=1),
    vector={Element.INSTANCE_IDENTITY: Tier.AFFIRMING, Element.CONFIGURATION: Tier.AFFIRMING},
)


def test_what_was_not_signed_fills_in_and_raises_nothing() -> None:
    combined = combine([SAID, SIGNED])

    assert (combined.tier, combined.bound, combined.managed) == (Tier.WARNING, True, False)
    assert combined.vector == {Element.INSTANCE_IDENTITY: Tier.WARNING, Element.CONFIGURATION: Tier.AFFIRMING}


def test_what_was_not_signed_lowers() -> None:
    combined = combine([SIGNED, replace(SAID, vector={Element.CONFIGURATION: Tier.CONTRAINDICATED})])

    assert combined.tier is Tier.CONTRAINDICATED


def test_the_first_to_end_ends_the_whole() -> None:
    assert combine([SIGNED, SAID]).expires_at == SAID.expires_at


@pytest.mark.parametrize(
    "other", [replace(SAID, device_id="key:2"), replace(SAID, owner="https://sso.example.com#bob")]
)
def test_results_of_two_devices_or_two_owners_are_refused(other: AttestationResult) -> None:
    with pytest.raises(Refused, match=Reason.EVIDENCE_CONFLICT.code):
        combine([SIGNED, other])
