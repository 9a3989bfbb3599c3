"""Devices that register with a platform: which of them are known, and what is told to the platform about them.

A registration admits nobody to a conference. It must never match a device by anything but its canonical alias.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import assert_never

from plugin.core.address import IpNetwork, is_within, read_address
from plugin.core.decision import Because, because
from plugin.core.directory import glob_covers
from plugin.core.reasons import Reason

PROTOCOLS = ("webrtc", "sip", "h323")


class Auth(Enum):
    """How a device proves itself to the platform, which checks it: by a password, or by a sign-in of its own."""

    CREDENTIALS = "credentials"
    SSO = "sso"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationRequest:
    """A device that wants to register. All of it is the platform's word, and `alias` (canonical) the device's."""

    alias: str
    protocol: str
    auth: Auth
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Password:
    """What the platform has to hear from the device."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveSignIn:
    """The platform signs the device in by its own means, unseen (`unsafe_leave_to_platform`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationEntry:
    """One `[[registration]]` table: devices of one organisation. `alias` is a glob over the whole canonical alias.

    `proof` None = it is known here which organisation these devices belong to, and none may register.
    """

    place: str
    alias: str
    org: str
    proof: Password | LeaveSignIn | None
    protocols: frozenset[str] = frozenset(PROTOCOLS)
    networks: tuple[IpNetwork, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """The device may register, if it has this proof."""

    proof: Password | LeaveSignIn
    reason: Because


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRegistered:
    """The device may not."""

    reason: Because


Registration = Registered | NotRegistered


def find_registration(alias: str, *, entries: Iterable[RegistrationEntry]) -> RegistrationEntry | None:
    """Return the table that covers a canonical alias. No two of a configuration cover the same."""
    return next((entry for entry in entries if glob_covers(entry.alias, alias)), None)


def judge_registration(request: RegistrationRequest, *, entries: Iterable[RegistrationEntry]) -> Registration:
    """Say whether a device may register, and by what proof."""
    entry = find_registration(request.alias, entries=entries)
    if entry is None:
        return NotRegistered(reason=because(Reason.REGISTRATION_UNKNOWN))
    detail = f"by `{entry.place}`"
    is_near = not entry.networks or is_within(read_address(request.address), entry.networks)
    if request.protocol not in entry.protocols or not is_near:
        return NotRegistered(reason=because(Reason.REGISTRATION_PLACE, detail=detail))
    match entry.proof:
        case Password() if request.auth is Auth.CREDENTIALS:
            return Registered(proof=entry.proof, reason=because(Reason.REGISTRATION_KNOWN, detail=detail))
        case LeaveSignIn() if request.auth is Auth.SSO:
            return Registered(proof=entry.proof, reason=because(Reason.REGISTRATION_LEFT, detail=detail))
        case Password() | LeaveSignIn() | None:
            return NotRegistered(reason=because(Reason.REGISTRATION_AUTH, detail=detail))
        case _:
            assert_never(entry.proof)
