"""What the demo's OpenID provider keeps: its client, its accounts, and who has signed in. Memory, nothing else."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hmac import compare_digest
from secrets import token_urlsafe

SESSION_LIFETIME = timedelta(hours=12)
CODE_LIFETIME = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody who can sign in. `acr` and `amr` are what a sign-in of theirs is worth (OIDC Core 2)."""

    username: str
    password: str = field(repr=False)
    subject: str
    groups: tuple[str, ...]
    acr: str
    amr: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A browser that has signed in. Tokens show `sid`; they never show the cookie that leads here."""

    account: Account
    auth_time: datetime
    sid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A relying party without a secret (RFC 6749 2.1), answering authlib's questions about it."""

    client_id: str
    redirect_uri: str

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        """There is none: a request names its redirect_uri (OIDC Core 3.1.2.1)."""

    def get_allowed_scope(self, scope: str | None) -> str | None:
        return "openid" if "openid" in (scope or "").split() else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.redirect_uri

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return (method, endpoint) == ("none", "token")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """An authorization code and what it stands for, answering authlib's questions about it."""

    client_id: str
    redirect_uri: str
    scope: str
    nonce: str
    code_challenge: str
    code_challenge_method: str
    session: Session
    expires_at: datetime

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str:
        return self.nonce

    def get_auth_time(self) -> int:
        return int(self.session.auth_time.timestamp())

    def get_acr(self) -> str:
        return self.session.account.acr

    def get_amr(self) -> list[str]:
        return list(self.session.account.amr)


class Sessions:
    """Who has signed in, by cookie."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        self._accounts = {account.username: account for account in accounts}
        self._sessions: dict[str, Session] = {}

    def authenticate(self, username: str, *, password: str) -> Account | None:
        """Return the account that both belong to."""
        account = self._accounts.get(username)
        if account is None or not compare_digest(account.password.encode(), password.encode()):
            return None
        return account

    def open(self, account: Account, *, auth_time: datetime) -> str:
        """Begin a session that signed in at `auth_time`, and return its cookie."""
        cookie = token_urlsafe(32)
        self._sessions[cookie] = Session(account=account, auth_time=auth_time, sid=token_urlsafe(16))
        return cookie

    def find(self, cookie: str, *, now: datetime) -> Session | None:
        """Return the session of a cookie, unless it has ended."""
        session = self._sessions.get(cookie)
        if session is None or now - session.auth_time >= SESSION_LIFETIME:
            return None
        return session


class Codes:
    """Codes that nobody has presented yet."""

    def __init__(self) -> None:
        self._codes: dict[str, Code] = {}

    def put(self, value: str, code: Code) -> None:
        self._codes[value] = code

    def take(self, value: str, *, client_id: str, now: datetime) -> Code | None:
        """Return what the code stands for. Whoever presents it, and however wrongly, it works once."""
        code = self._codes.pop(value, None)
        if code is None or code.client_id != client_id or code.expires_at <= now:
            return None
        return code
