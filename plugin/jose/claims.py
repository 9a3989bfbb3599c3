"""Verified claims, the readers that give them a type, and the small checks that adapters put into their tables.

A claim that is null counts as absent. A claim of another type than it must have is refused, never converted.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from plugin.core.errors import Refused
from plugin.core.reasons import Reason

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedClaims:
    """Header and payload of a token whose signature, issuer, audience and times hold. Only `jose.verify` makes one."""

    header: Mapping[str, object]
    payload: Mapping[str, object]


Check = Callable[[str, Mapping[str, object]], None]
"""Given a claim's name and the whole payload, return or raise Refused. It must refuse an absent claim it needs."""


def present(name: str, payload: Mapping[str, object]) -> None:
    """Check that the provider told the claim."""
    if payload.get(name) is None:
        raise Refused(Reason.TOKEN_CLAIM, f"claim `{name}` is absent")


def absent(name: str, payload: Mapping[str, object]) -> None:
    """Check that the claim is not there: it belongs to tokens of another kind."""
    if name in payload:
        raise Refused(Reason.TOKEN_TYPE, f"claim `{name}` is present, expected none in a token of this kind")


def absent_or(expected: str, *, otherwise: Reason = Reason.TOKEN_TYPE) -> Check:
    """Make a check that the claim, where the provider tells it, is `expected`."""

    def check(name: str, payload: Mapping[str, object]) -> None:
        if payload.get(name, expected) != expected:
            raise Refused(otherwise, f"claim `{name}` is {shown(payload[name])}, expected `{expected}`")

    return check


def is_true(name: str, payload: Mapping[str, object]) -> None:
    """Check that the provider says so, by a boolean."""
    if payload.get(name) is not True:
        raise Refused(Reason.TOKEN_CLAIM, f"claim `{name}` is {shown(payload.get(name))}, expected `true`")


def equals(expected: str | int, *, otherwise: Reason = Reason.TOKEN_CLAIM) -> Check:
    """Make a check that the claim is `expected`, of its type too: to Python, true is 1."""

    def check(name: str, payload: Mapping[str, object]) -> None:
        got = payload.get(name)
        if type(got) is not type(expected) or got != expected:
            raise Refused(otherwise, f"claim `{name}` is {shown(got)}, expected {shown(expected)}")

    return check


def one_of(expected: frozenset[str], *, otherwise: Reason = Reason.TOKEN_CLAIM) -> Check:
    """Make a check that the claim is one of these."""

    def check(name: str, payload: Mapping[str, object]) -> None:
        got = payload.get(name)
        if not isinstance(got, str) or got not in expected:
            raise Refused(otherwise, f"claim `{name}` is {shown(got)}, expected one of `{sorted(expected)}`")

    return check


def like(pattern: str, *, expected: str) -> Check:
    """Make a check that the claim is a text that fits `pattern` whole. What it is may name a person: it is not told."""

    def check(name: str, payload: Mapping[str, object]) -> None:
        got = payload.get(name)
        if not isinstance(got, str) or not re.fullmatch(pattern, got):
            raise Refused(Reason.TOKEN_CLAIM, f"claim `{name}` is not {expected}")

    return check


def differs_from(other: str) -> Check:
    """Make a check that the claim is a text that the claim `other` does not say as well."""

    def check(name: str, payload: Mapping[str, object]) -> None:
        if text(name, payload) == payload.get(other):
            raise Refused(Reason.TOKEN_TYPE, f"claims `{name}` and `{other}` are the same, expected a person's token")

    return check


def holds(word: str) -> Check:
    """Make a check that the claim, a list of words or a text of them with spaces between, has this one."""

    def check(name: str, payload: Mapping[str, object]) -> None:
        got = text_or_texts(name, payload)
        if word not in [one for words in got for one in words.split(" ")]:
            raise Refused(Reason.TOKEN_CLAIM, f"claim `{name}` is {shown(got)}, expected `{word}` in it")

    return check


def text(name: str, payload: Mapping[str, object]) -> str:
    """Read a string."""
    value = payload.get(name)
    if not isinstance(value, str):
        raise _wrong_type(name, value, expected="a string")
    return value


def number(name: str, payload: Mapping[str, object]) -> float:
    """Read a NumericDate: seconds since the epoch, with or without a fraction (RFC 7519 section 2)."""
    value = payload.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong_type(name, value, expected="a number")
    return value


def texts(name: str, payload: Mapping[str, object]) -> tuple[str, ...]:
    """Read a list of strings."""
    value = payload.get(name)
    if not isinstance(value, list) or not all(isinstance(member, str) for member in value):
        raise _wrong_type(name, value, expected="a list of strings")
    return tuple(value)


def text_or_texts(name: str, payload: Mapping[str, object]) -> tuple[str, ...]:
    """Read a list of strings, which a provider may shorten to one string (RFC 7519 section 4.1.3)."""
    value = payload.get(name)
    return (value,) if isinstance(value, str) else texts(name, payload)


def optional(read: Callable[[str, Mapping[str, object]], T], name: str, *, payload: Mapping[str, object]) -> T | None:
    """Read a claim with `read`, None where the provider did not tell it."""
    return None if payload.get(name) is None else read(name, payload)


def shown(value: object) -> str:
    """Quote a value for an operator: one line of ASCII, cut short."""
    return f"`{json.dumps(value):.64}`"


def _wrong_type(name: str, value: object, *, expected: str) -> Refused:
    got = "absent" if value is None else f"of type `{type(value).__name__}`"
    return Refused(Reason.TOKEN_CLAIM, f"claim `{name}` is {got}, expected {expected}")
