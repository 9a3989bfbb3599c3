import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import AF_INET, AddressFamily

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from plugin.core.errors import Unavailable
from plugin.core.reasons import Reason
from plugin.shell.fetch import HttpFetch, is_loopback

LOOPBACK = frozenset({"127.0.0.1"})
LIMIT = 64 * 1024
SHORT = 0.3

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def fetching(
    *,
    hosts: frozenset[str] = LOOPBACK,
    private_hosts: frozenset[str] = frozenset(),
    resolver: AbstractResolver | None = None,
    timeout: float = 5,  # noqa: ASYNC109 - it is the one under test
) -> AsyncIterator[HttpFetch]:
    fetch = HttpFetch(hosts=hosts, private_hosts=private_hosts, resolver=resolver, timeout=timeout)
    try:
        yield fetch
    finally:
        await fetch.close()


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[str]:
    """Serve a real provider and yield its URL."""
    app = web.Application()
    app.router.add_get("/keys", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/keys"))


@asynccontextmanager
async def serving_bytes(script: Script) -> AsyncIterator[str]:
    """Serve whatever a script writes, HTTP or not, and yield its URL."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        try:
            await script(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/keys"
    finally:
        server.close()


async def reason_of(fetch: HttpFetch, url: str) -> Reason:
    with pytest.raises(Unavailable) as outage:
        await fetch(url, limit=LIMIT)
    return outage.value.reason


async def document(_: web.Request) -> web.Response:
    return web.Response(body=b'{"keys":[]}', headers={"Cache-Control": "public, max-age=3600"})


class Names(AbstractResolver):
    """A name service that somebody else runs: every name leads to `address`."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int = 0, family: AddressFamily = AF_INET) -> list[ResolveResult]:
        self.asked.append(host)
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in self._addresses
        ]

    async def close(self) -> None:
        pass


async def test_document_arrives_with_its_age() -> None:
    async with serving(document) as url, fetching() as fetch:
        fetched = await fetch(url, limit=LIMIT)

    assert (fetched.status, fetched.body, fetched.max_age) == (200, b'{"keys":[]}', 3600)


@pytest.mark.parametrize(
    ("header", "max_age"),
    [
        ("max-age=60", 60),
        ("private,max-age=60,must-revalidate", 60),
        ("MAX-AGE=0", 0),
        ("no-store", None),
        ("", None),
        ("s-maxage=60", None),
        ("x-max-age=60", None),
        ("max-age=-60", None),
        ("max-age=soon", None),
        (f"max-age={'9' * 5000}", None),
    ],
)
async def test_age_is_read_from_cache_control(header: str, max_age: int | None) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(headers={"Cache-Control": header})

    async with serving(answer) as url, fetching() as fetch:
        fetched = await fetch(url, limit=LIMIT)

    assert fetched.max_age == max_age


async def test_status_is_the_callers_to_judge() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=503)

    async with serving(answer) as url, fetching() as fetch:
        fetched = await fetch(url, limit=LIMIT)

    assert fetched.status == 503


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308])
async def test_redirect_is_not_followed(status: int) -> None:
    asked = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path_qs)
        return web.Response(status=status, headers={"Location": "/keys?again"})

    async with serving(answer) as url, fetching() as fetch:
        verdict = await reason_of(fetch, url)

    assert verdict is Reason.IDP_MISCONFIGURED
    assert asked == ["/keys"]


async def test_document_of_ten_megabytes_is_dropped_while_it_comes() -> None:
    sent = []

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(10 * 1024):
            await response.write(b"x" * 1024)
            sent.append(1024)
        return response

    async with serving(answer) as url, fetching() as fetch:
        verdict = await reason_of(fetch, url)

    assert verdict is Reason.IDP_MISCONFIGURED
    assert sum(sent) < 10 * 2**20


async def test_document_of_just_the_limit_arrives() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * LIMIT)

    async with serving(answer) as url, fetching() as fetch:
        fetched = await fetch(url, limit=LIMIT)

    assert len(fetched.body) == LIMIT


async def test_document_shorter_than_announced_is_not_taken_for_whole() -> None:
    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}")
        await writer.drain()

    async with serving_bytes(script) as url, fetching() as fetch:
        verdict = await reason_of(fetch, url)

    assert verdict is Reason.IDP_UNREACHABLE


