"""The client: one session to one service.

Nothing but a well-formed answer of status 200 can admit somebody; everything else is `Denied` or raises `NoAnswer`.
The tokens that it sends appear in no representation, no log and no exception, and go to the configured service alone:
redirections are not followed, and plain HTTP is spoken with this machine only.
"""

import json
import re
import ssl
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from http import HTTPStatus
from ipaddress import ip_address
from types import TracebackType
from typing import Self

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, DummyCookieJar
from opentelemetry.trace import get_current_span
from yarl import URL

from vestibule.answers import Answer, Capability, Challenge, Denied
from vestibule.failures import NotAccepted, NotReached, NotUnderstood
from vestibule.questions import Evidence, Participant
from vestibule.reading import Members, read_answer, read_challenge, read_object

# The service answers within 2.5 seconds; the rest is the network's.
ANSWER_SECONDS = 4.0
MAX_ANSWER = 65_536
# What is shorter is no secret, and stands in many an answer by chance.
LEAST_SECRET = 16
_TOKEN = re.compile(r"[\x21-\x7e]+")
_FIELD = re.compile(r"[A-Za-z_.\[\]0-9]{1,100}")


def utc_now() -> datetime:
    """Return the time now."""
    return datetime.now(UTC)


class Vestibule:
    """Asks a Vestibule service, as the caller whose token it holds.

    `enforces` = what the platform can keep one participant from. An answer that demands more is `Denied`. `tls` = for a
    private CA, a context that verifies. Use it as an asynchronous context manager, one for the whole program.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str,
        enforces: Collection[Capability],
        seconds: float = ANSWER_SECONDS,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        if not _TOKEN.fullmatch(token):
            raise ValueError("got a token that no header can carry, expected visible ASCII characters")
        if tls and (tls.verify_mode is not ssl.CERT_REQUIRED or not tls.check_hostname):
            raise ValueError("got a TLS context that does not verify, expected one that checks certificate and name")
        self._url = _checked(url)
        self._token = token
        self._enforces = frozenset(Capability(capability) for capability in enforces)
        self._timeout = ClientTimeout(total=_bounded(seconds))
        self._tls = tls
        self._clock = clock
        self._session: ClientSession | None = None

    async def __aenter__(self) -> Self:
        # As it comes: inflating an answer would be work that whoever answers can order.
        self._session = ClientSession(
            cookie_jar=DummyCookieJar(),
            timeout=self._timeout,
            auto_decompress=False,
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self._session:
            await self._session.close()

    async def join(
        self,
        conference: str,
        *,
        participant: Participant | None = None,
        id_token: str | None = None,
        access_token: str | None = None,
        dpop_proof: str | None = None,
        evidence: Sequence[Evidence] = (),
        ticket: str | None = None,
    ) -> Answer:
        """Ask whether a participant may enter. Raises NoAnswer, which admits nobody.

        `dpop_proof` is the participant's own, of the key that the token is bound to.
        """
        body: dict[str, object] = {"conference": conference}
        if participant:
            body["participant"] = asdict(participant)
        presented = {"id_token": id_token, "access_token": access_token, "dpop_proof": dpop_proof, "ticket": ticket}
        given = {name: value for name, value in presented.items() if value is not None}
        body |= given
        if evidence:
            body["evidence"] = [_plain(piece) for piece in evidence]
        secrets = [self._token, *given.values()]
        status, members = await self._ask("joins", body, secrets=secrets, expected=HTTPStatus.OK)
        answer = read_answer(members, enforces=self._enforces, now=self._clock())
        if status != HTTPStatus.OK and not isinstance(answer, Denied):
            raise NotUnderstood(f"got an admission with status {status}, expected 200")
        return answer

    async def challenge(self, conference: str) -> Challenge:
        """Fetch a challenge for one join. Raises NoAnswer."""
        body = {"conference": conference}
        status, members = await self._ask("challenges", body, secrets=[self._token], expected=HTTPStatus.CREATED)
        if status != HTTPStatus.CREATED:
            raise NotReached(f"got status {status}, expected {HTTPStatus.CREATED}")
        return read_challenge(members)

    async def _ask(
        self, door: str, body: Members, *, secrets: Sequence[str], expected: HTTPStatus
    ) -> tuple[int, Members]:
        """Ask one question: `expected`, or a 503 that says a decision, with its members. Raises NoAnswer."""
        status, raw = await self._post(door, json.dumps(body).encode())
        if any(secret.encode() in raw for secret in secrets if len(secret) >= LEAST_SECRET):
            raise NotUnderstood("got an answer that repeats a token, expected none")
        if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise _not_accepted(status, raw)
        explicit = status == HTTPStatus.SERVICE_UNAVAILABLE and _says_a_decision(raw)
        if status != expected and not explicit:
            failure = NotReached if status >= HTTPStatus.INTERNAL_SERVER_ERROR else NotUnderstood
            raise failure(f"got status {status}, expected {expected}")
        return status, read_object(raw)

    async def _post(self, door: str, body: bytes) -> tuple[int, bytes]:
        if self._session is None or self._session.closed:
            raise RuntimeError("got a question outside `async with`, expected one inside")
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json", **_traceparent()}
        try:
            async with self._session.post(
                self._url / "v1" / door, data=body, headers=headers, ssl=self._tls or True, allow_redirects=False
            ) as response:
                return response.status, await _read(response)
        except (ClientError, TimeoutError, OSError) as error:
            # Some of these carry the request with its headers, so no more than the kind of it may leave.
            kind = type(error).__name__
        raise NotReached(f"got no answer ({kind}), expected one within {self._timeout.total} s")


async def _read(response: ClientResponse) -> bytes:
    """Read the body, as far as an answer may be long."""
    raw = b""
    async for chunk in response.content.iter_any():
        raw += chunk
        if len(raw) > MAX_ANSWER:
            raise NotUnderstood(f"got more than {MAX_ANSWER} bytes, expected at most that many")
    return raw


def _says_a_decision(raw: bytes) -> bool:
    """Tell the service's own 503 from that of a proxy in front of it."""
    try:
        return "decision" in read_object(raw)
    except NotUnderstood:
        return False


def _not_accepted(status: int, raw: bytes) -> NotAccepted:
    """Make the failure of a 4xx. Its body helps developers and may be anything."""
    try:
        error = read_object(raw).get("error")
    except NotUnderstood:
        error = None
    texts = error if isinstance(error, dict) else {}
    field, message = str(texts.get("field", "")), str(texts.get("message", ""))
    return NotAccepted(status=status, field=field if _FIELD.fullmatch(field) else "", message=message)


def _plain(piece: Evidence) -> dict[str, object]:
    return {"format": piece.format, "challenge_id": piece.challenge_id, "payload": dict(piece.payload)}


def _traceparent() -> dict[str, str]:
    """Say the current span, where there is one (W3C Trace Context). Baggage may name people and is never sent."""
    context = get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    return {"traceparent": f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"}


def _checked(text: str) -> URL:
    url = URL(text)
    if url.scheme != "https" and not (url.scheme == "http" and _is_this_machine(url.host or "")):
        raise ValueError("got another scheme, expected `https`, or `http` to this machine")
    if not url.host or url.user or url.password or url.query_string or url.fragment:
        raise ValueError("got another kind of URL, expected scheme, host, port and path alone")
    return url


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _bounded(seconds: float) -> float:
    if not 0 < seconds <= 60:  # noqa: PLR2004 - nobody waits a minute at a door
        raise ValueError(f"got {seconds} seconds, expected more than 0 and at most 60")
    return seconds
