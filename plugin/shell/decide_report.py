"""A decision and how it came about, told as JSON, and the same as text.

What is told comes from the decision and from the judge's account of it, and nothing is concluded here.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import chain
from typing import assert_never

from plugin.core.decision import (
    Allow,
    Capability,
    Decision,
    Deny,
    OpenElsewhere,
    PlatformSignIn,
    Redirect,
    Remedy,
    StepUp,
    host_notice,
)
from plugin.core.facts import Conference
from plugin.policy.bundle import Bundle, Rule
from plugin.policy.explain import BECAUSE, Account
from plugin.policy.hearing import Verdict
from plugin.policy.principal import Principal

Told = dict[str, object]


def tell(decision: Decision, *, bundle: Bundle) -> Told:
    """Tell what was decided, in the words of `POST /v1/joins`."""
    return {
        **_outcome(decision),
        "reasons": [{"code": because.reason.code, "message": because.message} for because in decision.reasons],
        "host_notice": host_notice(decision) or None,
        "bundle": bundle.revision,
    }


def explain(decision: Decision, account: Account, *, conference: Conference) -> Told:
    """Tell how it came about."""
    remedy = account.remedy
    return {
        "conference": _conference(conference),
        "principal": _principal(account.principal) if account.principal else None,
        "seat": account.rooms[0] if account.rooms else None,
        "rooms": [{"zone": verdict.zone, **_verdict(verdict)} for verdict in account.joins],
        "capabilities": [
            {"capability": capability.value, **_verdict(verdict)}
            for capability, verdict in account.capabilities.items()
        ],
        "unknown_and_decided_for_caution": sorted(account.unknown),
        "stronger_sign_in": {"opens": remedy.zone, **_step_up(remedy.step_up)} if remedy else None,
        "because": [
            {
                "code": because.reason.code,
                "policies": [f"{policy.id} {policy.file}:{policy.line}" for policy in because.policies],
                "detail": because.detail,
            }
            for because in decision.reasons
        ],
    }


def _outcome(decision: Decision) -> Told:
    match decision:
        case Allow(zone=zone, capabilities=capabilities):
            return {"decision": "allow", "zone": zone, "capabilities": _names(capabilities), "remedy": None}
        case Redirect(zone=zone, capabilities=capabilities, remedy=remedy):
            told = {"decision": "redirect", "zone": zone, "capabilities": _names(capabilities)}
            return {**told, "remedy": _remedy(remedy)}
        case Deny(remedy=remedy):
            return {"decision": "deny", "zone": None, "capabilities": [], "remedy": _remedy(remedy)}


def _names(capabilities: frozenset[Capability]) -> list[str]:
    return sorted(capability.value for capability in capabilities)


def _remedy(remedy: Remedy | None) -> Told | None:
    match remedy:
        case None:
            return None
        case StepUp():
            return {"type": "step-up", **_step_up(remedy)}
        case OpenElsewhere(zone=zone):
            return {"type": "open-elsewhere", "zone": zone}
        case PlatformSignIn(zone=zone):
            return {"type": "platform-sign-in", "zone": zone}
    assert_never(remedy)


def _step_up(step_up: StepUp) -> Told:
    return {"acr_values": list(step_up.acr_values), "max_age": step_up.max_age, "claim": step_up.claim}


def _conference(conference: Conference) -> Told:
    return {
        "name": conference.name,
        "zones": list(conference.zones),
        "classification": conference.classification,
        "invited": sorted(conference.invited),
        "hosts": sorted(conference.hosts),
        "guests": conference.guests,
    }


def _principal(principal: Principal) -> Told:
    auth, device = principal.auth, principal.device
    return {
        "type": principal.kind.value,
        "because": BECAUSE[principal.kind],
        "id": principal.id,
        "org": principal.org,
        "groups": None if principal.groups is None else sorted(principal.groups),
        "auth": {
            "level": auth.level,
            "mfa_age": None if auth.mfa_age is None else auth.mfa_age // timedelta(seconds=1),
            "provenance": auth.provenance.value,
        },
        "device": {"managed": device.managed, "compliant": device.compliant, "attested": device.attested},
    }


def _verdict(verdict: Verdict) -> Told:
    refusal = "forbid" if verdict.rules else "no-permit"
    return {"answer": "permit" if verdict.permitted else refusal, "policies": [_rule(rule) for rule in verdict.rules]}


def _rule(rule: Rule) -> Told:
    return {"policy": f"{rule.ref.id} {rule.ref.file}:{rule.ref.line}", "message": rule.message}


def as_text(told: Told) -> str:
    """Write what was told as indented lines: a name, a colon, and its value or what belongs to it."""
    return "\n".join(_lines(told))


def _lines(told: Told) -> Iterator[str]:
    for name, value in told.items():
        label = name.replace("_", " ")
        match value:
            case dict():
                yield f"{label}:"
                yield from _indented(_lines(value), first="  ")
            case list() if any(isinstance(item, dict) for item in value):
                yield f"{label}:"
                yield from chain.from_iterable(_indented(_lines(item), first="- ") for item in value)
            case _:
                yield f"{label}: {_scalar(value)}"


def _indented(lines: Iterable[str], *, first: str) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield f"{'  ' if number else first}{line}"


def _scalar(value: object) -> str:
    match value:
        case list():
            return ", ".join(map(_scalar, value)) or "none"
        case bool():
            return "yes" if value else "no"
        case None | "":
            return "-"
    text = str(value)
    # A name may hold what a terminal would obey.
    return text if text.isprintable() else ascii(text)
