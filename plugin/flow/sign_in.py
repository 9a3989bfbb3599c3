"""Signing people in at their own provider, as a relying party: authorization code with PKCE (OIDC Core 3.1, RFC 7636).

Each sign-in belongs to the browser that began it, to one provider and to one nonce, and is used up by its first answer,
whatever comes of that. It must never send anybody but to the provider's own endpoint, nor back but to our own page.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from hmac import compare_digest
from urllib.parse import urlsplit

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from plugin.core import base64url
from plugin.core.errors import Refused, Unavailable
from plugin.core.identity import Identity
from plugin.core.reasons import Reason
from plugin.jose.keys import MAX_BYTES
from plugin.jose.strict_json import read_object
from plugin.ports import Clock, Fetch, Fetched, Json, Post, Store

KIND = "sign-in"
LIFETIME = timedelta(minutes=10)
SECRET_BYTES = 32
OK = 200
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """What one provider knows this house by. No secret = a public client, which PKCE alone protects."""

    issuer: str
    client_id: str
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A client, and the way to its provider."""

    client: Client
    fetch: Fetch
    post: Post


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a provider's redirect brought back, all of it unverified. `issuer` is RFC 9207's, None = it was not told."""

    state: str
    code: str
    issuer: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A token that was minted for `nonce`."""

    unverified_token: str
    nonce: str


class SignIns:
    """Begins sign-ins and finishes them. `recognise` verifies a token as every token is verified."""

    def __init__(
        self,
        *,
        registrations: Mapping[str, Registration],
        redirect_uri: str,
        recognise: Callable[[str], Awaitable[Identity]],
        store: Store,
        clock: Clock,
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._registrations = registrations
        self._redirect_uri = redirect_uri
        self._recognise = recognise
        self._store = store
        self._clock = clock
        self._random_bytes = random_bytes

    async def begin(self, issuer: str, *, nonce: str, browser: str) -> str:
        """Return where the browser, known by a secret of its own, is to be sent. Raises Refused and Unavailable."""
        registration = self._registration(issuer)
        metadata = await self._metadata(registration)
        state, verifier = self.secret(), self.secret()
        begun = {"issuer": issuer, "nonce": nonce, "verifier": verifier, "browser": _hash(browser)}
        await self._store.put(KIND, _hash(state), begun, expires_at=self._clock() + LIFETIME)
        # `prompt` and `max_age`: a session of last week is not the person (OIDC Core 3.1.2.1).
        uri: str = prepare_grant_uri(
            _endpoint(metadata, "authorization_endpoint", issuer=issuer),
            client_id=registration.client.client_id,
            response_type="code",
            redirect_uri=self._redirect_uri,
            scope="openid",
            state=state,
            nonce=nonce,
            prompt="login",
            max_age="0",
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
        return uri

    async def finish(self, answer: Answer, *, browser: str) -> SignedIn:
        """Exchange the code for a token, and verify that it was minted for this sign-in.

        1 use the sign-in up   2 whose answer it is   3 exchange   4 verify. Raises Refused and Unavailable.
        """
        # 1 use the sign-in up: a second answer for it finds nothing
        begun = await self._store.take(KIND, _hash(answer.state), now=self._clock())
        if begun is None or not compare_digest(str(begun["browser"]), _hash(browser)):
            raise Refused(Reason.SIGN_IN_UNKNOWN)

        # 2 whose answer it is (RFC 9207 2.4): a provider that names itself does so always
        registration = self._registration(str(begun["issuer"]))
        issuer = registration.client.issuer
        metadata = await self._metadata(registration)
        names_itself = metadata.get("authorization_response_iss_parameter_supported") is True
        if answer.issuer != issuer and (answer.issuer is not None or names_itself):
            raise Refused(Reason.SIGN_IN_UNKNOWN, "the answer is another provider's")

        # 3 exchange
        unverified_token = await self._exchange(
            registration, metadata=metadata, code=answer.code, verifier=str(begun["verifier"])
        )

        # 4 verify (OIDC Core 3.1.3.7), by the provider's own table
        identity = await self._recognise(unverified_token)
        if identity.issuer != issuer:
            raise Refused(Reason.TOKEN_ISSUER)
        if identity.nonce != begun["nonce"]:
            raise Refused(Reason.TOKEN_NONCE, "not the nonce of this sign-in")
        return SignedIn(unverified_token=unverified_token, nonce=str(begun["nonce"]))

    def secret(self) -> str:
        """Make a secret that nobody guesses."""
        return base64url.encode(self._random_bytes(SECRET_BYTES))

    def _registration(self, issuer: str) -> Registration:
        registration = self._registrations.get(issuer)
        if registration is None:
            raise Refused(Reason.TOKEN_ISSUER, "nobody can sign in there")
        return registration

    async def _metadata(self, registration: Registration) -> Json:
        issuer = registration.client.issuer
        url = f"{issuer.removesuffix('/')}/.well-known/openid-configuration"
        metadata = _read(await registration.fetch(url, limit=MAX_BYTES), issuer=issuer)
        if metadata.get("issuer") != issuer:  # OIDC Discovery 4.3: identical
            raise _misconfigured(issuer, "metadata names another issuer")
        return metadata

    async def _exchange(self, registration: Registration, *, metadata: Json, code: str, verifier: str) -> str:
        client = registration.client
        endpoint = _endpoint(metadata, "token_endpoint", issuer=client.issuer)
        body = prepare_token_request(
            "authorization_code", redirect_uri=self._redirect_uri, code=code, code_verifier=verifier
        )
        method = "client_secret_post" if client.secret else "none"
        auth = ClientAuth(client.client_id, client.secret, method)
        _, _, body = auth.prepare("POST", endpoint, {}, body)
        fetched = await registration.post(endpoint, body.encode(), media_type=FORM, limit=MAX_BYTES)
        if fetched.status in range(400, 429):  # RFC 6749 5.2: what was presented is bad
            raise Refused(Reason.SIGN_IN_UNKNOWN, f"the provider answered status `{fetched.status}`")
        token = _read(fetched, issuer=client.issuer).get("id_token")
        if not isinstance(token, str):
            raise _misconfigured(client.issuer, "no `id_token` in the answer")
        return token


def _read(fetched: Fetched, *, issuer: str) -> Json:
    if fetched.status != OK:
        raise Unavailable(issuer, Reason.IDP_UNREACHABLE, f"got status `{fetched.status}`, expected `{OK}`")
    try:
        return read_object(fetched.body)
    except ValueError:
        raise _misconfigured(issuer, "not a JSON object") from None


def _endpoint(metadata: Json, name: str, *, issuer: str) -> str:
    """Return an endpoint of the metadata; https, unless the issuer itself is plain (on a loopback address)."""
    url = metadata.get(name)
    try:
        scheme = urlsplit(url).scheme if isinstance(url, str) else ""
    except ValueError:
        scheme = ""
    if not isinstance(url, str) or scheme not in ("https", urlsplit(issuer).scheme):
        raise _misconfigured(issuer, f"no usable `{name}` in the metadata")
    return url


def _misconfigured(issuer: str, detail: str) -> Unavailable:
    return Unavailable(issuer, Reason.IDP_MISCONFIGURED, detail)


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
