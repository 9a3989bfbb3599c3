"""Puts questions to Cedar: may this principal do this in that room?"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import cedarpy

from plugin.core.facts import Conference, Facts
from plugin.policy.bundle import Bundle, Rule
from plugin.policy.caution import Reading
from plugin.policy.entities import CONTEXT, Json, circumstances, lay_out, room, unknown_facts
from plugin.policy.precedents import Precedent
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
    """One principal at one moment, ready to be asked about. `unknown` are the unknown facts that policies ask for.

    `situation` names all that the policies can tell of them; `entities` gives all of it to Cedar, once it is needed.
    """

    bundle: Bundle
    reading: Reading
    situation: bytes
    entities: Callable[[], cedarpy.Entities]
    principal: Json
    conference: Conference
    unknown: frozenset[str]

    def ask(self, *actions: str, zone: str) -> tuple[Verdict, ...]:
        """Ask for each action in the room of that zone: Cedar, where it was not asked before. Raises Unanswered."""
        precedents = self.reading.precedents
        questions = {action: self.situation + f"{action}@{zone}".encode() for action in actions}
        answers = {action: found for action in actions if (found := precedents.find(questions[action]))}
        for action, answer in self._ask_cedar([new for new in actions if new not in answers], zone=zone):
            answers[action] = answer
            precedents.keep(questions[action], answer)
        return tuple(self._verdict(answers[action], zone=zone) for action in actions)

    def _ask_cedar(self, actions: Sequence[str], *, zone: str) -> Iterator[tuple[str, Precedent]]:
        if not actions:
            return
        questions = [
            {
                "principal": self.principal,
                "action": {"type": "Action", "id": action},
                "resource": room(self.conference, zone=zone),
                "context": CONTEXT,
            }
            for action in actions
        ]
        policies, schema = self.reading.policies, self.bundle.schema
        answers = cedarpy.is_authorized_batch(questions, policies, self.entities(), schema)
        yield from zip(actions, map(self._read, answers), strict=True)

    def _read(self, answer: cedarpy.AuthzResult) -> Precedent:
        errors = answer.diagnostics.errors
        if errors or answer.decision is cedarpy.Decision.NoDecision:
            # Cedar names the policy before the first colon; what follows may hold what the caller chose.
            heads = "".join(error.partition(":")[0] for error in errors)
            raise Unanswered(tuple(rule for name, rule in sorted(self.bundle.rules.items()) if f"`{name}`" in heads))
        return Precedent(
            permitted=answer.decision is cedarpy.Decision.Allow, policies=tuple(sorted(answer.diagnostics.reasons))
        )

    def _verdict(self, answer: Precedent, *, zone: str) -> Verdict:
        rules = tuple(self.bundle.rules[name] for name in answer.policies)
        return Verdict(zone=zone, permitted=answer.permitted, rules=rules)


def hear(bundle: Bundle, *, facts: Facts, principal: Principal) -> Hearing:
    """Lay the facts out. What does not fit the vocabulary is a ValueError as soon as Cedar is asked."""
    known = circumstances(facts, principal=principal, bundle=bundle)
    unknown = bundle.policies.relevant(unknown_facts(principal, known))
    reading = bundle.policies.reading(unknown)
    layout = lay_out(facts, principal=principal, known=known, bundle=bundle)
    return Hearing(
        bundle=bundle,
        reading=reading,
        situation=reading.precedents.likeness(layout.text(), mfa_age=layout.mfa_age, now=layout.now),
        entities=cache(lambda: layout.entities(bundle.schema)),
        principal={"type": principal.kind.value, "id": principal.id},
        conference=facts.conference,
        unknown=unknown,
    )
