"""What an operator may be told of the claims of a token: each by name and type, by value where it names nobody.

It must never tell what names, describes or could impersonate a person: subjects, addresses, groups, sessions, nonces.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime

from plugin.jose.claims import shown

# Who issued a token, for which client, of which kind, and how somebody signed in. Other claims are told by their type.
IMPERSONAL = frozenset(
    {"iss", "aud", "azp", "typ", "ver", "acr", "amr", "acrs", "authmethod"}
    | {"tid", "hd", "org_id", "acct", "email_verified", "token_use"}
)
MOMENTS = frozenset({"iat", "exp", "nbf", "auth_time"})
MAX_CLAIMS = 40
MAX_VALUE = 255
_TYPES: Mapping[type, str] = {str: "a string", bool: "a boolean", int: "a number", float: "a number"}


def told(name: str, payload: Mapping[str, object], *, now: datetime) -> str:
    """Tell one claim."""
    value = payload.get(name)
    if value is None:
        return f"`{name}` is absent"
    if name in MOMENTS and isinstance(value, int | float) and not isinstance(value, bool):
        return f"`{name}` is {_moment(value - now.timestamp())}"
    if name in IMPERSONAL and _is_plain(value):
        return f"`{name}` is {quoted(value)}"
    return f"{shown(name)} is {_kind(value)}"


def told_of_all(names: Iterable[str], payload: Mapping[str, object], *, now: datetime) -> str:
    """Tell several claims, as many as a person reads."""
    every = sorted(names)
    more = len(every) - MAX_CLAIMS
    texts = [told(name, payload, now=now) for name in every[:MAX_CLAIMS]]
    return ", ".join([*texts, f"and {more} more"] if more > 0 else texts)


def quoted(value: object) -> str:
    """Quote a value as long as issuers are: what differs may stand at its end."""
    return f"`{json.dumps(value):.{MAX_VALUE}}`"


def _is_plain(value: object) -> bool:
    members = value if isinstance(value, list) else [value]
    return all(isinstance(member, str | int | float) for member in members)


def _moment(seconds: float) -> str:
    return f"in {seconds:.0f} s" if seconds >= 0 else f"{-seconds:.0f} s ago"


def _kind(value: object) -> str:
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return f"an object of {len(value)}"
    return _TYPES[type(value)]
