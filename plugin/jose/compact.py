"""The compact form of a signed token (RFC 7515 section 7.1), read strictly and within bounds. Proof of nothing.

It must never act on what a header asks for: no key, address or extension that a token brings along is followed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from plugin.core import base64url
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.jose.strict_json import read_object

MAX_TOKEN = 16 * 1024
MAX_HEADER = 2 * 1024
MAX_PARAMETER = 255

# What is not here is refused, present or future: `jwk`, `jku`, `x5u` and `x5c` bring a key along, `crit` and `b64`
# change what is signed, `zip` and `enc` belong to encryption, `cty` announces a token within the token.
# The thumbprints are hints at a key that `kid` names as well, and are ignored.
PARAMETERS = frozenset({"alg", "kid", "typ", "x5t", "x5t#S256"})


@dataclass(frozen=True, slots=True, kw_only=True)
class UnverifiedCompact:
    """The header's parameters, `alg` among them, and the payload's bytes."""

    header: Mapping[str, str]
    payload: bytes


def read_compact(unverified_token: str) -> UnverifiedCompact:
    """Take a token apart. Raises Refused."""
    header, payload = _split(unverified_token)
    return UnverifiedCompact(header=_read_header(header), payload=payload)


def read_parts(unverified_token: str) -> tuple[Mapping[str, object], bytes]:
    """Take a token apart whose header its reader looks through itself: all of its parameters. Raises Refused."""
    header, payload = _split(unverified_token)
    return read_json(_bounded(header)), payload


def _split(unverified_token: str) -> tuple[bytes, bytes]:
    if len(unverified_token) > MAX_TOKEN:
        raise Refused(Reason.TOKEN_TOO_LARGE, f"got {len(unverified_token)} characters, expected at most {MAX_TOKEN}")
    parts = unverified_token.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - header, payload, signature; five are an encrypted token (RFC 7516)
        raise Refused(Reason.TOKEN_MALFORMED, f"got {len(parts)} parts, expected 3")
    try:
        header, payload, _ = map(base64url.decode, parts)
    except ValueError as error:
        raise Refused(Reason.TOKEN_MALFORMED, str(error)) from None
    return header, payload


def read_json(raw: bytes) -> dict[str, object]:
    """Read a header or a payload. Raises Refused."""
    try:
        return read_object(raw)
    except ValueError as error:
        raise Refused(Reason.TOKEN_MALFORMED, str(error)) from None


def _bounded(header: bytes) -> bytes:
    if len(header) > MAX_HEADER:
        raise Refused(Reason.TOKEN_TOO_LARGE, f"got a header of {len(header)} bytes, expected at most {MAX_HEADER}")
    return header


def _read_header(raw: bytes) -> Mapping[str, str]:
    header: dict[str, str] = {}
    for name, value in read_json(_bounded(raw)).items():
        if name not in PARAMETERS:
            raise Refused(Reason.TOKEN_HEADER, f"got an unknown header parameter, expected only {sorted(PARAMETERS)}")
        if not isinstance(value, str) or len(value) > MAX_PARAMETER:
            raise Refused(Reason.TOKEN_HEADER, f"header parameter `{name}` is no string of {MAX_PARAMETER} characters")
        header[name] = value
    if "alg" not in header:
        raise Refused(Reason.TOKEN_HEADER, "header parameter `alg` is absent")
    return header
