"""Debian's `glewlwyd` as its users meet it: a provider in C, configured and signed in to over its HTTP interface.

Its tokens are made by Rhonabwy and GnuTLS: nothing of ours, nor of the other foreign provider, has a part in them.
"""

import json
import secrets
import shutil
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
from joserfc.jwk import ECKey

from tests.idp_adapters.foreign.program import Program, free_port
from tests.idp_adapters.foreign.provider import REDIRECT_URI, Tokens, redeem, s256

SCHEMA = Path("/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3")
START_SECONDS = 30
CLIENT = "vestibule"
ADMIN = {"username": "admin", "password": "password"}  # of the package's schema
ALICE = {"username": "alice", "password": "a-password-of-the-tests"}
GROUPS = ["staff", "board"]

CONFIGURATION = """
port = {port}
bind_address = "127.0.0.1"
external_url = "http://127.0.0.1:{port}"
api_prefix = "api"
log_mode = "console"
log_level = "INFO"
cookie_secure = 0
session_key = "GLEWLWYD2_SESSION_ID"
admin_scope = "g_admin"
profile_scope = "g_profile"
user_module_path = "/usr/lib/glewlwyd/user"
client_module_path = "/usr/lib/glewlwyd/client"
user_auth_scheme_module_path = "/usr/lib/glewlwyd/scheme"
plugin_module_path = "/usr/lib/glewlwyd/plugin"
hash_algorithm = "SHA512"
database = {{ type = "sqlite3"; path = "{database}"; }};
"""
# Its settings for OpenID Connect. It insists on hearing of every grant, wanted or not.
OPENID_CONNECT: Mapping[str, object] = {
    **{f"auth-type-{grant}-enabled": False for grant in ("token", "none", "password", "client", "device")},
    **{f"auth-type-{grant}-enabled": True for grant in ("code", "id-token", "refresh")},
    "jwt-type": "ecdsa",
    "jwt-key-size": "256",
    "access-token-duration": 300,
    "refresh-token-duration": 300,
    "code-duration": 60,
    "refresh-token-rolling": True,
    "allow-non-oidc": True,
    "jwks-show": True,
    "pkce-allowed": True,
    "pkce-required": True,
    "pkce-method-plain-allowed": False,
    "name-claim": "mandatory",
    "email-claim": "mandatory",
    "scope-claim": "no",
    "subject-type": "public",
    "claims": [{"name": "groups", "user-property": "groups", "type": "string", "mandatory": True, "scope": []}],
}


def why_missing() -> str | None:
    """Say what this provider lacks on this machine."""
    if shutil.which("glewlwyd") is None:
        return "no `glewlwyd` on the path"
    return None if SCHEMA.is_file() else f"no `{SCHEMA}`"


class Glewlwyd:
    """One running provider, with one public client and one person. It keeps its state, keys too, when it restarts."""

    def __init__(self, folder: Path) -> None:
        self._configuration = folder / "glewlwyd.conf"
        self._keys: list[dict[str, Any]] = []
        self._port = free_port()
        self._program = Program(port=self._port, patience=START_SECONDS)
        self._api = f"http://127.0.0.1:{self._port}/api"
        database = folder / "database"
        with sqlite3.connect(database) as connection:
            connection.executescript(SCHEMA.read_text())
        connection.close()
        self._configuration.write_text(CONFIGURATION.format(port=self._port, database=database))

    @property
    def issuer(self) -> str:
        return f"{self._api}/oidc"

    def start(self) -> None:
        self._program.start(["glewlwyd", "--config-file", str(self._configuration)])

    def stop(self) -> None:
        self._program.stop()

    async def configure(self) -> None:
        """Give it what an administrator would: keys, a client, and a person who is in groups."""
        async with self._signed_in(ADMIN) as ask:
            people = await ask("GET", "/mod/user/database")
            people["parameters"]["data-format"]["groups"] = {"multiple": True, "read": True, "write": True}
            await ask("PUT", "/mod/user/database", people)
            await ask("PUT", "/mod/user/database/reset/")
            await ask("POST", "/mod/plugin/", self._plugin())
            person = {**ALICE, "name": "Alice", "email": "alice@acme.example", "enabled": True}
            await ask("POST", "/user/", {**person, "groups": GROUPS, "scope": ["openid"]})
            client = {
                "client_id": CLIENT,
                "name": CLIENT,
                "enabled": True,
                "confidential": False,
                "redirect_uri": [REDIRECT_URI],
                "authorization_type": ["code"],
                "token_endpoint_auth_method": ["none"],
                "scope": [],
            }
            await ask("POST", "/client/", client)
        async with self._signed_in(ALICE) as ask:
            await ask("PUT", f"/auth/grant/{CLIENT}", {"scope": "openid"})

    async def rotate_keys(self) -> None:
        """Publish a new key beside the old ones, and sign with it."""
        async with self._signed_in(ADMIN) as ask:
            await ask("PUT", "/mod/plugin/oidc", self._plugin())
            await ask("PUT", "/mod/plugin/oidc/reset/")

    async def sign_in(self, *, nonce: str = "") -> Tokens:
        """Sign `alice` in: authorization code with PKCE, the browser's part with cookies, the client's without."""
        verifier = secrets.token_urlsafe(48)
        question = {
            "response_type": "code",
            "client_id": CLIENT,
            "redirect_uri": REDIRECT_URI,
            "scope": "openid",
            "state": secrets.token_urlsafe(16),
            "nonce": nonce or secrets.token_urlsafe(16),
            "code_challenge": s256(verifier),
            "code_challenge_method": "S256",
            "g_continue": "",  # the login page has done its part
        }
        async with _browser() as browser:
            await _ask(browser, "POST", f"{self._api}/auth/", ALICE)
            async with browser.get(f"{self.issuer}/auth", params=question, allow_redirects=False) as response:
                answer = parse_qs(urlsplit(response.headers["Location"]).query)
        assert answer["state"] == [question["state"]]
        async with aiohttp.ClientSession() as client:
            url = f"{self.issuer}/token"
            return await redeem(client, url=url, code=answer["code"][0], client_id=CLIENT, verifier=verifier)

    def _plugin(self) -> dict[str, object]:
        """Return its settings with one key more, which is the first and therefore signs."""
        key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
        self._keys.insert(0, dict(key.as_dict(private=True)))
        settings = {**OPENID_CONNECT, "iss": self.issuer, "jwks-private": json.dumps({"keys": self._keys})}
        return {"module": "oidc", "name": "oidc", "display_name": "OpenID Connect", "parameters": settings}

    @asynccontextmanager
    async def _signed_in(self, person: Mapping[str, str]) -> AsyncIterator[Any]:
        async with _browser() as browser:
            await _ask(browser, "POST", f"{self._api}/auth/", person)

            async def ask(method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
                return await _ask(browser, method, f"{self._api}{path}", body)

            yield ask


def _browser() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))  # an issuer on an IP address


async def _ask(browser: aiohttp.ClientSession, method: str, url: str, body: Mapping[str, object] | None = None) -> Any:
    async with browser.request(method, url, json=body) as response:
        assert response.status == 200, await response.text()
        return await response.json(content_type=None)
