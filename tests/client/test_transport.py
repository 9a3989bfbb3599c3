"""To whom the client speaks at all: a service whose certificate holds for its name, or this machine."""

import ssl
from pathlib import Path

import pytest

from tests.client.liar import ALLOW, TOKEN, lying, says
from tests.client.tls import server_context
from vestibule import Allowed, Capability, NotReached, Vestibule

EVERYTHING = frozenset(Capability)


async def test_a_server_without_tls_is_no_answer_over_https() -> None:
    async with lying(says(ALLOW)) as liar:
        url = liar.url.replace("http://", "https://")
        async with Vestibule(url, token=TOKEN, enforces=EVERYTHING) as vestibule:
            with pytest.raises(NotReached):
                await vestibule.join("board")

    assert liar.asked == []


@pytest.mark.component("openssl")
async def test_a_certificate_that_nobody_vouches_for_is_no_answer(tmp_path: Path) -> None:
    context = server_context(tmp_path, name="localhost")
    async with lying(says(ALLOW), tls=context) as liar, liar.client() as vestibule:
        with pytest.raises(NotReached, match="Certificate"):
            await vestibule.join("board")

    assert liar.asked == []


@pytest.mark.component("openssl")
async def test_a_certificate_for_another_name_is_no_answer(tmp_path: Path) -> None:
    context = server_context(tmp_path, name="vestibule.example.com")
    trusting = ssl.create_default_context(cafile=tmp_path / "certificate.pem")
    async with lying(says(ALLOW), tls=context) as liar, liar.client(tls=trusting) as vestibule:
        with pytest.raises(NotReached, match="Certificate"):
            await vestibule.join("board")

    assert liar.asked == []


@pytest.mark.component("openssl")
async def test_a_private_ca_is_trusted_where_it_is_told(tmp_path: Path) -> None:
    context = server_context(tmp_path, name="localhost")
    trusting = ssl.create_default_context(cafile=tmp_path / "certificate.pem")
    async with lying(says(ALLOW), tls=context) as liar, liar.client(tls=trusting) as vestibule:
        assert isinstance(await vestibule.join("board"), Allowed)


@pytest.mark.parametrize(
    "url",
    [
        "http://vestibule.example.com",
        "http://192.0.2.1",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://[2001:db8::1]",
        "ftp://127.0.0.1",
        "vestibule.example.com",
        "",
        "https://",
        "https://user:secret@vestibule.example.com",
        "https://vestibule.example.com?token=secret",
    ],
)
def test_a_url_that_is_not_safe_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="expected") as refused:
        Vestibule(url, token=TOKEN, enforces=EVERYTHING)

    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["https://vestibule.example.com/admission", "http://127.0.0.1:8080", "http://[::1]:1"])
def test_https_and_this_machine_are_fine(url: str) -> None:
    assert Vestibule(url, token=TOKEN, enforces=EVERYTHING)


def test_a_tls_context_that_does_not_verify_is_refused() -> None:
    context = ssl.create_default_context()
    context.check_hostname = False

    with pytest.raises(ValueError, match="does not verify"):
        Vestibule("https://vestibule.example.com", token=TOKEN, enforces=EVERYTHING, tls=context)