async def test_document_announced_beyond_the_limit_is_dropped() -> None:
    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n" + b"x" * (LIMIT + 1))
        await writer.drain()

    async with serving_bytes(script) as url, fetching() as fetch:
        verdict = await reason_of(fetch, url)

    assert verdict is Reason.IDP_MISCONFIGURED


async def test_compressed_document_is_not_unpacked() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(b"0" * 10 * 2**20), headers={"Content-Encoding": "gzip"})

    async with serving(answer) as url, fetching() as fetch:
        verdict = await reason_of(fetch, url)

    assert verdict is Reason.IDP_MISCONFIGURED


async def test_provider_that_says_nothing_is_given_up() -> None:
    async def script(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with serving_bytes(script) as url, fetching(timeout=SHORT) as fetch:
        verdict = await reason_of(fetch, url)

    assert verdict is Reason.IDP_UNREACHABLE


async def test_provider_that_drips_is_given_up() -> None:
    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(SHORT / 10)

    async with serving_bytes(script) as url, fetching(timeout=SHORT) as fetch:
        verdict = await reason_of(fetch, url)

    assert verdict is Reason.IDP_UNREACHABLE


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 10_000 + b"\r\n", b""]
)
async def test_provider_that_does_not_speak_http_is_unreachable(answer: bytes) -> None:
    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    async with serving_bytes(script) as url, fetching() as fetch:
        verdict = await reason_of(fetch, url)

    assert verdict is Reason.IDP_UNREACHABLE


async def test_closed_port_is_unreachable() -> None:
    async with serving(document) as url:
        pass

    async with fetching() as fetch:
        verdict = await reason_of(fetch, url)

    assert verdict is Reason.IDP_UNREACHABLE


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://sso.example.com/keys", id="http outside"),
        pytest.param("https://evil.example/keys", id="host not listed"),
        pytest.param("https://sso.example.com.evil.example/keys", id="host that looks listed"),
        pytest.param("https://sso.example.com@evil.example/keys", id="host in disguise"),
        pytest.param("https://user:secret@sso.example.com/keys", id="credentials"),
        pytest.param("https://localhost/keys", id="loopback not listed"),
        pytest.param("https://169.254.169.254/keys", id="listed address inside"),
        pytest.param("https://[::ffff:10.0.0.1]/keys", id="listed mapped address inside"),
        pytest.param("ftp://sso.example.com/keys", id="ftp"),
        pytest.param("file:///etc/passwd", id="file"),
        pytest.param("//sso.example.com/keys", id="no scheme"),
        pytest.param("https://[::1", id="not a URL"),
        pytest.param("", id="nothing"),
    ],
)
async def test_url_that_is_not_permitted_is_not_even_looked_up(url: str) -> None:
    names = Names("127.0.0.1")
    listed = frozenset({"sso.example.com", "169.254.169.254", "::ffff:10.0.0.1", "::ffff:a00:1"})

    async with fetching(hosts=listed, resolver=names) as fetch:
        verdict = await reason_of(fetch, url)

    assert verdict is Reason.IDP_MISCONFIGURED
    assert names.asked == []


THIS_MACHINE = ["127.0.0.1", "0.0.0.0", "::1", "::ffff:127.0.0.1", "169.254.169.254", "fe80::1"]  # noqa: S104 - refused
PRIVATE = ["10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fd00::1"]


@pytest.mark.parametrize("address", [*THIS_MACHINE, *PRIVATE])
async def test_name_outside_does_not_lead_inside(address: str) -> None:
    async with fetching(hosts=frozenset({"sso.example.com"}), resolver=Names(address)) as fetch:
        verdict = await reason_of(fetch, "https://sso.example.com/keys")

    assert verdict is Reason.IDP_MISCONFIGURED


@pytest.mark.parametrize("address", THIS_MACHINE)
async def test_name_in_a_private_network_does_not_lead_to_this_machine(address: str) -> None:
    async with fetching(private_hosts=frozenset({"sso.corp.example"}), resolver=Names(address)) as fetch:
        verdict = await reason_of(fetch, "https://sso.corp.example/keys")

    assert verdict is Reason.IDP_MISCONFIGURED


