"""Where fetching may lead: to hosts of the configuration, and to addresses that such a host may have."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from plugin.core.reasons import Reason
from plugin.shell.fetch import is_loopback
from tests.shell.fetching import SHORT, Names, fetching, reason_of

THIS_MACHINE = ["127.0.0.1", "0.0.0.0", "::1", "::ffff:127.0.0.1", "169.254.169.254", "fe80::1"]  # noqa: S104 - refused
PRIVATE = ["10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fd00::1"]
# The ways in which an address of IPv6 can stand for 10.0.0.1 or 127.0.0.1: NAT64, 6to4, Teredo, mapped, compatible.
DISGUISED = ["64:ff9b::a00:1", "64:ff9b::7f00:1", "2002:a00:1::1", "2001:0:a00:1::1", "::ffff:10.0.0.1", "::10.0.0.1"]
DISGUISED += ["64:ff9b:1::a00:1"]
NOBODYS = ["224.0.0.1", "239.255.255.250", "ff02::1", "ff0e::1", "255.255.255.255", "240.0.0.1", "192.0.2.1"]


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


@pytest.mark.parametrize("address", [*THIS_MACHINE, *PRIVATE, *DISGUISED, *NOBODYS])
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


async def test_of_many_addresses_only_those_are_tried_that_a_name_may_lead_to() -> None:
    connected = []

    def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.append(writer)
        writer.close()

    inside = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = inside.sockets[0].getsockname()[1]
    names, host = Names("127.0.0.1", "10.255.255.1", "::1"), frozenset({"sso.corp.example"})
    async with fetching(private_hosts=host, resolver=names, timeout=SHORT) as fetch:
        verdicts = [await reason_of(fetch, f"https://sso.corp.example:{port}/keys") for _ in range(2)]
    inside.close()

    assert verdicts == [Reason.IDP_UNREACHABLE] * 2
    assert connected == []


async def test_name_that_is_bound_anew_to_an_address_inside_is_not_followed() -> None:
    names = Names("10.255.255.1")
    async with fetching(private_hosts=frozenset({"sso.corp.example"}), resolver=names, timeout=SHORT) as fetch:
        before = await reason_of(fetch, "https://sso.corp.example/keys")
        names.lead_to("127.0.0.1")
        afterwards = await reason_of(fetch, "https://sso.corp.example:8443/keys")

    assert (before, afterwards) == (Reason.IDP_UNREACHABLE, Reason.IDP_MISCONFIGURED)


async def test_loopback_name_that_leads_elsewhere_is_not_followed() -> None:
    async with fetching(hosts=frozenset({"localhost"}), resolver=Names("10.0.0.1", "192.0.2.1")) as fetch:
        verdict = await reason_of(fetch, "http://localhost/keys")

    assert verdict is Reason.IDP_MISCONFIGURED


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
