"""`canaille`, as PyPI's pytest-iam sets it up: a provider for where there is neither npm nor apt.

It is built on the same authlib and joserfc as our tests are, so what it proves is its own reading of OpenID Connect.
"""

import os
import secrets
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp

from tests.idp_adapters.foreign.program import Program, free_port
from tests.idp_adapters.foreign.provider import REDIRECT_URI, Tokens, redeem, s256

PROGRAM = Path(__file__).with_name("iam_program.py")
CLIENT = "vestibule"
UNNAMED = f"{CLIENT}-unnamed"
"""The client whose tokens name no audience."""
START_SECONDS = 60


class Iam:
    """One running provider. It forgets everything, keys too, when it is stopped."""

    def __init__(self) -> None:
        self._port = free_port()
        self._program = Program(port=self._port, patience=START_SECONDS)

    @property
    def issuer(self) -> str:
        return f"http://localhost:{self._port}"

    def start(self) -> None:
        command = [sys.executable, str(PROGRAM), str(self._port), CLIENT, REDIRECT_URI]
        environment = {**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1"}  # plain HTTP, on this machine
        self._program.start(command, environment=environment)

    def stop(self) -> None:
        self._program.stop()

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
            url = f"{self.issuer}/oauth/token"
            return await redeem(http, url=url, code=answer["code"][0], client_id=client_id, verifier=verifier)
