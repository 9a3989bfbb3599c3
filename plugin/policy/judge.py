"""The judge: facts and a bundle in, a decision out.

Pure, total, and it never raises: whatever cannot be decided is a Deny.
"""

from datetime import datetime

from plugin.core.decision import Allow, Because, Capability, Decision, Deny, PolicyRef, Redirect, because
from plugin.core.facts import Facts, Separate
from plugin.core.finding import Proven
from plugin.core.reasons import Reason
from plugin.policy.bundle import Bundle, Rule
from plugin.policy.explain import Account
from plugin.policy.hearing import JOIN, Hearing, Unanswered, Verdict, hear
from plugin.policy.principal import find_principal
from plugin.policy.seat import outward
from plugin.policy.step_up import Remedy, find_remedy


def judge(bundle: Bundle, facts: Facts, *, account: Account | None = None) -> Decision:
    """Decide whether these facts admit somebody, and to which room. What happens on the way is noted in `account`."""
    try:
        return _judge(bundle, facts, account=account or Account())
    except Unanswered as fault:
        policies = tuple(rule.ref for rule in fault.rules)
        return Deny(reasons=(because(Reason.POLICY_ERROR, policies=policies),))
    except (KeyboardInterrupt, SystemExit):
        raise
    # The one catch-all of this floor. What else fails here is a bug, or native code, whose panics are no Exceptions;
    # and an error that escaped could leave the platform without an answer, which it takes for a yes.
    except BaseException as fault:  # noqa: BLE001
        return Deny(reasons=(because(Reason.POLICY_ERROR, detail=type(fault).__name__),))


def _judge(bundle: Bundle, facts: Facts, *, account: Account) -> Decision:
    # 1 who asks
    principal = find_principal(facts, setting=bundle.setting)
    if isinstance(principal, Deny):
        return principal
    account.principal = principal

    # 2 for which rooms, from the seat outward
    rooms = account.rooms = outward(facts.conference, setting=bundle.setting)
    zones = tuple(zone for zone in rooms if facts.zone in (None, zone))
    if not zones:
        return Deny(reasons=(because(Reason.ROOM_UNKNOWN),))

    # 3 which is the first that opens
    hearing = hear(bundle, facts=facts, principal=principal)
    account.unknown = hearing.unknown
    refusals, opening = _ask_outward(hearing, zones=zones, account=account)

    # 4 would another sign-in open a better one
    better = tuple(refusal.zone for refusal in refusals)
    remedy = account.remedy = find_remedy(bundle, facts=facts, principal=principal, zones=better)
    if opening is None or (remedy and remedy.zone in bundle.data.prefer_step_up):
        return _deny(refusals, remedy=remedy, unknown=hearing.unknown, missing=_missing(facts))

    # 5 would they be alone there
    apart = opening.zone != rooms[0]
    if apart and facts.conference.separate is Separate.DENY:
        return _deny(refusals, remedy=remedy, unknown=hearing.unknown, missing=_missing(facts), apart=True)

    # 6 what may they do there
    verdicts = hearing.ask(*(capability.value for capability in Capability), zone=opening.zone)
    answers = account.capabilities = dict(zip(Capability, verdicts, strict=True))
    capabilities = frozenset(one for one, verdict in answers.items() if verdict.permitted)
    if opening.zone == facts.conference.zones[0]:
        reasons = _reasons(Reason.PERMITTED, opening.rules)
        return Allow(zone=opening.zone, capabilities=capabilities, reasons=reasons, revisit_at=_revisit_at(facts))
    outside = Reason.INNER_ZONE_REFUSED if apart else Reason.SEATED_OUTSIDE
    return Redirect(
        zone=opening.zone,
        capabilities=capabilities,
        reasons=_reasons(outside, opening.rules) + _forbidden(refusals),
        remedy=remedy.step_up if remedy else None,
        revisit_at=_revisit_at(facts),
        apart=apart,
    )


def _ask_outward(hearing: Hearing, *, zones: tuple[str, ...], account: Account) -> tuple[list[Verdict], Verdict | None]:
    """Ask room by room until one opens."""
    refusals: list[Verdict] = []
    for zone in zones:
        (verdict,) = hearing.ask(JOIN, zone=zone)
        account.joins.append(verdict)
        if verdict.permitted:
            return refusals, verdict
        refusals.append(verdict)
    return refusals, None


def _missing(facts: Facts) -> Reason:
    """Say why groups are unknown, where they are."""
    return facts.identity.value.groups_gap.reason if isinstance(facts.identity, Proven) else Reason.GROUPS_NOT_TOLD


def _deny(
    refusals: list[Verdict],
    *,
    remedy: Remedy | None,
    unknown: frozenset[str],
    missing: Reason,
    apart: bool = False,
) -> Deny:
    detail = f"not known: {', '.join(sorted(unknown))}" if unknown else ""
    alone = (because(Reason.APART),) if apart else ()
    forbidden = alone + _forbidden(refusals, detail=detail)
    if remedy:
        return Deny(reasons=(because(Reason.STEP_UP), *forbidden), remedy=remedy.step_up)
    unpermitted = (because(Reason.NO_PERMIT, detail=detail),) if any(not no.rules for no in refusals) else ()
    untold = (because(missing),) if unknown & {"Group", "invited", "host"} else ()
    return Deny(reasons=forbidden + unpermitted + untold)


def _forbidden(refusals: list[Verdict], *, detail: str = "") -> tuple[Because, ...]:
    """Say each forbid once, however many rooms it closed."""
    rules = {rule.ref.id: rule for refusal in refusals for rule in refusal.rules}
    return _reasons(Reason.FORBIDDEN, tuple(rules[name] for name in sorted(rules)), detail=detail) if rules else ()


def _reasons(reason: Reason, rules: tuple[Rule, ...], *, detail: str = "") -> tuple[Because, ...]:
    """Give one reason for each message that the determining policies have, in the order of their ids."""
    by_message: dict[str, tuple[PolicyRef, ...]] = {} if rules else {reason.sentence: ()}
    for rule in rules:
        message = rule.message or reason.sentence
        by_message[message] = (*by_message.get(message, ()), rule.ref)
    return tuple(
        Because(reason=reason, message=message, policies=policies, detail=detail)
        for message, policies in by_message.items()
    )


def _revisit_at(facts: Facts) -> datetime | None:
    proofs = (facts.identity, facts.device)
    return min((proof.value.expires_at for proof in proofs if isinstance(proof, Proven)), default=None)
