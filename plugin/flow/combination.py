"""Several results about one device as one: the worst of each, and only signatures over this join prove anything.

It must never make a result better than what was signed.
"""

from collections.abc import Sequence
from dataclasses import replace

from plugin.core.device import AttestationResult, Element, Tier, worst
from plugin.core.errors import Refused
from plugin.core.finding import Finding, Gap, Proven, Unproven
from plugin.core.identity import Identity
from plugin.core.reasons import Reason


def combine(results: Sequence[AttestationResult]) -> AttestationResult:
    """Combine results. An unbound one lowers or fills in. Raises Refused where they speak of different devices.

    Two keys of one laptop count as two devices, since nothing proves that they sit in one.
    """
    if len(results) == 1:
        return results[0]
    bound = [result for result in results if result.bound]
    first = (bound or list(results))[0]
    for other in results:
        # A ticket names one device, and is void when that one is revoked: of two, one would be forgotten.
        if other.device_id != first.device_id or other.owner not in (None, first.owner):
            raise Refused(Reason.EVIDENCE_CONFLICT, "the proofs are of different devices")
    vector: dict[Element, Tier] = {}
    for result in results:
        for element, tier in result.vector.items():
            if result.bound or element is not Element.INSTANCE_IDENTITY or tier is not Tier.AFFIRMING:
                vector[element] = worst(tier, vector.get(element, tier))
    return replace(
        first,
        tier=worst(*(result.tier for result in results), *vector.values()),
        managed=all(result.managed for result in bound or results),
        expires_at=min(result.expires_at for result in results),
        vector=vector,
    )


def own(device: Finding[AttestationResult], *, identity: Finding[Identity]) -> Finding[AttestationResult]:
    """Refuse a device that is known to be somebody else's."""
    if not isinstance(device, Proven) or not isinstance(identity, Proven):
        return device
    if device.value.owner in (None, identity.value.key):
        return device
    return Unproven(gap=Gap.REFUSED, reason=Reason.DEVICE_OWNER)
