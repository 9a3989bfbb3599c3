"""The members of a payload, read within bounds. Raises Refused and nothing else."""

import math
from collections.abc import Mapping

from plugin.core import base64url
from plugin.core.errors import Refused
from plugin.core.reasons import Reason


def expect(payload: Mapping[str, object], *names: str) -> None:
    """Expect exactly these members."""
    if payload.keys() != set(names):
        raise Refused(Reason.EVIDENCE_MALFORMED, f"expected exactly {', '.join(f'`{name}`' for name in names)}")


def text(payload: Mapping[str, object], name: str, *, most: int) -> str:
    """Read a text."""
    value = payload.get(name)
    if not isinstance(value, str) or len(value) > most:
        raise Refused(Reason.EVIDENCE_MALFORMED, f"expected `{name}` to be text of at most {most} characters")
    return value


def octets(payload: Mapping[str, object], name: str, *, most: int) -> bytes:
    """Read base64url without padding."""
    try:
        return base64url.decode(text(payload, name, most=math.ceil(most * 4 / 3)))
    except ValueError:
        raise Refused(Reason.EVIDENCE_MALFORMED, f"expected `{name}` in canonical base64url") from None
