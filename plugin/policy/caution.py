"""The policies as they read where a fact is not known: every test of that fact turns out against admission.

Somebody whose groups were not told is in no group as far as Cedar can see, so a forbid for a group would pass them
by, and so would the exception in a permit. Asking twice, as if nothing and as if everything of the fact held, is not
enough: `forbid when in contractors unless in cleared` is silent both times. So the tests themselves are replaced, in
a forbid by what makes it fire, in a permit by what keeps it silent (Kleene's three-valued logic, decided for caution).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import cedarpy
from cedarpy import pst

from plugin.policy.precedents import Precedents
from plugin.policy.trees import walk

# Attribute names of the vocabulary, and the type whose entities are known by membership alone.
UNKNOWABLE = frozenset({"Group", "mfaAge", "invited", "host", "networks", "address", "country"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The policies as they read for certain unknown facts, and the answers that they have given so far."""

    policies: cedarpy.PolicySet
    precedents: Precedents


class PolicySets:
    """The policies as written, and as they read where facts are unknown: such a set is made when first needed."""

    def __init__(self, policies: Mapping[str, pst.Template]) -> None:
        self._policies = policies
        self._named = UNKNOWABLE & frozenset[str]().union(*map(_names, policies.values()))
        self._readings: dict[frozenset[str], Reading] = {}
        self.reading(frozenset())
        self.reading(UNKNOWABLE)  # one that the engine could not take is found at load, not at a join

    def relevant(self, unknown: frozenset[str]) -> frozenset[str]:
        """Return what of the unknown some policy asks for."""
        return unknown & self._named

    def reading(self, unknown: frozenset[str]) -> Reading:
        """Return the policies as they read where these facts are unknown."""
        unknown = self.relevant(unknown)
        if unknown not in self._readings:
            read = {name: cautious(policy, unknown=unknown) for name, policy in self._policies.items()}
            tree = pst.PolicySet(templates=pst.FrozenMap(), static_policies=pst.FrozenMap(read), template_links=())
            policies = cedarpy.PolicySet.from_pst(tree)
            self._readings[unknown] = Reading(policies=policies, precedents=Precedents(read))
        return self._readings[unknown]


def cautious(policy: pst.Template, *, unknown: frozenset[str]) -> pst.Template:
    """Rewrite one policy."""
    fires = policy.effect == "forbid"
    clauses = tuple(
        pst.When(_decide(clause.expr, outcome=fires, unknown=unknown))
        if isinstance(clause, pst.When)
        else pst.Unless(_decide(clause.expr, outcome=not fires, unknown=unknown))
        for clause in policy.clauses
    )
    in_group = fires and "Group" in unknown & _names(policy.principal)
    # Only a User can be in a Group.
    principal = pst.ScopeIs(pst.EntityType("User")) if in_group else policy.principal
    return replace(policy, principal=principal, clauses=clauses)


def _decide(expr: pst.Expr, *, outcome: bool, unknown: frozenset[str]) -> pst.Expr:
    """Replace each test of something unknown so that the whole leans towards `outcome`."""
    if not unknown & _names(expr):
        return expr
    match expr:
        case pst.BinaryOp(op="and" | "or" as op, left=left, right=right):
            left = _decide(left, outcome=outcome, unknown=unknown)
            return pst.BinaryOp(op, left, _decide(right, outcome=outcome, unknown=unknown))
        case pst.UnaryOp(op="not", arg=arg):
            return pst.UnaryOp("not", _decide(arg, outcome=not outcome, unknown=unknown))
        case _:
            return pst.BoolLit(outcome)


def _names(node: pst.PstNode) -> frozenset[str]:
    """Collect the attributes that are asked for, and the types of the entities that are named."""
    names: set[str] = set()
    for part in walk(node):
        match part:
            case pst.GetAttr(attr=attr):
                names.add(attr)
            case pst.HasAttr(attrs=attrs):
                names.update(attrs)
            case pst.EntityUid(type=kind):
                names.add(kind.basename)
    return frozenset(names)
