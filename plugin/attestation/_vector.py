"""What a vector of this moment is worth beside the one on record: never more than that one."""

from plugin.core.device import Tier, Vector, worst


def capped(vector: Vector, *, by: Vector) -> Vector:
    """Return a vector, no element better than in `by`: of what `by` does not speak, only what is bad stays."""
    return {
        element: worst(tier, by.get(element, tier))
        for element, tier in vector.items()
        if element in by or tier is not Tier.AFFIRMING
    }