async def test_name_in_a_private_network_is_tried_at_its_address() -> None:
    resolver = Names("10.255.255.1")
    async with fetching(private_hosts=frozenset({"sso.corp.example"}), resolver=resolver, timeout=SHORT) as fetch:
        verdict = await reason_of(fetch, "https://sso.corp.example/keys")

    assert verdict is Reason.IDP_UNREACHABLE


async def test_loopback_name_that_leads_elsewhere_is_not_followed() -> None:
    async with fetching(hosts=frozenset({"localhost"}), resolver=Names("10.0.0.1", "192.0.2.1")) as fetch:
        verdict = await reason_of(fetch, "http://localhost/keys")

    assert verdict is Reason.IDP_MISCONFIGURED


async def test_cookies_are_not_kept() -> None:
    seen = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Cookie"))
        response = web.Response()
        response.set_cookie("session", "abc")
        return response

    async with serving(answer) as url, fetching() as fetch:
        await fetch(url, limit=LIMIT)
        await fetch(url, limit=LIMIT)

    assert seen == [None, None]


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")

    async with serving(document) as url, fetching() as fetch:
        fetched = await fetch(url, limit=LIMIT)

    assert fetched.status == 200


def certificate(folder: Path) -> Path:
    """Make a certificate for localhost that no authority has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + signed.public_bytes(Encoding.PEM))
    return file


async def test_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate(tmp_path))
    asked = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response()

    app = web.Application()
    app.router.add_get("/keys", answer)
    server = TestServer(app, scheme="https")
    await server.start_server(ssl=context)
    try:
        async with fetching(hosts=frozenset({"localhost"})) as fetch:
            verdict = await reason_of(fetch, f"https://localhost:{server.port}/keys")
    finally:
        await server.close()

    assert verdict is Reason.IDP_UNREACHABLE
    assert asked == []


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.255.255.254", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.0.0.1", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("2130706433", False),
        ("", False),
    ],
)
def test_loopback_is_this_machine_and_no_other(host: str, expected: bool) -> None:
    assert is_loopback(host) == expected


async def echo(request: web.Request) -> web.Response:
    return web.Response(body=f"{request.content_type} ".encode() + await request.read())


async def test_a_question_arrives_with_its_kind() -> None:
    app = web.Application()
    app.router.add_post("/ocsp", echo)
    async with TestServer(app) as server, fetching() as fetch:
        url = str(server.make_url("/ocsp"))
        fetched = await fetch.post(url, b"question", media_type="application/ocsp-request", limit=LIMIT)

    assert fetched.body == b"application/ocsp-request question"


PLAIN = frozenset({"http://ocsp.example.com:8080"})


@pytest.mark.parametrize(
    "url",
    [
        "http://ocsp.example.com/",
        "http://ocsp.example.com:8081/",
        "http://other.example.com:8080/",
        "http://user@ocsp.example.com:8080/",
        "ftp://ocsp.example.com:8080/",
    ],
)
async def test_only_the_configured_origin_may_be_asked_without_tls(url: str) -> None:
    names = Names("192.0.2.1")
    hosts = frozenset({"ocsp.example.com", "other.example.com"})
    fetch = HttpFetch(hosts=hosts, plain_origins=PLAIN, resolver=names, timeout=SHORT)

    with pytest.raises(Unavailable):
        await fetch.post(url, b"", media_type="application/ocsp-request", limit=LIMIT)

    await fetch.close()
    assert names.asked == []


async def test_a_plain_origin_inside_is_reached_only_where_it_may_be() -> None:
    names = Names("127.0.0.1", "10.0.0.1")
    hosts = frozenset({"ocsp.example.com"})
    fetch = HttpFetch(hosts=hosts, plain_origins=PLAIN, resolver=names, timeout=SHORT)

    with pytest.raises(Unavailable) as outage:
        await fetch.post("http://ocsp.example.com:8080/", b"", media_type="application/ocsp-request", limit=LIMIT)

    await fetch.close()
    assert (outage.value.reason, names.asked) == (Reason.IDP_MISCONFIGURED, ["ocsp.example.com"])
