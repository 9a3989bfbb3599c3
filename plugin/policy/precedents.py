"""Answers that Cedar has given, for whoever asks the same again.

Cedar's answer depends on the policies, the entities and the question alone, so the same three need not be put twice.
Between two questions of one join only time passes: the moment, and the age of the sign-in. Policies that never name
the moment cannot tell two moments apart, and policies that do nothing with an age but compare it with durations cannot
tell two ages apart that lie between the same ones. Where a policy does anything else with either, it is part of the
question as it is. Everything else about a join is part of the question, always.

This must never hold for a policy that it has not looked at: precedents belong to one set of policies. An answer that
was an error is not kept.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from cedarpy import pst

from plugin.policy.durations import read_duration, round_up
from plugin.policy.trees import walk

MOST = 10_000
AGE, AUTH, NOW = "mfaAge", "auth", "now"
_COMPARISONS = {"less", "less_eq", "greater", "greater_eq", "eq", "not_eq"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Precedent:
    """What Cedar said, with the determining policies in the order of their ids."""

    permitted: bool
    policies: tuple[str, ...]


class Precedents:
    """The answers that one set of policies has given. When there are too many, all are forgotten."""

    def __init__(self, policies: Mapping[str, pst.Template]) -> None:
        self._names_now = any(_names(part, NOW) for part in _parts(policies))
        self._ages = compared_ages(policies)
        self._given: dict[bytes, Precedent] = {}

    def likeness(self, laid_out: str, *, mfa_age: timedelta | None, now: datetime) -> bytes:
        """Name a situation by what the policies can tell of it. `laid_out` holds all of it but the age and the moment.

        A hash stands for the text: of people that were judged, nothing can be read here.
        """
        moment = now.isoformat() if self._names_now else ""
        return sha256("\n".join((laid_out, self._age(mfa_age), moment)).encode()).digest()

    def find(self, question: bytes) -> Precedent | None:
        """Find the answer to a question, which is the name of a situation and what was asked in it."""
        return self._given.get(question)

    def keep(self, question: bytes, precedent: Precedent) -> None:
        """Keep an answer of Cedar's."""
        if len(self._given) >= MOST:
            self._given.clear()
        self._given[question] = precedent

    def _age(self, age: timedelta | None) -> str:
        if age is None:
            return "none"
        seen = round_up(age)
        if self._ages is None:
            return str(seen)
        place = bisect_left(self._ages, seen)
        at = place < len(self._ages) and self._ages[place] == seen
        return f"{'at' if at else 'below'} {place}"


def compared_ages(policies: Mapping[str, pst.Template]) -> tuple[timedelta, ...] | None:
    """Return the durations that the policies compare an age with; None = they do something else with it as well."""
    compared = [_compared(part) for part in _parts(policies)]
    ages = [age for age in compared if age is not None]
    names = sum(isinstance(part, pst.GetAttr) and part.attr == AGE for part in _parts(policies))
    # As a whole, the record would tell all of itself; the only thing to do with it is to take something out.
    whole = sum(isinstance(part, pst.GetAttr) and part.attr == AUTH for part in _parts(policies))
    taken = sum(_takes_from(part, AUTH) for part in _parts(policies))
    return tuple(sorted(set(ages))) if len(ages) == names and whole == taken else None


def _parts(policies: Mapping[str, pst.Template]) -> Iterator[object]:
    for policy in policies.values():
        yield from walk(policy)


def _names(part: object, name: str) -> bool:
    match part:
        case pst.GetAttr(attr=attr):
            return attr == name
        case pst.HasAttr(attrs=attrs):
            return name in attrs
    return False


def _takes_from(part: object, name: str) -> bool:
    match part:
        case pst.GetAttr(base=pst.GetAttr(attr=attr)) | pst.HasAttr(base=pst.GetAttr(attr=attr)):
            return attr == name
    return False


def _compared(part: object) -> timedelta | None:
    """Return the duration that an age is compared with, where this is such a comparison."""
    match part:
        case pst.BinaryOp(op=op) if op not in _COMPARISONS:
            return None
        case (
            pst.BinaryOp(
                left=pst.GetAttr(attr="mfaAge"), right=pst.UnaryOp(op="duration", arg=pst.StringLit(value=text))
            )
            | pst.BinaryOp(
                left=pst.UnaryOp(op="duration", arg=pst.StringLit(value=text)), right=pst.GetAttr(attr="mfaAge")
            )
        ):
            return read_duration(text)
    return None
