"""What a conferencing node of Pexip Infinity makes of an answer: used, rejected, or dropped for its own database.

Written for the platform's side alone (see node_fields.py). A valid result wins over the action beside it, one invalid
field makes a node drop the whole answer, and a SIP redirect, which no answer here ever is, counts as invalid.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from plugin.shell.demo.node_fields import (
    Result,
    problems_of_location,
    problems_of_participant,
    problems_of_service,
)

SERVICE = "service/configuration"
PARTICIPANT = "participant/properties"
LOCATION = "participant/location"
AVATAR = "participant/avatar"

# What a local policy is told of the action, where there was a valid one. Other questions have none.
ACTIONS: Mapping[str, tuple[str, ...]] = {
    SERVICE: ("continue", "reject", "redirect"),
    PARTICIPANT: ("continue", "reject"),
}


class Verdict(Enum):
    """What the node does with an answer. FALLBACK: it looks into its own database instead."""

    USED = "used"
    REJECTED = "rejected"
    FALLBACK = "fallback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """`problem` says why an answer is not valid; `remarks` are its other keys, which a node logs and ignores.

    `disposition` is the action of a valid answer, and empty where there was none: by it, and by nothing else, a local
    policy can tell that the policy server has answered.
    """

    verdict: Verdict
    problem: str = ""
    result: Result = field(default_factory=dict)
    remarks: Result = field(default_factory=dict)
    disposition: str = ""


def dropped(problem: str) -> Reading:
    """No valid answer."""
    return Reading(verdict=Verdict.FALLBACK, problem=problem)


def read(question: str, body: bytes, *, configured: frozenset[str]) -> Reading:
    """Read the body of a 200. `configured` are the names of locations, themes and groups that the platform has."""
    try:
        envelope = json.loads(body)
    except ValueError:
        return dropped("the answer is not JSON")
    if not isinstance(envelope, dict):
        return dropped("the answer is not an object")
    remarks = {key: value for key, value in envelope.items() if key not in ("status", "action", "result")}
    return replace(_read(question, envelope, configured=configured), remarks=remarks)


def after_dead_man(question: str, reading: Reading) -> Reading:
    """Return what a local policy leaves of an answer: it rejects whatever did not come with an explicit `continue`."""
    if question not in ACTIONS or reading.disposition == "continue" or reading.verdict is Verdict.REJECTED:
        return reading
    return replace(reading, verdict=Verdict.REJECTED, result={})


def _read(question: str, envelope: Result, *, configured: frozenset[str]) -> Reading:
    action, result = envelope.get("action"), envelope.get("result")
    if envelope.get("status") != "success":
        is_rejected = question == SERVICE and action == "reject"
        return Reading(verdict=Verdict.REJECTED) if is_rejected else dropped("the status is not success")
    disposition = str(action) if action in ACTIONS.get(question, ()) else ""
    if result is None:
        return _read_bare(question, disposition)
    if not isinstance(result, dict):
        return dropped("the result is not an object")
    problems = _problems(question, result, configured=configured)
    if problems:
        return dropped("; ".join(problems))
    # A valid result wins over a reject, unless it is the reject's own reason.
    is_reason = question == PARTICIPANT and disposition == "reject" and result.keys() <= {"reject_reason"}
    verdict = Verdict.REJECTED if is_reason else Verdict.USED
    return Reading(verdict=verdict, result=result, disposition=disposition)


def _read_bare(question: str, disposition: str) -> Reading:
    """Read an answer without a result: a reject, a participant as it is, or nothing to go by."""
    if disposition == "reject":
        return Reading(verdict=Verdict.REJECTED, disposition=disposition)
    if question == PARTICIPANT and disposition == "continue":
        return Reading(verdict=Verdict.USED, disposition=disposition)
    # Whoever is told to continue without a room looks for one in the own database, and has been told all the same.
    return replace(dropped("there is no result"), disposition=disposition)


def _problems(question: str, result: Result, *, configured: frozenset[str]) -> list[str]:
    if question == SERVICE:
        return problems_of_service(result, configured=configured)
    if question == LOCATION:
        return problems_of_location(result, configured=configured)
    return problems_of_participant(result)
