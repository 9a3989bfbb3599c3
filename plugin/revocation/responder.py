"""One CA's OCSP responder, asked at the configured URL alone: what a certificate says about it is a stranger's word.

An answer is kept until its nextUpdate, for an hour at most, so that a revocation is seen within the hour whatever the
responder signs in advance. What could not be used is not kept: the next who asks, asks again.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from cachetools import TLRUCache
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from plugin.core.errors import Refused, Unavailable
from plugin.core.reasons import Reason
from plugin.ports import Clock, Ocsp, Post
from plugin.revocation.ocsp import Answer, UnusableAnswer, make_request, read_answer

MEDIA_TYPE = "application/ocsp-request"
OK = 200
MAX_BYTES = 32 * 1024
MOST_KEPT = 4096
LONGEST_KEPT = timedelta(hours=1)
NONCE_BYTES = 32

Question = tuple[bytes, int]


class Responder:
    """Asks about certificates, and keeps the answers."""

    def __init__(
        self, settings: Ocsp, *, ca: str, post: Post, clock: Clock, random_bytes: Callable[[int], bytes]
    ) -> None:
        self._settings = settings
        self._ca = ca
        self._post = post
        self._clock = clock
        self._random_bytes = random_bytes
        self._kept: TLRUCache[Question, Answer, datetime] = TLRUCache(MOST_KEPT, ttu=_keep_until, timer=clock)

    async def check(self, certificate: x509.Certificate, *, issuer: x509.Certificate) -> None:
        """Raise Refused for a revoked certificate, and Unavailable where the responder does not say."""
        question = (issuer.public_bytes(Encoding.DER), certificate.serial_number)
        answer = self._kept.get(question)
        if answer is None:
            answer = self._kept[question] = await self._ask(certificate, issuer=issuer)
        if answer.revoked:
            raise Refused(Reason.EVIDENCE_REVOKED, f"revoked by `{self._ca}` (OCSP)")

    async def _ask(self, certificate: x509.Certificate, *, issuer: x509.Certificate) -> Answer:
        nonce = self._random_bytes(NONCE_BYTES) if self._settings.nonce else None
        request = make_request(certificate, issuer=issuer, nonce=nonce)
        try:
            fetched = await self._post(
                self._settings.url, request.public_bytes(Encoding.DER), media_type=MEDIA_TYPE, limit=MAX_BYTES
            )
        except Unavailable as unavailable:
            raise self._unknown(unavailable.detail) from None
        if fetched.status != OK:
            raise self._unknown(f"got status `{fetched.status}`, expected `{OK}`")
        try:
            return read_answer(fetched.body, request=request, issuer=issuer, now=self._clock())
        except UnusableAnswer as unusable:
            raise self._unknown(str(unusable)) from None

    def _unknown(self, detail: str) -> Unavailable:
        return Unavailable(self._ca, Reason.REVOCATION_UNKNOWN, detail)


def _keep_until(_: Question, answer: Answer, now: datetime) -> datetime:
    return min(answer.until, now + LONGEST_KEPT)
