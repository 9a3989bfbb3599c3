"""What a refusal may offer instead, by the platform's own means. It admits nobody: it leads to another question."""

from dataclasses import replace

from plugin.core.decision import Decision, Deny, OpenElsewhere, PlatformSignIn, because
from plugin.core.facts import Facts
from plugin.core.finding import ABSENT
from plugin.core.join import JoinRequest, Phase
from plugin.core.reasons import Reason
from plugin.policy.bundle import Bundle
from plugin.policy.judge import judge
from plugin.policy.seat import outward

# What people join with that a platform can lead through a sign-in.
APPS = frozenset({"api", "webrtc"})


def offer(decision: Decision, *, join: JoinRequest, facts: Facts, bundle: Bundle) -> Decision:
    """Return the decision, with an offer where it refuses somebody who has a way left."""
    if not isinstance(decision, Deny):
        return decision
    if join.phase is Phase.ROOM:
        return _offer_sign_in(decision, join=join, facts=facts, bundle=bundle)
    if join.phase is Phase.PARTICIPANT and decision.remedy is None:
        return _offer_other_room(decision, facts=facts, bundle=bundle)
    return decision


def _offer_sign_in(decision: Deny, *, join: JoinRequest, facts: Facts, bundle: Bundle) -> Deny:
    """Let the platform ask who somebody is who has presented nothing, where the conference's owner chose that.

    The room is the outermost: should the next answer be lost, whoever was signed in is no further in than that.
    """
    group = facts.conference.sso_group
    nothing_presented = facts.identity == ABSENT and facts.device == ABSENT and facts.trunk is None
    if group is None or not nothing_presented or join.caller.protocol not in APPS:
        return decision
    rooms = outward(facts.conference, setting=bundle.setting)
    if not rooms:
        return decision
    reasons = (because(Reason.SIGN_IN_AT_PLATFORM), *decision.reasons)
    return Deny(reasons=reasons, remedy=PlatformSignIn(zone=rooms[-1], group=group))


def _offer_other_room(decision: Deny, *, facts: Facts, bundle: Bundle) -> Deny:
    """Say which room would have been open: somebody who was signed in late holds one that was chosen before."""
    elsewhere = judge(bundle, replace(facts, zone=None))
    if isinstance(elsewhere, Deny) or elsewhere.zone == facts.zone:
        return decision
    reasons = (*decision.reasons, because(Reason.OPEN_ELSEWHERE))
    return Deny(reasons=reasons, remedy=OpenElsewhere(zone=elsewhere.zone))
