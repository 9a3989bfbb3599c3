"""`doctor --pexip URL`: plays a conferencing node, and says what a real one would make of each failure's answer.

The answers are held to Pexip's documented rules by the code of the simulated node, which shares nothing with the code
that writes them. What only a real node can show, its own behaviour, is for the live check in deploy/pexip.
"""

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar
from cryptography import x509
from yarl import URL

from plugin.core.reasons import Reason
from plugin.flow.budget import ANSWER_SECONDS
from plugin.shell.config import Config
from plugin.shell.demo.node_rules import AVATAR, LOCATION, PARTICIPANT, SERVICE, Verdict, read
from plugin.shell.doctor.report import Level, Line
from plugin.shell.doctor.trials import DIRECTORY, Trial, headers_of, trials
from plugin.shell.fetch import is_loopback

NODE_SECONDS = 5.0
"""When a node stops waiting."""
OK, UNAUTHORIZED, NOT_FOUND = 200, 401, 404
HTTPS = 443
MAX_BYTES = 256 * 1024
CERTIFICATE_ENDS_SOON = timedelta(days=14)
OPENS = "Pexip would use its own database"
ADVICE = "this is an open door: look at what answers at this address, the proxy in front first"
NO_NODE = Line(
    level=Level.OK,
    subject="pexip live check",
    found="what a real node makes of silence is not proven here: see the live check in deploy/pexip/README.md",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What came back. `problem` = nothing did."""

    status: int = 0
    content_type: str = ""
    body: bytes = b""
    seconds: float = 0.0
    problem: str = ""


async def examine(url: str, *, config: Config, seconds: float = NODE_SECONDS) -> AsyncIterator[Line]:
    """Put every trial to the service at `url`, which is the one of the policy profile, and wait so long for each."""
    if config.pexip is None:
        advice = "give it one, or name the configuration that the service runs with by --config"
        yield Line(level=Level.FAULT, subject="pexip", found="the configuration has no `[pexip]`", advice=advice)
        return
    credentials = next(iter(config.pexip.credentials.values()))
    timeout = ClientTimeout(total=seconds)
    async with ClientSession(timeout=timeout, cookie_jar=DummyCookieJar(), trust_env=False) as http:
        yield await _transport(url, seconds=seconds)
        slowest = 0.0
        for trial in trials(config, credentials=credentials):
            said = await _ask(url, trial, http=http)
            slowest = max(slowest, said.seconds)
            yield _judge(trial, said)
    yield _speed(slowest)
    yield NO_NODE


async def _ask(url: str, trial: Trial, *, http: ClientSession) -> Said:
    target = URL(f"{url.rstrip('/')}/policy/v1/{trial.endpoint}?{trial.query}", encoded=True)
    began = time.monotonic()
    try:
        async with http.request(trial.method, target, headers=headers_of(trial), allow_redirects=False) as answer:
            body = await answer.content.read(MAX_BYTES)
            status, content_type = answer.status, answer.content_type
    except (ClientError, TimeoutError, OSError) as error:
        return Said(problem=type(error).__name__, seconds=time.monotonic() - began)
    return Said(status=status, content_type=content_type, body=body, seconds=time.monotonic() - began)


def _judge(trial: Trial, said: Said) -> Line:
    subject = f"pexip {trial.name}"
    if trial.challenged and said.status == UNAUTHORIZED:
        advice = "`[pexip] challenge` is on, and Pexip fails open on a 401: only where nodes send nothing without it"
        return Line(level=Level.WARNING, subject=subject, found="challenged with a 401", advice=advice)
    problem = _problem(trial, said)
    if problem:
        return Line(level=Level.FAULT, subject=subject, found=problem, advice=ADVICE)
    if trial.recognised and _is_turned_away(said):
        advice = "run it on a machine that `[pexip] sources` lists, and with the service's own configuration"
        found = "turned away at the door like a stranger, so what lies behind it was not examined"
        return Line(level=Level.WARNING, subject=subject, found=found, advice=advice)
    return Line(level=Level.OK, subject=subject, found=f"as it has to be, in {said.seconds * 1000:.0f} ms")


def _problem(trial: Trial, said: Said) -> str:
    """Say what is wrong with an answer, and what a node would do; empty where nothing is."""
    if said.problem:
        return f"no answer ({said.problem}): {OPENS}"
    if trial.endpoint.startswith(AVATAR):
        is_picture = said.status == OK and said.content_type == "image/jpeg"
        return "" if is_picture or said.status == NOT_FOUND else f"status {said.status}, expected a JPEG or a 404"
    if said.status != OK:
        return f"status {said.status}, expected 200: {OPENS}"
    if said.content_type != "application/json":
        return f"content type `{said.content_type[:60]}`, expected application/json: {OPENS}"
    if trial.endpoint.startswith(DIRECTORY):
        return _problem_of_registrations(trial, said.body)
    if trial.endpoint == LOCATION:
        return ""  # it decides nothing
    question = PARTICIPANT if trial.endpoint == PARTICIPANT else SERVICE
    reading = read(question, said.body, configured=frozenset())
    match reading.verdict:
        case Verdict.REJECTED:
            return ""
        case Verdict.FALLBACK:
            return f"{reading.problem}: {OPENS}"
        case Verdict.USED:
            return "it was admitted, expected a reject"


def _is_turned_away(said: Said) -> bool:
    return f'"{Reason.CALLER_UNAUTHENTICATED.code}"'.encode() in said.body


def _problem_of_registrations(trial: Trial, body: bytes) -> str:
    try:
        envelope = json.loads(body)
    except ValueError:
        envelope = None
    if not isinstance(envelope, dict) or envelope.get("status") != "success":
        return f"not a success in JSON: {OPENS}"
    result = envelope.get("result")
    if trial.endpoint == DIRECTORY:
        return "" if result == [] else "the phonebook is open to a device that nobody knows"
    is_rejected = envelope.get("action") == "reject" and result == {}
    return "" if is_rejected else "a device that nobody knows may register, expected a reject with an empty result"


async def _transport(url: str, *, seconds: float) -> Line:
    """Say whether the way to the service is one on which nobody reads and changes what is said."""
    parts = urlsplit(url)
    subject = "pexip transport"
    if parts.scheme != "https":
        if is_loopback(parts.hostname or ""):
            return Line(level=Level.OK, subject=subject, found="plain HTTP, on this machine alone")
        advice = "put a proxy with TLS in front (deploy/nginx, deploy/haproxy): the password travels in the clear"
        return Line(level=Level.FAULT, subject=subject, found="plain HTTP over a network", advice=advice)
    try:
        certificate = await _certificate(parts.hostname or "", port=parts.port or HTTPS, seconds=seconds)
    except (TimeoutError, OSError) as error:  # what TLS refuses is an OSError as well
        advice = "nodes have to trust its chain and find its name in it: compare with Pexip's trusted CA certificates"
        return Line(level=Level.FAULT, subject=subject, found=f"no TLS ({type(error).__name__})", advice=advice)
    left = x509.load_der_x509_certificate(certificate).not_valid_after_utc - datetime.now(UTC)
    found = f"TLS, with a certificate for {left.days} days more"
    if left > CERTIFICATE_ENDS_SOON:
        return Line(level=Level.OK, subject=subject, found=found)
    return Line(level=Level.WARNING, subject=subject, found=found, advice="renew it: once it has ended, Pexip opens")


async def _certificate(host: str, *, port: int, seconds: float) -> bytes:
    """Return the certificate of whoever listens there, as DER. Its chain and its name have been verified."""
    async with asyncio.timeout(seconds):
        _, writer = await asyncio.open_connection(host, port, ssl=ssl.create_default_context())
    try:
        certificate: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.transport.abort()
    return certificate


def _speed(seconds: float) -> Line:
    found = f"the slowest answer took {seconds * 1000:.0f} ms, a node waits for {NODE_SECONDS:.0f} s"
    if seconds < ANSWER_SECONDS:
        return Line(level=Level.OK, subject="pexip speed", found=found)
    advice = "late answers are admissions: look at the machine's load, and at the proxy in front"
    return Line(level=Level.FAULT, subject="pexip speed", found=found, advice=advice)
