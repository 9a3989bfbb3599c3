"""The protocol half of the demo's OpenID provider: authlib's provider core with our clock, keys and codes.

Authorization code with PKCE (OIDC Core 3.1, RFC 7636), S256 and ES256 alone. It does no HTTP: provider.py does.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_urlsafe

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.requests import OAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc9207 import IssuerParameter
from authlib.oidc.core.grants import OpenIDCode
from joserfc.jwk import ECKey
from multidict import MultiMapping

from plugin.ports import Clock
from plugin.shell.demo.accounts import CODE_LIFETIME, Client, Code, Codes, Session

ALGORITHM = "ES256"
TOKEN_LIFETIME = timedelta(seconds=600)


@dataclass(slots=True)
class Reply:
    """What authlib answers. `location` can be set since the `iss` of RFC 9207 is added to it afterwards."""

    status: int
    body: str | Mapping[str, object]
    headers: dict[str, str]

    @property
    def location(self) -> str | None:
        return self.headers.get("Location")

    @location.setter
    def location(self, value: str) -> None:
        self.headers["Location"] = value


class Parameters(OAuth2Payload):  # type: ignore[misc]  # authlib has no type information
    """The parameters of a request; `datalist` shows authlib those that came twice."""

    def __init__(self, parameters: MultiMapping[str]) -> None:
        self._parameters = parameters

    @property
    def data(self) -> dict[str, str]:
        return {name: values[0] for name, values in self.datalist.items()}

    @property
    def datalist(self) -> dict[str, list[str]]:
        return {name: self._parameters.getall(name) for name in self._parameters}


class Request(OAuth2Request):  # type: ignore[misc]  # authlib has no type information
    """A request as authlib reads it. Its address is the issuer's: the Host header is the caller's to choose."""

    def __init__(self, method: str, *, issuer: str, parameters: MultiMapping[str]) -> None:
        super().__init__(method, issuer)
        self.payload = Parameters(parameters)

    @property
    def form(self) -> dict[str, str]:
        return self.payload.data


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]  # authlib has no type information
    """The authorization code flow (OIDC Core 3.1) of public clients. Here `request.user` is a Session."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("none",)

    def save_authorization_code(self, code: str, request: Request) -> None:
        data = request.payload.data
        self.server.codes.put(
            code,
            Code(
                client_id=request.client.client_id,
                redirect_uri=data["redirect_uri"],
                scope=request.scope,
                nonce=data["nonce"],
                code_challenge=data["code_challenge"],
                code_challenge_method=data["code_challenge_method"],
                session=request.user,
                expires_at=self.server.clock() + CODE_LIFETIME,
            ),
        )

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        taken: Code | None = self.server.codes.take(code, client_id=client.client_id, now=self.server.clock())
        return taken

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """Nothing is left to delete: looking a code up took it."""

    def authenticate_user(self, authorization_code: Code) -> Session:
        return authorization_code.session


class S256Challenge(CodeChallenge):  # type: ignore[misc]  # authlib has no type information
    """PKCE in every request, and never the `plain` method (RFC 9700 2.1.1)."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: CodeGrant, redirect_uri: str) -> None:
        data = grant.request.payload.data
        if not data.get("code_challenge") or data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("expected a code_challenge with code_challenge_method S256")
        super().validate_code_challenge(grant, redirect_uri)


class IdToken(OpenIDCode):  # type: ignore[misc]  # authlib has no type information
    """The ID token (OIDC Core 2). authlib adds nonce, auth_time, acr, amr from the code, and at_hash."""

    def __init__(self, *, issuer: str, key: ECKey, clock: Clock) -> None:
        super().__init__(require_nonce=True)
        self._issuer = issuer
        self._key = key
        self._clock = clock

    def exists_nonce(self, nonce: str, request: Request) -> bool:  # noqa: ARG002  # authlib asks with both
        """Whether a nonce has been used is the relying party's to judge (OIDC Core 15.5.2)."""
        return False

    def resolve_client_private_key(self, client: Client) -> ECKey:  # noqa: ARG002  # authlib asks for a client
        return self._key

    def get_client_algorithm(self, client: Client) -> str:  # noqa: ARG002  # authlib asks for a client
        return ALGORITHM

    def get_encode_header(self, client: Client) -> dict[str, str]:  # noqa: ARG002  # authlib asks for a client
        return {"alg": ALGORITHM, "typ": "JWT", "kid": str(self._key.kid)}

    def get_client_claims(self, client: Client) -> dict[str, object]:
        now = self._clock()
        return {
            "iss": self._issuer,
            "aud": client.client_id,
            "iat": int(now.timestamp()),
            "exp": int((now + TOKEN_LIFETIME).timestamp()),
        }

    def generate_user_info(self, session: Session, scope: str) -> dict[str, object]:  # noqa: ARG002  # as above
        return {"sub": session.account.subject, "groups": list(session.account.groups), "sid": session.sid}


class Issuer(IssuerParameter):  # type: ignore[misc]  # authlib has no type information
    """Authorization responses name their issuer, against mix-up (RFC 9207)."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer

    def get_issuer(self) -> str:
        return self._issuer


class Server(AuthorizationServer):  # type: ignore[misc]  # authlib has no type information
    """authlib's authorization server with one client."""

    def __init__(self, *, issuer: str, client: Client, key: ECKey, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.codes = Codes()
        self._client = client
        id_token = IdToken(issuer=issuer, key=key, clock=clock)
        lifetime = int(TOKEN_LIFETIME.total_seconds())
        self.register_token_generator("default", BearerTokenGenerator(_access_token, expires_generator=lifetime))
        self.register_grant(CodeGrant, [id_token, S256Challenge(required=True)])
        self.register_extension(Issuer(issuer))

    def query_client(self, client_id: str) -> Client | None:
        return self._client if client_id == self._client.client_id else None

    def save_token(self, token: object, request: Request) -> None:
        """Nothing here accepts an access token, so none is kept."""

    def send_signal(self, name: str, **details: object) -> None:
        """Nobody listens."""

    def refuse(self, request: Request, error: OAuth2Error) -> Reply:
        """Answer a bad authorization request, at the redirect_uri where that is known to be the client's."""
        reply: Reply = self.handle_error_response(request, error)
        self.execute_hook("after_create_authorization_response", reply)
        return reply

    def create_oauth2_request(self, request: Request) -> Request:
        return request

    def handle_response(
        self, status: int, body: str | Mapping[str, object], headers: Iterable[tuple[str, str]]
    ) -> Reply:
        return Reply(status, body, dict(headers))


def _access_token(**_: object) -> str:
    return token_urlsafe(32)
