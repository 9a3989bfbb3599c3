"""Challenges: a fresh nonce for one purpose and one conference, spent by its first use whatever comes of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from plugin.core import base64url
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.core.transcript import Purpose, Transcript
from plugin.jose.verify import LEEWAY
from plugin.ports import Clock, Json, Store

LIFETIME = timedelta(seconds=120)
# A challenge is remembered for as long as a sign-in that began with it may reasonably go on: a token that carries an
# old one must not pass for a fresh one with somebody else's nonce.
REMEMBERED = timedelta(hours=24)
NONCE_BYTES = 32
KIND = "challenge"
KIND_SPENT = "spent-challenge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What `POST /v1/challenges` answers. `id` is the nonce's base64url, so that a token can carry it as `nonce`."""

    id: str
    transcript: Transcript
    expires_at: datetime


class Challenges:
    """Issues and spends challenges for one tenant and origin."""

    def __init__(
        self, *, store: Store, clock: Clock, random_bytes: Callable[[int], bytes], tenant: str, origin: str
    ) -> None:
        self._store = store
        self._clock = clock
        self._random_bytes = random_bytes
        self._tenant = tenant
        self._origin = origin

    async def issue(self, alias: str, *, purpose: Purpose) -> Challenge:
        """Make a challenge for a canonical alias; whether such a conference exists is not told."""
        nonce = self._random_bytes(NONCE_BYTES)
        name = base64url.encode(nonce)
        now = self._clock()
        expires_at = now + LIFETIME
        value = {"purpose": purpose.value, "alias": _digest(alias), "until": expires_at.isoformat()}
        await self._store.put(KIND, name, value, expires_at=now + REMEMBERED)
        transcript = self._transcript(alias, purpose=purpose, nonce=nonce, unverified_token=None)
        return Challenge(id=name, transcript=transcript, expires_at=expires_at)

    async def spend(
        self, challenge_id: str, *, alias: str, purpose: Purpose, unverified_token: str | None
    ) -> Transcript:
        """Use a challenge up and return what a signature has to cover. Raises Refused where it does not fit."""
        value = await self._store.get(KIND, challenge_id, now=self._clock())
        if value is None or not await self._is_first_use(challenge_id, value=value):
            raise Refused(Reason.EVIDENCE_CHALLENGE, "unknown, expired or used before")
        if not _fits(value, alias=alias, purpose=purpose):
            raise Refused(Reason.EVIDENCE_CHALLENGE, "made for another conference or purpose")
        nonce = base64url.decode(challenge_id)
        return self._transcript(alias, purpose=purpose, nonce=nonce, unverified_token=unverified_token)

    @property
    def origin(self) -> str:
        """Return what a proof has to name as the beginning of our addresses."""
        return self._origin

    async def spend_in_proof(self, nonce: str | None, *, alias: str, unverified_token: str) -> None:
        """Use a challenge up that a proof of possession carries as `id.T`, T in base64url. Raises Refused.

        The id says which challenge it was; T, that its holder has signed for this conference and this token.
        """
        challenge_id, _, transcript = (nonce or "").partition(".")
        spent = await self.spend(challenge_id, alias=alias, purpose=Purpose.JOIN, unverified_token=unverified_token)
        if transcript != base64url.encode(spent.digest()):
            raise Refused(Reason.EVIDENCE_CHALLENGE, "the nonce of the proof is of another transcript")

    async def spend_nonce(self, nonce: str, *, alias: str) -> bool:
        """Use a challenge up that an ID token carries as its `nonce`.

        False = it never was a challenge of ours: the token then has to be fresh by itself. Raises Refused for one that
        was made for another conference, or is spent or too old: such a token was not minted for this question.
        """
        value = await self._store.get(KIND, nonce, now=self._clock())
        if value is None:
            return False
        is_first_use = await self._is_first_use(nonce, value=value)
        if not is_first_use or not _fits(value, alias=alias, purpose=Purpose.JOIN):
            raise Refused(Reason.TOKEN_NONCE, "the challenge was made for another conference, or is spent or too old")
        return True

    async def has_made(self, nonce: str) -> bool:
        """Say whether a nonce is a challenge of ours, for whatever purpose and however spent."""
        return await self._store.get(KIND, nonce, now=self._clock()) is not None

    async def _is_first_use(self, challenge_id: str, *, value: Json) -> bool:
        """Use a challenge up, and say whether this was in its time and the first use."""
        now = self._clock()
        is_first = await self._store.claim(KIND_SPENT, challenge_id, expires_at=now + REMEMBERED, now=now)
        until = datetime.fromisoformat(str(value["until"]))
        # One from the future was made before the clock was set back, and would live for as long as that took.
        return is_first and now < until <= now + LIFETIME + LEEWAY

    def _transcript(self, alias: str, *, purpose: Purpose, nonce: bytes, unverified_token: str | None) -> Transcript:
        return Transcript(
            purpose=purpose,
            tenant=self._tenant,
            origin=self._origin,
            conference=alias,
            nonce=nonce,
            unverified_token=unverified_token,
        )


def _fits(value: Json, *, alias: str, purpose: Purpose) -> bool:
    return value["alias"] == _digest(alias) and value["purpose"] == purpose.value


def _digest(alias: str) -> str:
    """Return what is stored of an alias: anybody may ask for a challenge, and an alias may be somebody's name."""
    return sha256(alias.encode()).hexdigest()
