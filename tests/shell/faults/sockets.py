"""`vestibule serve` as a process of its own, asked over sockets, by people whose tokens are of today."""

import asyncio
import json
import resource
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlencode

from tests.shell.parties import DeviceAuthority
from tests.shell.world import CALLER_TOKEN, PASSWORD, caller, write_configuration

ANSWER_DEADLINE = 3.0
FEW_DESCRIPTORS = 1024
SERVE = [str(Path(sys.executable).with_name("vestibule")), "serve", "--config"]
BASIC = "Basic " + b64encode(f"pexip:{PASSWORD}".encode()).decode()


class Service:
    """A running service. `log` grows while it runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.log: list[dict[str, object]] = []
        self.port = 0

    def wait_until_it_serves(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(json.loads(line))
            if self.log[-1]["message"] == "serving":
                self.port = int(str(self.log[-1]["port"]))
                break
        # Somebody has to read on: a process whose pipe is full stands still.
        threading.Thread(target=self._read_on, daemon=True).start()

    def _read_on(self) -> None:
        assert self.process.stderr is not None
        self.log.extend(json.loads(line) for line in self.process.stderr)

    @property
    def descriptors(self) -> int:
        """How many files and connections the process has open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def say(self, request: bytes) -> bytes:
        """Send some bytes, and return the first answer to them."""
        async with self.connected() as (reader, writer):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
            return head + await reader.readexactly(int(length))

    async def ask(self, request: bytes) -> dict[str, object]:
        """Send a whole request and return the JSON of the answer, which must come in time."""
        return body_of(await self.in_time(self.say(request)))

    async def in_time(self, answer: Awaitable[bytes]) -> bytes:
        """Wait for an answer, which must come in time: the one thing that is timed."""
        began = time.monotonic()
        octets = await answer
        assert time.monotonic() - began < ANSWER_DEADLINE
        return octets

    async def join(self, token: str) -> dict[str, object]:
        """Ask as a listed caller whether somebody with this ID token may enter."""
        participant = {"display_name": "A", "protocol": "webrtc", "remote_address": "192.0.2.7", "vendor": "test"}
        body = {"conference": "board", "id_token": token, "participant": participant}
        return await self.ask(post("/v1/joins", body, bearer=CALLER_TOKEN))

    async def room(self) -> dict[str, object]:
        """Ask as a conferencing node for a room that takes guests."""
        return await self.ask(room_question())


def get(path: str, params: Mapping[str, str] | None = None) -> bytes:
    query = f"?{urlencode(params)}" if params else ""
    head = f"GET {path}{query} HTTP/1.1\r\nHost: x\r\nAuthorization: {BASIC}\r\nConnection: close\r\n\r\n"
    return head.encode()


def room_question() -> bytes:
    return get("/policy/v1/service/configuration", caller("townhall", ticket="", address="192.0.2.7"))


def post(path: str, body: object, *, bearer: str = "", keep: bool = False) -> bytes:
    octets = json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", "Host: x", "Content-Type: application/json", f"Content-Length: {len(octets)}"]
    lines += [f"Authorization: Bearer {bearer}"] if bearer else []
    lines += [] if keep else ["Connection: close"]
    return "\r\n".join([*lines, "", ""]).encode() + octets


def body_of(answer: bytes) -> dict[str, object]:
    body: dict[str, object] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return body


def rejects(answer: bytes) -> bool:
    return b" 200 OK\r\n" in answer and b'"action": "reject"' in answer and b'"result"' not in answer


@contextmanager
def serving(folder: Path, *, acme: str = "https://a.example", **parts: str) -> Iterator[Service]:
    """Serve, as on a machine that gives a process few descriptors to begin with."""
    file = write_configuration(folder, acme=acme, partners="https://b.example", authority=DeviceAuthority(), **parts)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (FEW_DESCRIPTORS, hard))

    process = subprocess.Popen([*SERVE, str(file)], stderr=subprocess.PIPE, text=True, preexec_fn=limited)  # noqa: PLW1509 - nothing else runs yet
    try:
        service = Service(process)
        service.wait_until_it_serves()
        yield service
    finally:
        process.kill()
        process.wait()
