"""Verify a logout token (OpenID Connect Back-Channel Logout 1.0, section 2.6): whom a provider has signed out.

It must never take a token for one that could also be an ID token, nor the other way round.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.jose.claims import number, optional, text
from plugin.jose.keys import KeySet
from plugin.jose.verify import verify_issued

EVENT = "http://schemas.openid.net/event/backchannel-logout"
# Section 2.4 recommends the type and does not ask for it.
TOKEN_TYPES = frozenset({"logout+jwt", "jwt", ""})


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutToken:
    """At least one of `session_id` and `subject` is there. `token_id` is the token's own, for as long as it lives."""

    session_id: str | None
    subject: str | None
    token_id: str
    issued_at: datetime
    expires_at: datetime


def verify_logout(
    unverified_token: str,
    *,
    keys: KeySet,
    issuer: str,
    audience: frozenset[str],
    algorithms: frozenset[str],
    now: datetime,
) -> LogoutToken:
    """Verify a logout token, all but whether it has come before. Raises Refused."""
    payload = verify_issued(
        unverified_token,
        keys=keys,
        issuer=issuer,
        audience=audience,
        algorithms=algorithms,
        token_types=TOKEN_TYPES,
        now=now,
    ).payload
    events = payload.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise Refused(Reason.TOKEN_TYPE, f"claim `events` has no member `{EVENT}`")
    if "nonce" in payload:  # section 2.4: so that no logout token passes for an ID token
        raise Refused(Reason.TOKEN_TYPE, "claim `nonce` is present, expected none in a logout token")
    session_id, subject = optional(text, "sid", payload=payload), optional(text, "sub", payload=payload)
    if not session_id and not subject:
        raise Refused(Reason.TOKEN_CLAIM, "claims `sid` and `sub` are absent, expected one of them")
    return LogoutToken(
        session_id=session_id or None,
        subject=subject or None,
        token_id=text("jti", payload),
        issued_at=datetime.fromtimestamp(number("iat", payload), tz=UTC),
        expires_at=datetime.fromtimestamp(number("exp", payload), tz=UTC),
    )
