"""`canaille`, as PyPI's pytest-iam sets it up: a provider for where there is neither npm nor apt.

It is built on the same authlib and joserfc as our tests are, so what it proves is its own reading of OpenID Connect.
"""

import os
import secrets
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp

from tests.idp_adapters.foreign.provider import REDIRECT_URI, Tokens, s256

PROGRAM = Path(__file__).with_name("iam_program.py")
CLIENT = "vestibule"
UNNAMED = f"{CLIENT}-unnamed"
"""The client whose tokens name no audience."""
START_SECONDS, PAUSE_SECONDS = 60, 0.05


class Iam:
    """One running provider. It forgets everything, keys too, when it is stopped."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self._port = int(probe.getsockname()[1])

    @property
    def issuer(self) -> str:
        return f"http://localhost:{self._port}"

    def start(self) -> None:
        command = [sys.executable, str(PROGRAM), str(self._port), CLIENT, REDIRECT_URI]
        environment = {**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1"}  # plain HTTP, on this machine
        self._process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + START_SECONDS
        while self._process.poll() is None and time.monotonic() < until:
            with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", self._port)):
                return
            time.sleep(PAUSE_SECONDS)
        self.stop()
        raise AssertionError("pytest-iam did not start")

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None

    async def rotate_keys(self) -> None:
        """Sign with a new key; the one before stays published."""
        async with aiohttp.ClientSession() as http, http.post(f"{self.issuer}/rotate") as response:
            response.raise_for_status()

    async def sign_in(self, *, client_id: str = CLIENT, nonce: str = "") -> Tokens:
        """Sign `alice` in, who needs no form for it: authorization code with PKCE."""
        verifier = secrets.token_urlsafe(48)
        question = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": REDIRECT_URI,
            "scope": "openid groups",
            "state": secrets.token_urlsafe(16),
            "nonce": nonce or secrets.token_urlsafe(16),
            "code_challenge": s256(verifier),
            "code_challenge_method": "S256",
        }
        async with aiohttp.ClientSession() as http:
            url = f"{self.issuer}/oauth/authorize"
            async with http.get(url, params=question, allow_redirects=False) as response:
                answer = parse_qs(urlsplit(response.headers["Location"]).query)
            assert (answer["state"], answer["iss"]) == ([question["state"]], [self.issuer])  # RFC 9207
            request = {
                "grant_type": "authorization_code",
                "code": answer["code"][0],
                "redirect_uri": REDIRECT_URI,
                "client_id": client_id,
                "code_verifier": verifier,
            }
            async with http.post(f"{self.issuer}/oauth/token", data=request) as response:
                tokens = await response.json()
        return Tokens(id_token=tokens["id_token"], access_token=tokens["access_token"])
