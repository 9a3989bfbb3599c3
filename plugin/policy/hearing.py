"""Puts questions to Cedar: may this principal do this in that room?"""

from dataclasses import dataclass

import cedarpy

from plugin.core.facts import Conference, Facts
from plugin.policy.bundle import Bundle, Rule
from plugin.policy.entities import CONTEXT, Json, circumstances, entities, room, unknown_facts
from plugin.policy.principal import Principal

JOIN = "join"


class Unanswered(Exception):
    """Cedar could not evaluate a policy. It skips such a policy, a forbid too, so its answer is worth nothing."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        super().__init__("policies could not be evaluated")
        self.rules = rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer for one room, with the determining policies sorted by id: Cedar's own order is random."""

    zone: str
    permitted: bool
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """One principal at one moment, ready to be asked about. `unknown` are the unknown facts that policies ask for."""

    bundle: Bundle
    policies: cedarpy.PolicySet
    entities: cedarpy.Entities
    principal: Json
    conference: Conference
    unknown: frozenset[str]

    def ask(self, *actions: str, zone: str) -> tuple[Verdict, ...]:
        """Ask for each action in the room of that zone. Raises Unanswered."""
        questions = [
            {
                "principal": self.principal,
                "action": {"type": "Action", "id": action},
                "resource": room(self.conference, zone=zone),
                "context": CONTEXT,
            }
            for action in actions
        ]
        answers = cedarpy.is_authorized_batch(questions, self.policies, self.entities, self.bundle.schema)
        return tuple(self._read(answer, zone=zone) for answer in answers)

    def _read(self, answer: cedarpy.AuthzResult, *, zone: str) -> Verdict:
        errors = answer.diagnostics.errors
        if errors or answer.decision is cedarpy.Decision.NoDecision:
            # Cedar names the policy before the first colon; what follows may hold what the caller chose.
            heads = "".join(error.partition(":")[0] for error in errors)
            raise Unanswered(tuple(rule for name, rule in sorted(self.bundle.rules.items()) if f"`{name}`" in heads))
        return Verdict(
            zone=zone,
            permitted=answer.decision is cedarpy.Decision.Allow,
            rules=tuple(self.bundle.rules[name] for name in sorted(answer.diagnostics.reasons)),
        )


def hear(bundle: Bundle, *, facts: Facts, principal: Principal) -> Hearing:
    """Lay the facts before Cedar. Raises ValueError where they do not fit the vocabulary."""
    known = circumstances(facts, principal=principal, bundle=bundle)
    unknown = bundle.policies.relevant(unknown_facts(principal, known))
    return Hearing(
        bundle=bundle,
        policies=bundle.policies.reading(unknown),
        entities=entities(facts, principal=principal, known=known, bundle=bundle),
        principal={"type": principal.kind.value, "id": principal.id},
        conference=facts.conference,
        unknown=unknown,
    )
