"""How a decision came about, in the judge's own notes.

`judge` writes an account on its way, and never reads it: so an explanation cannot differ from what was enforced, and
asking for one cannot change the decision. Nothing here may work anything out a second time.
"""

from dataclasses import dataclass, field

from plugin.core.decision import Capability
from plugin.policy.hearing import Verdict
from plugin.policy.principal import Kind, Principal
from plugin.policy.step_up import Remedy

# What makes somebody a principal of each kind (`find_principal`).
BECAUSE = {
    Kind.USER: "an identity was proven",
    Kind.GATEWAY: "the call comes by a trunk, or is one that the platform makes",
    Kind.ROOM_SYSTEM: "the call comes by a trunk that leads to one room system",
    Kind.GUEST: "nothing was presented, and the owner of the conference chose guests",
}


@dataclass(slots=True, kw_only=True)
class Account:
    """What was found and asked, as far as the judge came.

    `principal` None = there was nobody to be judged. `rooms` go from the seat outward; `joins` are the answers for
    those that were asked about. `unknown` are the facts whose tests were decided for caution. `remedy` is the
    sign-in that would open a better room.
    """

    principal: Principal | None = None
    rooms: tuple[str, ...] = ()
    unknown: frozenset[str] = frozenset()
    joins: list[Verdict] = field(default_factory=list)
    capabilities: dict[Capability, Verdict] = field(default_factory=dict)
    remedy: Remedy | None = None
