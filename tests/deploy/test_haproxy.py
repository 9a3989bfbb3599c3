"""The shipped HAProxy configuration, run in front of the service: whose certificate arrives, and whose does not."""

import asyncio
import json
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from plugin.core.reasons import Reason
from plugin.core.record import DecisionRecord
from tests.conftest import PROGRAM_FOLDERS
from tests.shell.parties import Device, DeviceAuthority
from tests.shell.world import World, basic, opened

pytestmark = [pytest.mark.component("haproxy"), pytest.mark.component("openssl")]

SHIPPED = Path(__file__).resolve().parents[2] / "deploy" / "haproxy"
NAME = "vestibule.example.com"
PROXY = "127.0.0.2"
SERVER = f'proxies = ["{PROXY}/32"]\nclient_certificates = true'
SERVICE = "/policy/v1/service/configuration"
AVATAR = "/policy/v1/participant/avatar/alice"
PATIENCE = 30
KIB = 1024
REJECTED = (200, {"status": "success", "action": "reject"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A running HAProxy that clients reach at a socket in `folder`."""

    folder: Path

    async def begin(self, path: str) -> asyncio.StreamWriter:
        """Send the head of a question over TLS, and nothing of the body that it speaks of."""
        _, writer = await asyncio.open_unix_connection(
            str(self.folder / "proxy.sock"), ssl=self._trust(None), server_hostname=NAME
        )
        writer.write(f"POST {path} HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 1000\r\n\r\n".encode())
        await writer.drain()
        return writer

    async def ask(
        self,
        path: str,
        *,
        body: object = None,
        device: Device | None = None,
        headers: tuple[str, ...] = (),
    ) -> tuple[int, object]:
        """Ask over TLS, with a device's certificate where there is one. Headers leave as they are written here."""
        content = json.dumps(body).encode() if body is not None else b""
        lines = [f"{'POST' if content else 'GET'} {path} HTTP/1.1", f"Host: {NAME}", *headers]
        head = "\r\n".join([*lines, f"Content-Length: {len(content)}", "Connection: close", "", ""])
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_unix_connection(
                str(self.folder / "proxy.sock"), ssl=self._trust(device), server_hostname=NAME
            )
            writer.write(head.encode() + content)
            await writer.drain()
            answer = await reader.read()
        writer.close()
        status, _, received = answer.partition(b"\r\n\r\n")
        return int(status.split()[1]), json.loads(received) if received.strip() else None

    def _trust(self, device: Device | None) -> ssl.SSLContext:
        trust = ssl.create_default_context(cafile=self.folder / "server.pem")
        if device:
            key = device.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            (self.folder / "client.pem").write_bytes(key + device.certificate.public_bytes(Encoding.PEM))
            trust.load_cert_chain(self.folder / "client.pem")
        return trust


@contextmanager
def shipped_proxy(folder: Path, *, port: int, authority: DeviceAuthority, own_port: int = 0) -> Iterator[Proxy]:
    """Start the shipped configuration with other addresses and a short patience, and nothing else changed.

    `own_port` = it listens there as well.
    """
    folder.mkdir()
    for file in SHIPPED.glob("*.http"):
        shutil.copy(file, folder)
    _make_certificate(folder)
    (folder / "device-ca.pem").write_bytes(authority.pem)
    configuration = (SHIPPED / "vestibule.cfg").read_text()
    for shipped, substitute in {
        "/etc/haproxy": str(folder),
        "bind :443": f"bind unix@{folder}/proxy.sock{f',127.0.0.1:{own_port}' if own_port else ''}",
        "server vestibule 127.0.0.1:8080": f"server vestibule 127.0.0.1:{port} source {PROXY}",
        "timeout server 3500ms": "timeout server 500ms",
        "check inter 2s": "check inter 100ms",
    }.items():
        assert shipped in configuration
        configuration = configuration.replace(shipped, substitute)
    (folder / "vestibule.cfg").write_text(configuration)
    program = shutil.which("haproxy", path=PROGRAM_FOLDERS) or "haproxy"
    command = [program, "-D", "-f", folder / "vestibule.cfg", "-p", folder / "pid"]
    subprocess.run(command, check=True, capture_output=True)  # returns when it listens
    try:
        yield Proxy(folder=folder)
    finally:
        subprocess.run(["kill", *(folder / "pid").read_text().split()], check=True)


def _make_certificate(folder: Path) -> None:
    options = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "1"]
    names = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME},DNS:localhost"]
    files = ["-keyout", folder / "server.key", "-out", folder / "server.pem"]
    subprocess.run(["openssl", "req", *options, *names, *files], check=True, capture_output=True)
    (folder / "vestibule.pem").write_bytes((folder / "server.key").read_bytes() + (folder / "server.pem").read_bytes())


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The service behind the proxy. Alice's laptop is good, Bob's is revoked."""

    world: World
    proxy: Proxy
    alice: Device
    bob: Device

    async def ticket(
        self, person: str, *, device: Device | None = None, headers: tuple[str, ...] = ()
    ) -> tuple[int, object]:
        proofs = {"conference": "board", "id_token": self.world.token(person)}
        return await self.proxy.ask("/v1/tickets", body=proofs, device=device, headers=headers)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    authority = DeviceAuthority()
    alice, bob = authority.device("alice"), authority.device("bob")
    authority.revoked.append(bob)
    (tmp_path / "house").mkdir()
    parts = {"server": SERVER, "device_ca": 'crl_file = "device-ca.crl"'}
    now = datetime.now(UTC)  # HAProxy and OpenSSL have no other clock
    async with opened(tmp_path / "house", now=now, authority=authority, **parts) as world:
        port = int(world.url.rpartition(":")[2])
        with shipped_proxy(tmp_path / "proxy", port=port, authority=authority) as proxy:
            yield Site(world=world, proxy=proxy, alice=alice, bob=bob)


def code(answer: tuple[int, object]) -> tuple[int, str]:
    status, body = answer
    assert isinstance(body, dict)
    return status, body["reasons"][0]["code"]


async def record_of_ticket(site: Site, answer: tuple[int, object]) -> DecisionRecord:
    """Use a ticket up, and return what was written down. A device that has signed nothing never opens the core."""
    status, body = answer
    assert isinstance(body, dict)
    assert status == 201
    decision = await site.world.join({"conference": "board", "ticket": body["ticket"]})
    assert (decision["decision"], decision["zone"]) == ("redirect", "meetme")
    return site.world.records[-1]


async def test_a_device_that_the_proxy_has_authenticated_is_known(site: Site):
    record = await record_of_ticket(site, await site.ticket("alice", device=site.alice))

    assert record.device


async def test_a_client_without_a_certificate_has_no_device(site: Site):
    record = await record_of_ticket(site, await site.ticket("alice"))

    assert not record.device


async def test_a_revoked_device_is_refused(site: Site):
    assert code(await site.ticket("bob", device=site.bob)) == (403, Reason.EVIDENCE_REVOKED.code)


async def test_somebody_elses_device_is_refused(site: Site):
    assert code(await site.ticket("bob", device=site.alice)) == (403, Reason.DEVICE_OWNER.code)


async def test_a_certificate_of_another_ca_does_not_pass_the_proxy(site: Site):
    with pytest.raises((ssl.SSLError, ConnectionError, IndexError)):  # the handshake ends, in TLS 1.3 after the request
        await site.ticket("alice", device=DeviceAuthority().device("alice"))


@pytest.mark.parametrize("name", ["Client-Cert", "client-cert", "CLIENT_CERT", "Client-Cert-Chain"])
async def test_a_header_that_a_client_writes_itself_does_not_pass_the_proxy(site: Site, name: str):
    record = await record_of_ticket(site, await site.ticket("alice", headers=(f"{name}: {site.alice.client_cert}",)))

    assert not record.device


async def test_a_header_beside_a_certificate_is_replaced_by_the_certificate(site: Site):
    smuggled = (f"Client-Cert: {site.bob.client_cert}", f"Client-Cert: {site.bob.client_cert}")

    record = await record_of_ticket(site, await site.ticket("alice", device=site.alice, headers=smuggled))

    assert record.device


async def test_a_header_that_comes_past_the_proxy_is_ignored(site: Site):
    proofs = {"conference": "board", "id_token": site.world.token("alice")}
    headers = {"Client-Cert": site.alice.client_cert, "X-Forwarded-For": PROXY}

    async with site.world.session.post(f"{site.world.url}/v1/tickets", json=proofs, headers=headers) as response:
        answer = (response.status, await response.json())

    assert not (await record_of_ticket(site, answer)).device


async def test_a_policy_question_is_passed_on_and_answered(site: Site):
    password = f"Authorization: {basic()['Authorization']}"

    status, body = await site.proxy.ask(f"{SERVICE}?local_alias=board&call_direction=dial_in", headers=(password,))

    assert (status, body["status"]) == (200, "success")  # type: ignore[index] # an object, or it fails
    assert site.world.records


async def test_a_request_line_of_nearly_64_kib_passes(tmp_path: Path):
    async with in_front_of(tmp_path, status=200) as proxy:
        answer = await proxy.ask(f"{SERVICE}?remote_display_name=".ljust(63 * KIB, "a"))

    assert answer == (200, {"status": "success", "action": "continue"})


@pytest.mark.parametrize("path", ["/v1/tickets", SERVICE, AVATAR])
async def test_who_sends_slowly_holds_no_connection_of_the_service(tmp_path: Path, path: str):
    """Connections that strangers hold are lacking for the platform, which admits by itself without an answer."""
    arrived: list[str] = []
    async with in_front_of(tmp_path, status=200, arrived=arrived) as proxy:
        slow = [await proxy.begin(path) for _ in range(20)]
        answer = await proxy.ask(SERVICE)
        for writer in slow:
            writer.close()

    assert answer == (200, {"status": "success", "action": "continue"})
    assert arrived == ["GET"]


@asynccontextmanager
async def in_front_of(folder: Path, *, status: int | None, arrived: list[str] | None = None) -> AsyncIterator[Proxy]:
    """Run the proxy in front of something that answers with this status, or never (0), or is not there (None).

    The methods of the questions that get there are noted in `arrived`.
    """

    async def answer(request: web.Request) -> web.Response:
        if arrived is not None:
            arrived.append(request.method)
        if status == 0:
            await asyncio.Event().wait()
        return web.json_response({"status": "success", "action": "continue"}, status=status or 200)

    async def ready(_: web.Request) -> web.Response:
        return web.json_response({"ready": True})

    app = web.Application()
    app.router.add_get("/readyz", ready)
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, max_line_size=64 * KIB, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    if status is None:
        await runner.cleanup()
    with shipped_proxy(folder / "proxy", port=port, authority=DeviceAuthority()) as proxy:
        yield proxy
    await runner.cleanup()


@pytest.mark.parametrize("status", [None, 0, 400, 403, 404, 413, 500, 502, 503, 301, 204])
async def test_whatever_goes_wrong_a_policy_question_is_rejected(tmp_path: Path, status: int | None):
    async with in_front_of(tmp_path, status=status) as proxy:
        assert await proxy.ask(f"/apps/vestibule{SERVICE}?local_alias=board") == REJECTED


@pytest.mark.parametrize(("path", "status"), [(AVATAR, 404), ("/v1/joins", 503)])
async def test_what_decides_nothing_fails_as_itself(tmp_path: Path, path: str, status: int):
    async with in_front_of(tmp_path, status=None) as proxy:
        assert (await proxy.ask(path))[0] == status
