"""What several opinions are worth together: never more than the worst of them."""

from plugin.core.device import Tier, Vector

_FROM_BEST = tuple(Tier)


def worse(one: Tier, other: Tier) -> Tier:
    """Return the worse of two."""
    return max(one, other, key=_FROM_BEST.index)


def overall(vector: Vector, *, cap: Tier) -> Tier:
    """Return the worst of a vector, and nothing better than `cap`."""
    return max((cap, *vector.values()), key=_FROM_BEST.index)


def capped(vector: Vector, *, by: Vector) -> Vector:
    """Return a vector, no element better than in `by`: of what `by` does not speak, only what is bad stays."""
    return {
        element: worse(tier, by.get(element, tier))
        for element, tier in vector.items()
        if element in by or tier is not Tier.AFFIRMING
    }
