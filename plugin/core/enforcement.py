"""What a platform can keep people from: the table by which a bundle is checked against it, and every yes once more."""

from collections.abc import Mapping
from enum import Enum

from plugin.core.decision import Capability


class Grain(Enum):
    """How finely a platform withholds a capability: from one participant, from all guests of a room, or not at all."""

    PERSON = "person"
    ROOM = "room"
    NEVER = "never"


Enforcement = Mapping[Capability, Grain]


def of_grain(grain: Grain, *, enforcement: Enforcement) -> frozenset[Capability]:
    """Return the capabilities that a platform withholds this finely. One that its table lacks counts as NEVER."""
    return frozenset(one for one in Capability if enforcement.get(one, Grain.NEVER) is grain)


def unenforceable(granted: frozenset[Capability], *, enforcement: Enforcement) -> frozenset[Capability]:
    """Return what is refused to somebody and would be theirs all the same."""
    return of_grain(Grain.NEVER, enforcement=enforcement) - granted
