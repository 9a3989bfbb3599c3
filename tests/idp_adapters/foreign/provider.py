"""A foreign OpenID provider as its users meet it: started as a program, signed in to over HTTP.

`provider.mjs` beside this file runs the certified npm package `oidc-provider`; nothing of ours signs its tokens.
"""

import base64
import hashlib
import os
import secrets
import select
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from types import MappingProxyType
from typing import Self
from urllib.parse import parse_qs, urljoin, urlparse

import aiohttp

HERE = Path(__file__).resolve().parent
REDIRECT_URI = "https://vestibule.example.com/callback"
# Among hundreds of starts one hangs before its first line, which is nothing of what is tested here.
START_SECONDS = 20
STARTS = 3
MAX_HOPS = 10
NOTHING: Mapping[str, str] = MappingProxyType({})


def why_missing() -> str | None:
    """Say what the foreign provider lacks on this machine."""
    if shutil.which("node") is None:
        return "no `node` on the path"
    if not (HERE / "node_modules" / "oidc-provider").is_dir():
        return "its modules are not installed: npm ci --prefix tests/idp_adapters/foreign"
    return None


class ForeignProvider:
    """One running provider. `restart` keeps the issuer and forgets every key; `rotate_keys` publishes new ones too."""

    def __init__(self, *, redirect_uri: str = REDIRECT_URI) -> None:
        self._redirect_uri = redirect_uri
        self._process: subprocess.Popen[str] | None = None
        self._port = 0

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        if not any(self._starts() for _ in range(STARTS)):
            raise AssertionError("the foreign provider did not start")

    def _starts(self) -> bool:
        environment = {**os.environ, "PORT": str(self._port), "REDIRECT_URI": self._redirect_uri}
        self._process = subprocess.Popen(
            ["node", "provider.mjs"], cwd=HERE, env=environment, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        spoke, _, _ = select.select([self._process.stdout], [], [], START_SECONDS)
        word, _, port = self._process.stdout.readline().strip().partition(" ") if spoke else ("", "", "")
        if word != "listening":
            self.stop()
            return False
        self._port = int(port)
        return True

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._process.communicate()
        self._process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    @contextmanager
    def hung(self) -> Iterator[None]:
        """Connections are still accepted by the kernel; nothing answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    async def rotate_keys(self) -> None:
        async with aiohttp.ClientSession() as http, http.post(f"{self.issuer}/rotate") as response:
            response.raise_for_status()

    async def sign_out(self, *, uri: str, sub: str, sid: str) -> None:
        """Have a client told that a session has ended."""
        form = {"uri": uri, "sub": sub, "sid": sid}
        async with aiohttp.ClientSession() as http, http.post(f"{self.issuer}/sign-out", data=form) as response:
            response.raise_for_status()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What one sign-in yields."""

    id_token: str
    access_token: str


async def login(provider: ForeignProvider, *, nonce: str | None = None, acr_values: str | None = None) -> str:
    """Sign `alice` in for the client `vestibule` and return the ID token."""
    tokens = await sign_in(provider, nonce=nonce, acr_values=acr_values)
    return tokens.id_token


async def sign_in(
    provider: ForeignProvider,
    *,
    account: str = "alice",
    client_id: str = "vestibule",
    nonce: str | None = None,
    acr_values: str | None = None,
    resource: str | None = None,
    prove: Callable[[str], str] | None = None,
) -> Tokens:
    """Authorization code with PKCE: the browser's part with cookies, the client's part without."""
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
    question = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": REDIRECT_URI,
        "scope": "openid",
        "state": state,
        "code_challenge": s256(verifier),
        "code_challenge_method": "S256",
        "claims": '{"id_token": {"acr": null, "amr": null, "auth_time": null, "sid": null}}',
    }
    wishes = {"nonce": nonce, "acr_values": acr_values, "resource": resource}
    question |= {name: value for name, value in wishes.items() if value is not None}
    async with aiohttp.ClientSession() as client:
        metadata = await _get_json(client, f"{provider.issuer}/.well-known/openid-configuration")
        answer = await browse(metadata["authorization_endpoint"], question=question, account=account)
        assert (answer["state"], answer["iss"]) == (state, provider.issuer)  # RFC 9207
        url = metadata["token_endpoint"]
        return await redeem(
            client,
            url=url,
            code=answer["code"],
            client_id=client_id,
            verifier=verifier,
            more={"resource": resource} if resource else {},
            headers={"DPoP": prove(url)} if prove else {},
        )


async def redeem(
    client: aiohttp.ClientSession,
    *,
    url: str,
    code: str,
    client_id: str,
    verifier: str,
    more: Mapping[str, str] = NOTHING,
    headers: Mapping[str, str] = NOTHING,
) -> Tokens:
    """Exchange a code for tokens, as a public client (RFC 6749 4.1.3, RFC 7636 4.5)."""
    request = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "client_id": client_id,
        "code_verifier": verifier,
        **more,
    }
    async with client.post(url, data=request, headers=headers) as response:
        tokens = await response.json()
    return Tokens(id_token=tokens["id_token"], access_token=tokens["access_token"])


async def browse(url: str, *, question: dict[str, str], account: str) -> dict[str, str]:
    """Follow redirects and fill in forms until the provider sends the browser back to the client."""
    jar = aiohttp.CookieJar(unsafe=True)  # an issuer on an IP address sets cookies too
    async with aiohttp.ClientSession(cookie_jar=jar) as browser:
        response = await browser.get(url, params=question, allow_redirects=False)
        for _ in range(MAX_HOPS):
            if 300 <= response.status < 400:
                target = urljoin(str(response.url), response.headers["Location"])
                if target.startswith(REDIRECT_URI):
                    return {name: values[0] for name, values in parse_qs(urlparse(target).query).items()}
                response = await browser.get(target, allow_redirects=False)
            else:
                form = _Form()
                form.feed(await response.text())
                filled = dict.fromkeys(form.inputs, account)
                response = await browser.post(
                    urljoin(str(response.url), form.action), data=filled, allow_redirects=False
                )
    raise AssertionError(f"no way back to the client, last answer `{response.status}` from `{response.url.path}`")


class _Form(HTMLParser):
    """The sign-in form of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.inputs: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "form":
            self.action = attributes.get("action") or ""
        if tag == "input":
            self.inputs.append(attributes.get("name") or "")


async def _get_json(client: aiohttp.ClientSession, url: str) -> dict[str, str]:
    async with client.get(url) as response:
        document: dict[str, str] = await response.json()
        return document


def s256(verifier: str) -> str:
    """Return the challenge of a verifier (RFC 7636)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
