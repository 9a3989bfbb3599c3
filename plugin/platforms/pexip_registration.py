"""A device that registers with Pexip: how the node asks about it, and how it is answered.

The alias stands in the path, where it can be spelt in many ways; what is unclear is nobody's. Pexip checks the
password itself and has to be told it, which is why nothing else of an answer ever holds one.
"""

import re
from typing import assert_never
from urllib.parse import unquote

from plugin.core.registration import Auth, LeaveSignIn, NotRegistered, Password, Registration, RegistrationRequest
from plugin.platforms._pexip_parameters import Unclear, alias_of, fold, one
from plugin.platforms.pexip import SAFE_ANSWERS, Endpoint, Params
from plugin.platforms.pexip_fields import REGISTRATION, faults
from plugin.ports import Json

_NOT_ENCODED = re.compile(r"%(?![0-9A-Fa-f]{2})")
# What canonical form would drop is part of the name under which Pexip registers the device.
_DROPPED = re.compile(r"[;?#\s]")
# The documented example has quotes about it, which are sent as they stand there.
AUTH_TYPES = {text: auth for auth in Auth for text in (auth.value, f'"{auth.value}"')}
REJECT = SAFE_ANSWERS[Endpoint.REGISTRATION] or {}
LEAVE: Json = {"status": "fail", "action": "continue"}


def read_registration(unverified_path: str, params: Params) -> RegistrationRequest | None:
    """Read a question. `unverified_path` is what follows `/registrations/` as it came, percent-encoded."""
    params = fold(params)
    try:
        alias = _alias(unverified_path)
        auth = AUTH_TYPES.get(one(params, "auth_type"))
        protocol, address = one(params, "protocol"), one(params, "remote_address")
    except Unclear:
        return None
    if alias is None or auth is None:
        return None
    return RegistrationRequest(alias=alias, protocol=protocol, auth=auth, address=address)


def write_registration(registration: Registration) -> Json:
    """Say what was decided."""
    if isinstance(registration, NotRegistered):
        return REJECT
    match registration.proof:
        case Password(username=username, password=password):
            result = {"username": username, "password": password}
            return REJECT if faults(result, table=REGISTRATION) else {"status": "success", "result": result}
        case LeaveSignIn():
            # There is no answer by which Pexip could be told to sign a device in. This one makes it look the device up
            # in its own database, where a device has its identity provider.
            return LEAVE
        case _:
            assert_never(registration.proof)


def _alias(unverified_path: str) -> str | None:
    """Return the alias in canonical form, None where it has another spelling left that could be somebody else's."""
    if _NOT_ENCODED.search(unverified_path):
        return None
    try:
        text = unquote(unverified_path, errors="strict")
    except UnicodeDecodeError:
        return None
    alias = None if _DROPPED.search(text) else alias_of(text)
    return alias if alias and alias_of(alias) == alias else None
