"""The demo's OpenID provider over HTTP: discovery, keys, a sign-in page and the token endpoint.

An organisation's provider with throw-away keys and accounts. It must never be reachable from another machine,
and nothing of it outlives the process.
"""

import json
from collections.abc import Iterable
from html import escape
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web
from authlib.oauth2.rfc6749 import OAuth2Error
from joserfc.jwk import ECKey
from multidict import MultiDict

from plugin.ports import Clock
from plugin.shell.demo.accounts import SESSION_LIFETIME, Account, Client, Session, Sessions
from plugin.shell.demo.authorization import ALGORITHM, Reply, Request, Server

COOKIE = "session"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
LOGIN_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Sign in</title>
<h1>Sign in to {issuer}</h1>
<p>This is a demo: its accounts and passwords were made for this run and end with it.</p>
<p role="alert">{problem}</p>
<form method="post">
<p><label>Name <input name="username" autocomplete="username" required></label></p>
<p><label>Password <input name="password" type="password" autocomplete="current-password" required></label></p>
<p><button>Sign in</button></p>
</form>
</html>
"""


class Provider:
    """One organisation's provider. `sessions` is open to the demo, so that somebody may have signed in hours ago."""

    def __init__(self, *, issuer: str, client: Client, accounts: Iterable[Account], clock: Clock) -> None:
        host = urlsplit(issuer).hostname or ""
        if not ip_address(host).is_loopback:
            raise ValueError(f"unexpected host `{host}`, expected a loopback address")
        self.issuer = issuer
        self.sessions = Sessions(accounts)
        self._clock = clock
        self._key = ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM}, auto_kid=True)
        self._server = Server(issuer=issuer, client=client, key=self._key, clock=clock)

    def app(self) -> web.Application:
        """Return the endpoints, to be bound to the issuer's address."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/.well-known/openid-configuration", self._discovery),
                web.get("/jwks", self._jwks),
                web.get("/authorize", self._authorize),
                web.post("/authorize", self._sign_in),
                web.post("/token", self._token),
            ]
        )
        return app

    async def _discovery(self, _: web.Request) -> web.Response:
        metadata = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code"],
            "scopes_supported": ["openid"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "token_endpoint_auth_methods_supported": ["none"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }
        return web.json_response(metadata)

    async def _jwks(self, _: web.Request) -> web.Response:
        return web.json_response({"keys": [self._key.as_dict(private=False)]})

    async def _authorize(self, request: web.Request) -> web.Response:
        """Answer at once where the browser's session will do, else ask for a sign-in (OIDC Core 3.1.2.3)."""
        question = self._question(request)
        session = self._session(request)
        try:
            grant = self._server.get_consent_grant(question, session)
        except OAuth2Error as error:
            return _http(self._server.refuse(question, error))
        if session is None or grant.prompt:
            return self._login_page(problem="", status=200)
        return _http(self._server.create_authorization_response(question, session, grant))

    async def _sign_in(self, request: web.Request) -> web.Response:
        """Take the sign-in page's form. The authorization request is still in the query."""
        question = self._question(request)
        form = await request.post()
        account = self.sessions.authenticate(str(form.get("username")), password=str(form.get("password")))
        if account is None:
            return self._login_page(problem="Name or password is wrong.", status=403)
        now = self._clock()
        cookie = self.sessions.open(account, auth_time=now)
        session = self.sessions.find(cookie, now=now)
        try:
            grant = self._server.get_consent_grant(question, session)
        except OAuth2Error as error:
            return _http(self._server.refuse(question, error))
        response = _http(self._server.create_authorization_response(question, session, grant))
        lifetime = int(SESSION_LIFETIME.total_seconds())
        response.set_cookie(COOKIE, cookie, path="/authorize", max_age=lifetime, httponly=True, samesite="Lax")
        return response

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        fields = MultiDict((name, value) for name, value in form.items() if isinstance(value, str))
        return _http(self._server.create_token_response(Request("POST", issuer=self.issuer, parameters=fields)))

    def _question(self, request: web.Request) -> Request:
        return Request(request.method, issuer=self.issuer, parameters=request.query)

    def _session(self, request: web.Request) -> Session | None:
        """Return the browser's session, unless it is older than the request's `max_age` (OIDC Core 3.1.2.1)."""
        now = self._clock()
        session = self.sessions.find(request.cookies.get(COOKIE, ""), now=now)
        max_age = request.query.get("max_age")
        if session is None or max_age is None:
            return session
        is_fresh = max_age.isdecimal() and (now - session.auth_time).total_seconds() <= int(max_age)
        return session if is_fresh else None

    def _login_page(self, *, problem: str, status: int) -> web.Response:
        page = LOGIN_PAGE.format(issuer=escape(self.issuer), problem=problem)
        return web.Response(status=status, text=page, content_type="text/html", headers=HEADERS)


def _http(reply: Reply) -> web.Response:
    text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
    return web.Response(status=reply.status, text=text, headers={**HEADERS, **reply.headers})
