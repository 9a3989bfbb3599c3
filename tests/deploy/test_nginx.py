"""The shipped nginx configuration, run: Pexip fails open, so whatever goes wrong a policy question is rejected."""

import asyncio
import json
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from tests.conftest import PROGRAM_FOLDERS

pytestmark = [pytest.mark.component("nginx"), pytest.mark.component("openssl")]

SHIPPED = Path(__file__).resolve().parents[2] / "deploy" / "nginx" / "vestibule.conf"
NAME = "vestibule.example.com"
SERVICE = "/policy/v1/service/configuration"
AVATAR = "/policy/v1/participant/avatar/alice%40example.com"
KIB = 1024
PATIENCE = 30
ADMITTED = (200, {"status": "success", "action": "continue"})
REJECTED = (200, {"status": "success", "action": "reject"})
SURROUNDINGS = """
user root;
pid {folder}/nginx.pid;
events {{}}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/vestibule.conf;
}}
"""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    body: bytes

    @property
    def decision(self) -> tuple[int, object]:
        return (self.status, json.loads(self.body))


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A running nginx. Both of its sides are sockets in `folder`, so that two test runs never meet on a port."""

    folder: Path

    async def ask(self, target: str) -> Answer:
        return await self.send(f"GET {target} HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())

    async def send(self, request: bytes, *, tls: bool = True) -> Answer:
        """Send bytes as they are: no client library corrects them."""
        trust = ssl.create_default_context(cafile=self.folder / "fullchain.pem") if tls else None
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_unix_connection(
                str(self.folder / "proxy.sock"), ssl=trust, server_hostname=NAME if tls else None
            )
            writer.write(request)
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            body = await reader.readexactly(length)
        writer.close()
        return Answer(status=int(head.split()[1]), body=body)

    @asynccontextmanager
    async def in_front_of(self, handler: Handler) -> AsyncIterator[None]:
        app = web.Application()
        app.router.add_get("/{path:.*}", handler)
        runner = web.AppRunner(app, max_line_size=64 * KIB, shutdown_timeout=0.1)
        await runner.setup()
        await web.UnixSite(runner, str(self.folder / "vestibule.sock")).start()
        try:
            yield
        finally:
            await runner.cleanup()


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    with tempfile.TemporaryDirectory() as name, shipped_nginx(Path(name)) as running:
        yield running


@contextmanager
def shipped_nginx(folder: Path, *, upstream: str = "", own_port: int = 0) -> Iterator[Proxy]:
    """Start the shipped configuration with sockets for addresses and a short patience.

    `upstream` = the service is at this address instead; `own_port` = it listens there as well.
    """
    _make_certificate(folder)
    configuration = SHIPPED.read_text()
    for shipped, substitute in {
        "server 127.0.0.1:8080;": f"server {upstream or f'unix:{folder}/vestibule.sock'};",
        "listen 443 ssl default_server;": f"listen unix:{folder}/proxy.sock ssl default_server;"
        + (f"listen 127.0.0.1:{own_port} ssl default_server;" if own_port else ""),
        "/etc/ssl/vestibule": str(folder),
        "/var/log/nginx": str(folder),
        "proxy_read_timeout 3500ms;": "proxy_read_timeout 300ms;",
    }.items():
        assert shipped in configuration
        configuration = configuration.replace(shipped, substitute)
    (folder / "vestibule.conf").write_text(configuration)
    (folder / "nginx.conf").write_text(SURROUNDINGS.format(folder=folder))
    program = shutil.which("nginx", path=PROGRAM_FOLDERS) or "nginx"
    nginx = [program, "-p", folder, "-e", folder / "nginx.log", "-c", folder / "nginx.conf"]
    subprocess.run(nginx, check=True)  # returns when it listens
    try:
        yield Proxy(folder=folder)
    finally:
        subprocess.run([*nginx, "-s", "stop"], check=True)


def _make_certificate(folder: Path) -> None:
    options = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "1"]
    names = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME},DNS:localhost"]
    files = ["-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem"]
    subprocess.run(["openssl", "req", *options, *names, *files], check=True, capture_output=True)


async def admit(_: web.Request) -> web.Response:
    return web.json_response(ADMITTED[1])


def answering(status: int) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"status": "success", "action": "continue"}, status=status)

    return answer


async def hang(_: web.Request) -> web.Response:
    await asyncio.Event().wait()
    return web.Response()


@pytest.mark.parametrize("prefix", ["", "/apps/vestibule"])
async def test_a_policy_question_is_passed_on_and_answered(proxy: Proxy, prefix: str):
    async with proxy.in_front_of(admit):
        answer = await proxy.ask(f"{prefix}{SERVICE}?local_alias=board")

    assert answer.decision == ADMITTED


@pytest.mark.parametrize("target", [AVATAR, f"{SERVICE}?local_alias=sip%3Aboard%40example.com&call_tag=a+b%2Fc"])
async def test_a_target_arrives_as_it_was_sent(proxy: Proxy, target: str):
    async def echo(request: web.Request) -> web.Response:
        return web.Response(text=request.raw_path)

    async with proxy.in_front_of(echo):
        answer = await proxy.ask(target)

    assert answer.body.decode() == target


async def test_a_request_line_of_nearly_64_kib_passes(proxy: Proxy):
    target = f"{SERVICE}?remote_display_name=".ljust(63 * KIB, "a")

    async with proxy.in_front_of(admit):
        answer = await proxy.ask(target)

    assert answer.decision == ADMITTED


async def test_a_stopped_service_rejects(proxy: Proxy):
    answer = await proxy.ask(f"{SERVICE}?local_alias=board")

    assert answer.decision == REJECTED


async def test_a_hanging_service_rejects(proxy: Proxy):
    async with proxy.in_front_of(hang):
        answer = await proxy.ask(f"{SERVICE}?local_alias=board")

    assert answer.decision == REJECTED


@pytest.mark.parametrize("status", [400, 403, 404, 405, 413, 414, 429, 431, 500, 501, 502, 503, 504])
async def test_an_error_of_the_service_rejects_even_where_its_body_admits(proxy: Proxy, status: int):
    async with proxy.in_front_of(answering(status)):
        answer = await proxy.ask(f"{SERVICE}?local_alias=board")

    assert answer.decision == REJECTED


@pytest.mark.parametrize(("status", "ready"), [(200, True), (503, False)])
async def test_whoever_asks_whether_the_service_is_ready_hears_it_from_the_service(
    proxy: Proxy, status: int, ready: bool
):
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"ready": ready}, status=status)

    async with proxy.in_front_of(answer):
        assert (await proxy.ask("/readyz")).decision == (status, {"ready": ready})


async def test_a_stopped_service_is_not_ready(proxy: Proxy):
    answer = await proxy.ask("/readyz")

    assert (answer.status, b"ready" in answer.body) == (503, False)


async def test_a_challenge_for_credentials_passes_since_the_service_sends_it_only_where_told_to(proxy: Proxy):
    async with proxy.in_front_of(answering(401)):
        answer = await proxy.ask(f"{SERVICE}?local_alias=board")

    assert answer.status == 401


MALFORMED = {
    "a request line too long": f"GET {SERVICE}?call_tag={'a' * 100 * KIB} HTTP/1.1\r\nHost: {NAME}\r\n\r\n",
    "a header too long": f"GET {SERVICE} HTTP/1.1\r\nHost: {NAME}\r\nCookie: {'a' * 100 * KIB}\r\n\r\n",
    "a body too large": f"GET {SERVICE} HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 99999999\r\n\r\n",
    "no host": f"GET {SERVICE} HTTP/1.1\r\n\r\n",
    "a host that is none": f"GET {SERVICE} HTTP/1.1\r\nHost: /\r\n\r\n",
    "two lengths": f"GET {SERVICE} HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "an unknown transfer coding": f"GET {SERVICE} HTTP/1.1\r\nHost: {NAME}\r\nTransfer-Encoding: zip\r\n\r\n",
    "an unknown version": f"GET {SERVICE} HTTP/9.9\r\nHost: {NAME}\r\n\r\n",
    "a space in the target": f"GET {SERVICE}?local_alias=the board HTTP/1.1\r\nHost: {NAME}\r\n\r\n",
    "a broken escape": "GET /policy/v1/%zz HTTP/1.1\r\n\r\n",
    "a way out of the root": "GET /policy/v1/../../../x HTTP/1.1\r\n\r\n",
    "a method that nginx refuses": f"TRACE {SERVICE} HTTP/1.1\r\nHost: {NAME}\r\n\r\n",
    "garbage": "\x16\x03\x01\x02 ~~~\r\n\r\n",
}


@pytest.mark.parametrize("request_text", MALFORMED.values(), ids=MALFORMED.keys())
async def test_what_nginx_refuses_by_itself_is_an_explicit_reject(proxy: Proxy, request_text: str):
    async with proxy.in_front_of(admit):
        answer = await proxy.send(request_text.encode())

    assert answer.decision == REJECTED


async def test_a_question_without_tls_is_rejected(proxy: Proxy):
    question = f"GET {SERVICE}?local_alias=board HTTP/1.1\r\nHost: {NAME}\r\n\r\n"

    async with proxy.in_front_of(admit):
        answer = await proxy.send(question.encode(), tls=False)

    assert answer.decision == REJECTED


async def test_an_avatar_of_a_stopped_service_is_not_found(proxy: Proxy):
    answer = await proxy.ask(AVATAR)

    assert answer.status == 404


async def test_other_paths_of_a_stopped_service_are_unavailable(proxy: Proxy):
    answer = await proxy.ask("/v1/joins")

    assert answer.status == 503


async def test_no_log_quotes_a_question(proxy: Proxy):
    await proxy.ask(f"{SERVICE}?remote_display_name=Alice&call_tag=ticket-of-alice")

    logs = "".join(log.read_text() for log in proxy.folder.glob("*.log"))

    assert "alice" not in logs.lower()


@pytest.mark.parametrize("path", ["/v1/tickets", SERVICE, AVATAR])
async def test_a_certificate_that_a_client_writes_into_a_header_is_not_passed_on(proxy: Proxy, path: str):
    async def echo(request: web.Request) -> web.Response:
        return web.json_response([name.lower() for name in request.headers if name.lower().startswith("client")])

    lie = "Client-Cert: :MIIB:\r\ncLIENT-cert-chain: :MIIB:\r\nClient_Cert: :MIIB:\r\n"
    async with proxy.in_front_of(echo):
        answer = await proxy.send(f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\n{lie}\r\n".encode())

    assert json.loads(answer.body) == []
