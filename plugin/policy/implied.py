"""What everybody who may join a room may do there as well, read off the policies themselves.

A proof and no sample: where each permit that lets somebody join also grants the capability, and each forbid that
counts against the capability counts against joining too, nobody can have the one without the other. Where that cannot
be read off, nothing is said, and `plugin.policy.reach` has to look for somebody.
"""

from collections.abc import Iterable

from cedarpy import pst

from plugin.core.decision import Capability
from plugin.policy.bundle import Bundle
from plugin.policy.hearing import JOIN
from plugin.policy.trees import walk


def implied(bundle: Bundle, *, zone: str) -> frozenset[Capability]:
    """Return the capabilities that nobody lacks who may join a room of that zone."""
    policies = [policy for policy in bundle.trees.values() if _may_apply(policy, zone=zone)]
    return frozenset(one for one in Capability if _is_implied(one.value, policies=policies))


def _is_implied(action: str, *, policies: Iterable[pst.Template]) -> bool:
    for policy in policies:
        # A permit of joining has to carry over to the action, a forbid of the action has to have stopped at the door.
        given, wanted = (JOIN, action) if policy.effect == "permit" else (action, JOIN)
        if _is_about(policy, given) and not (_is_about(policy, wanted) and not _looks_at_the_action(policy)):
            return False
    return True


def _is_about(policy: pst.Template, action: str) -> bool:
    match policy.action:
        case pst.ActionEq(entity=entity):
            return entity.id == action
        case pst.ActionIn(entities=entities):
            return action in {entity.id for entity in entities}
        case _:
            return True


def _looks_at_the_action(policy: pst.Template) -> bool:
    return any(isinstance(part, pst.Var) and part.name == "action" for part in walk(policy))


def _may_apply(policy: pst.Template, *, zone: str) -> bool:
    """Say whether a policy can be about a room of that zone: not where its scope names another zone."""
    match policy.resource:
        case pst.ScopeIn(entity=pst.EntityUid(type=kind, id=name)) if kind.basename == "Zone":
            return name == zone
        case pst.ScopeIsIn(entity=pst.EntityUid(type=kind, id=name)) if kind.basename == "Zone":
            return name == zone
        case _:
            return True
