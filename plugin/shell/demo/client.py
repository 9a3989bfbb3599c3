"""What a person's web client does before it joins: a challenge, a sign-in, a device's signature, a ticket.

Everything goes over HTTP, through the doors that any client uses.
"""

from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Any

from aiohttp import ClientResponse, ClientSession
from authlib.oauth2.rfc6749 import OAuth2Error
from authlib.oauth2.rfc6749.parameters import parse_authorization_code_response, prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from plugin.core import base64url
from plugin.core.transcript import Purpose, Transcript
from plugin.shell.demo.accounts import Client
from plugin.shell.demo.devices import Device

OK = 200
CREATED = 201
FORBIDDEN = 403


class ProtocolError(Exception):
    """A provider or a door answered what no client can go on with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """The server's nonce and what it was made for, as the client is to sign it."""

    id: str
    tenant: str
    origin: str
    conference: str
    nonce: str

    def transcript(self, id_token: str) -> bytes:
        """Return T for this challenge and token."""
        return Transcript(
            purpose=Purpose.JOIN,
            tenant=self.tenant,
            origin=self.origin,
            conference=self.conference,
            nonce=base64url.decode(self.nonce),
            unverified_token=id_token,
        ).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What the client puts into its call."""

    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoTicket:
    """The service refused, and said why."""

    decision_id: str
    messages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Somebody's name and password at their provider."""

    username: str
    password: str


class WebClient:
    """One person's browser. `http` has a cookie jar of its own, as browsers do."""

    def __init__(self, *, http: ClientSession, service: str) -> None:
        self._http = http
        self._service = service

    async def challenge(self, conference: str) -> Challenge:
        """Ask the service for a nonce."""
        async with self._http.post(f"{self._service}/v1/challenges", json={"conference": conference}) as answer:
            body = await _body(answer, expected=(CREATED,))
        return Challenge(
            id=body["challenge_id"],
            tenant=body["tenant"],
            origin=body["origin"],
            conference=body["conference"],
            nonce=body["nonce"],
        )

    async def sign_in(self, issuer: str, *, registered: Client, nonce: str, login: Login | None) -> str:
        """Return an ID token: authorization code with PKCE (RFC 7636); `login` None = by the browser's session."""
        async with self._http.get(f"{issuer}/.well-known/openid-configuration") as answer:
            metadata = await _body(answer, expected=(OK,))
        state, verifier = token_urlsafe(16), token_urlsafe(48)
        question = prepare_grant_uri(
            metadata["authorization_endpoint"],
            client_id=registered.client_id,
            response_type="code",
            redirect_uri=registered.redirect_uri,
            scope="openid",
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
        location = await self._authorize(question, login=login)
        code = _code(location, issuer=issuer, state=state)
        fields = {
            "grant_type": "authorization_code",
            "client_id": registered.client_id,
            "redirect_uri": registered.redirect_uri,
            "code": code,
            "code_verifier": verifier,
        }
        async with self._http.post(metadata["token_endpoint"], data=fields) as answer:
            tokens = await _body(answer, expected=(OK,))
        return str(tokens["id_token"])

    async def ticket(self, challenge: Challenge, *, id_token: str, device: Device | None) -> Ticket | NoTicket:
        """Exchange the proofs for a ticket. The device signs T, which covers challenge, conference and token.

        `id_token` is empty where nobody has signed in.
        """
        evidence = []
        if device:
            payload = device.sign(challenge.transcript(id_token))
            evidence.append({"format": "x509", "payload": payload, "challenge_id": challenge.id})
        proofs: dict[str, object] = {"conference": challenge.conference, "evidence": evidence}
        if id_token:
            proofs["id_token"] = id_token
        async with self._http.post(f"{self._service}/v1/tickets", json=proofs) as answer:
            body = await _body(answer, expected=(CREATED, FORBIDDEN))
        if answer.status == CREATED:
            return Ticket(secret=body["ticket"])
        return NoTicket(
            decision_id=body["decision_id"], messages=tuple(reason["message"] for reason in body["reasons"])
        )

    async def _authorize(self, question: str, *, login: Login | None) -> str:
        if login is None:
            request = self._http.get(question, allow_redirects=False)
        else:
            form = {"username": login.username, "password": login.password}
            request = self._http.post(question, data=form, allow_redirects=False)
        async with request as answer:
            if "Location" not in answer.headers:
                raise ProtocolError(f"got status `{answer.status}` from the provider, expected a redirect")
            return answer.headers["Location"]


async def _body(answer: ClientResponse, *, expected: tuple[int, ...]) -> dict[str, Any]:
    if answer.status not in expected:
        raise ProtocolError(f"got status `{answer.status}`, expected one of {expected}")
    body: dict[str, Any] = await answer.json()
    return body


def _code(location: str, *, issuer: str, state: str) -> str:
    """Return the code, if the answer is for our state (RFC 6749 10.12) and from this issuer (RFC 9207 2.4)."""
    try:
        answer = parse_authorization_code_response(location, state)
    except OAuth2Error as error:
        raise ProtocolError(f"the provider's answer cannot be used: {error.error}") from None
    if answer.get("iss") != issuer:
        raise ProtocolError(f"got issuer `{answer.get('iss')}`, expected `{issuer}`")
    return str(answer["code"])
