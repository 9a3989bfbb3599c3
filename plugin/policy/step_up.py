"""Would a stronger or fresher sign-in open a room that was refused (RFC 9470)?

The same question is asked of a hypothetical person, who differs in their sign-in alone: every forbid still counts.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from plugin.core.decision import StepUp
from plugin.core.facts import Assurance, Facts
from plugin.core.identity import Level, Provenance
from plugin.policy.bundle import Bundle
from plugin.policy.hearing import JOIN, hear
from plugin.policy.principal import Auth, Kind, Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """`step_up` opens the room in `zone`."""

    zone: str
    step_up: StepUp


def find_remedy(bundle: Bundle, *, facts: Facts, principal: Principal, zones: tuple[str, ...]) -> Remedy | None:
    """Find the weakest sign-in that opens one of these rooms, best room first, and how old it may be."""
    # A platform that signs people in has no acr values to be asked for.
    if principal.kind is not Kind.USER or principal.auth.provenance is Provenance.PLATFORM or not zones:
        return None
    for rung, auth in _sign_ins(facts, current=principal.auth):
        signed_in = replace(principal, auth=auth)
        zone = _first_open(bundle, facts=facts, principal=signed_in, zones=zones)
        if zone is not None:
            max_age = _longest_age(bundle, facts=facts, principal=signed_in, zone=zone)
            return Remedy(zone=zone, step_up=_step_up(rung, max_age=max_age // timedelta(seconds=1)))
    return None


def _step_up(rung: Assurance | None, *, max_age: int) -> StepUp:
    if rung is None:
        return StepUp(acr_values=(), max_age=max_age)
    return StepUp(acr_values=(rung.acr,), max_age=max_age, claim=rung.claim)


def _longest_age(bundle: Bundle, *, facts: Facts, principal: Principal, zone: str) -> timedelta:
    """Find how old that sign-in may be, among the ages that policies name."""
    for age in bundle.max_ages:
        aged = replace(principal, auth=replace(principal.auth, mfa_age=age))
        if _first_open(bundle, facts=facts, principal=aged, zones=(zone,)):
            return age
    return timedelta()


def _sign_ins(facts: Facts, *, current: Auth) -> Iterable[tuple[Assurance | None, Auth]]:
    """List the sign-ins of this very moment that are worth asking for, weakest first.

    One that is weaker than the present would take away from what the person has. Where the provider has none to ask
    for by name, what is left is the same sign-in once more.
    """
    enough = max(current.level, Level.MULTI_FACTOR)
    ladder = [rung for rung in facts.assurances if rung.level >= enough]
    for rung in ladder:
        yield rung, replace(current, level=rung.level, mfa_age=timedelta())
    if not ladder and current.level == enough:
        yield None, replace(current, mfa_age=timedelta())


def _first_open(bundle: Bundle, *, facts: Facts, principal: Principal, zones: tuple[str, ...]) -> str | None:
    hearing = hear(bundle, facts=facts, principal=principal)
    return next((zone for zone in zones if hearing.ask(JOIN, zone=zone)[0].permitted), None)
