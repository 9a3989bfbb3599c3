"""Who has signed out: from then on their sign-in opens nothing here.

A session that has ended never begins again: all its tokens are void. A person who was signed out everywhere may sign
in anew: void are the tokens that were issued before. What is noted outlives every token that it voids.
"""

import asyncio
import json
from datetime import datetime
from hashlib import sha256

from plugin.core.errors import Refused
from plugin.core.identity import Identity
from plugin.core.reasons import Reason
from plugin.jose.logout_token import LogoutToken
from plugin.jose.verify import LEEWAY, MAX_LIFETIME
from plugin.ports import Clock, Store

KIND = "signed-out"
KIND_TOKEN = "logout-token"  # noqa: S105 - a kind of entry
KEPT = MAX_LIFETIME + 2 * LEEWAY


class SignOuts:
    """Notes sign-outs, and looks them up."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def note(self, token: LogoutToken, *, issuer: str) -> None:
        """Note whom a verified logout token names. Raises Refused where it has come before, and Unavailable."""
        # Noted first: where that fails, the same token may come again.
        for key in _voided(token, issuer=issuer):
            await self._note(key, since=token.issued_at)
        replay, until = _hash("token", issuer, token.token_id), token.expires_at + LEEWAY
        if not await self._store.claim(KIND_TOKEN, replay, expires_at=until, now=self._clock()):
            raise Refused(Reason.TOKEN_REPLAYED)

    async def check(self, identity: Identity) -> None:
        """Check that the sign-in still counts. Raises Refused where it does not, Unavailable where nobody knows."""
        session = _session(identity.issuer, identity.session_id) if identity.session_id else None
        ended, signed_out = await asyncio.gather(
            self._since(session or _sessionless(identity.issuer, identity.subject)),
            self._since(_person(identity.issuer, identity.subject)),
        )
        if session and ended is not None:
            raise Refused(Reason.SIGNED_OUT)
        if any(since is not None and identity.issued_at <= since for since in (ended, signed_out)):
            raise Refused(Reason.SIGNED_OUT)

    async def _note(self, key: str, *, since: datetime) -> None:
        known = await self._since(key)
        value = {"since": max(since, known or since).isoformat()}
        await self._store.put(KIND, key, value, expires_at=self._clock() + KEPT)

    async def _since(self, key: str) -> datetime | None:
        noted = await self._store.get(KIND, key, now=self._clock())
        return datetime.fromisoformat(str(noted["since"])) if noted else None


def _voided(token: LogoutToken, *, issuer: str) -> tuple[str, ...]:
    """Name what ends: a session, and a person's tokens that name none; or, without a session, all of a person's."""
    if token.session_id is None:
        return (_person(issuer, token.subject or ""),)
    session = _session(issuer, token.session_id)
    return (session,) if token.subject is None else (session, _sessionless(issuer, token.subject))


def _session(issuer: str, session_id: str) -> str:
    return _hash("session", issuer, session_id)


def _person(issuer: str, subject: str) -> str:
    return _hash("person", issuer, subject)


def _sessionless(issuer: str, subject: str) -> str:
    return _hash("sessionless", issuer, subject)


def _hash(*parts: str) -> str:
    # JSON keeps the parts apart. Nobody reads in the store who has signed out.
    return sha256(json.dumps(parts).encode()).hexdigest()
