"""A responder over real HTTP: what it answers, what is kept, and every way in which it does not answer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from plugin.core.errors import Refused, Unavailable
from plugin.core.reasons import Reason
from plugin.ports import Ocsp
from plugin.revocation.lookup import RevocationLookup
from plugin.revocation.responder import MEDIA_TYPE, Responder
from plugin.shell.fetch import HttpFetch
from tests.attestation.pki import NOON, Issued
from tests.fakes import HandClock
from tests.revocation.authority import ALICE, ALICE_BELOW, BOB, DAY, HOUR, IMPOSTOR, ISSUING, ROOT, answer

Answers = Callable[[ocsp.OCSPRequest], Awaitable[web.StreamResponse]]
NONCE = bytes(range(32))
GOOD, REVOKED = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED


class Party:
    """A responder, and somebody who asks it."""

    def __init__(self, fetch: HttpFetch, *, url: str, asked: list[ocsp.OCSPRequest], nonce: bool) -> None:
        self.asked = asked
        self.clock = HandClock(NOON)
        settings = Ocsp(url=url, nonce=nonce)
        self.responder = Responder(
            settings, ca="devices", post=fetch.post, clock=self.clock, random_bytes=lambda count: NONCE[:count]
        )

    async def verdict(self, issued: Issued = ALICE, *, issuer: Issued = ROOT) -> str:
        try:
            await self.responder.check(issued.certificate, issuer=issuer.certificate)
        except (Refused, Unavailable) as failure:
            return failure.reason.code
        return "good"


@asynccontextmanager
async def answering(answers: Answers, *, nonce: bool = False) -> AsyncIterator[Party]:
    asked = list[ocsp.OCSPRequest]()

    async def answer_one(request: web.Request) -> web.StreamResponse:
        assert request.content_type == MEDIA_TYPE
        asked.append(ocsp.load_der_ocsp_request(await request.read()))
        return await answers(asked[-1])

    app = web.Application()
    app.router.add_post("/ocsp", answer_one)
    fetch = HttpFetch(hosts=frozenset({"127.0.0.1"}), timeout=0.5)
    async with TestServer(app, shutdown_timeout=0.1) as server:
        yield Party(fetch, url=str(server.make_url("/ocsp")), asked=asked, nonce=nonce)
    await fetch.close()


def always(octets: bytes, *, status: int = 200) -> Answers:
    async def answers(_: ocsp.OCSPRequest) -> web.Response:
        return web.Response(body=octets, status=status, content_type="application/ocsp-response")

    return answers


async def hang(_: ocsp.OCSPRequest) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


async def lead_elsewhere(_: ocsp.OCSPRequest) -> web.StreamResponse:
    raise web.HTTPTemporaryRedirect("/elsewhere")


async def test_good_passes_and_revoked_is_refused() -> None:
    async with answering(always(answer())) as party:
        assert await party.verdict() == "good"
    async with answering(always(answer(status=REVOKED))) as party:
        assert await party.verdict() == Reason.EVIDENCE_REVOKED.code


@pytest.mark.parametrize(
    "answers",
    [
        hang,
        lead_elsewhere,
        always(answer(), status=503),
        always(answer(), status=201),
        always(b""),
        always(b"\x30" * 64 * 1024),
        always(answer(BOB)),
        always(answer(by=IMPOSTOR)),
        always(answer(until=NOON)),
        always(answer(status=ocsp.OCSPCertStatus.UNKNOWN)),
    ],
    ids=["late", "redirect", "503", "201", "empty", "endless", "another's", "forged", "stale", "unknown"],
)
async def test_a_responder_that_does_not_answer_leaves_it_unknown(answers: Answers) -> None:
    async with answering(answers) as party:
        assert await party.verdict() == Reason.REVOCATION_UNKNOWN.code


async def test_a_responder_that_is_not_there_leaves_it_unknown() -> None:
    fetch = HttpFetch(hosts=frozenset({"127.0.0.1"}), timeout=0.5)

    party = Party(fetch, url="http://127.0.0.1:1/", asked=[], nonce=False)

    assert await party.verdict() == Reason.REVOCATION_UNKNOWN.code
    await fetch.close()


async def test_an_answer_is_kept_and_asked_for_again_after_its_end() -> None:
    async with answering(always(answer(until=NOON + HOUR / 2))) as party:
        assert [await party.verdict(), await party.verdict(), len(party.asked)] == ["good", "good", 1]
        party.clock.move(minutes=30)

        assert await party.verdict() == Reason.REVOCATION_UNKNOWN.code
        assert len(party.asked) == 2


async def test_an_answer_for_days_is_kept_for_an_hour() -> None:
    statuses = iter([GOOD, REVOKED])

    async def change_of_mind(_: ocsp.OCSPRequest) -> web.Response:
        return web.Response(body=answer(status=next(statuses), until=NOON + 7 * DAY))

    async with answering(change_of_mind) as party:
        before = await party.verdict()
        party.clock.move(hours=1)

        assert (before, await party.verdict()) == ("good", Reason.EVIDENCE_REVOKED.code)


async def test_a_failure_is_not_kept() -> None:
    bodies = iter([b"", answer()])

    async def recover(_: ocsp.OCSPRequest) -> web.Response:
        return web.Response(body=next(bodies))

    async with answering(recover) as party:
        assert [await party.verdict(), await party.verdict()] == [Reason.REVOCATION_UNKNOWN.code, "good"]


async def test_a_kept_answer_is_for_one_certificate_alone() -> None:
    async with answering(always(answer())) as party:
        await party.verdict()

        assert await party.verdict(BOB) == Reason.REVOCATION_UNKNOWN.code


async def test_a_replayed_answer_is_unknown_where_a_nonce_is_asked_for() -> None:
    async with answering(always(answer()), nonce=True) as party:
        assert await party.verdict() == Reason.REVOCATION_UNKNOWN.code
    async with answering(always(answer(nonce=NONCE)), nonce=True) as party:
        assert await party.verdict() == "good"


def path(*issued: Issued) -> tuple[bytes, ...]:
    return tuple(one.certificate.public_bytes(Encoding.DER) for one in issued)


class Says:
    """A source that says something about every certificate, and remembers whom it was asked about."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.asked: list[tuple[int, int]] = []

    async def check(self, certificate: object, *, issuer: object) -> None:
        self.asked.append((certificate.serial_number, issuer.serial_number))  # type: ignore[attr-defined] # certificates
        if self.failure:
            raise self.failure


async def test_every_certificate_but_the_anchor_is_asked_about_at_every_source() -> None:
    one, two = Says(), Says()

    await RevocationLookup({"devices": (one, two)}).check(path(ALICE_BELOW, ISSUING, ROOT), ca="devices")

    alice, issuing, root = (issued.certificate.serial_number for issued in (ALICE_BELOW, ISSUING, ROOT))
    assert one.asked == two.asked == [(alice, issuing), (issuing, root)]


async def test_a_revocation_counts_though_another_source_does_not_answer() -> None:
    down = Says(Unavailable("devices", Reason.REVOCATION_UNKNOWN))
    revoked = Says(Refused(Reason.EVIDENCE_REVOKED))

    with pytest.raises(Refused):
        await RevocationLookup({"devices": (down, revoked)}).check(path(ALICE, ROOT), ca="devices")


async def test_one_good_answer_does_not_make_up_for_one_that_is_missing() -> None:
    down = Says(Unavailable("devices", Reason.REVOCATION_UNKNOWN))

    with pytest.raises(Unavailable):
        await RevocationLookup({"devices": (Says(), down)}).check(path(ALICE, ROOT), ca="devices")


@pytest.mark.parametrize(
    ("presented", "ca"),
    [((), "devices"), (path(ROOT), "devices"), (path(ALICE, ROOT), "somebody")],
    ids=["no path", "an anchor alone", "a CA that nobody configured"],
)
async def test_a_result_without_a_path_to_a_configured_ca_is_unknown(presented: tuple[bytes, ...], ca: str) -> None:
    with pytest.raises(Unavailable):
        await RevocationLookup({"devices": (Says(),)}).check(presented, ca=ca)


async def test_a_ca_without_sources_has_nothing_to_tell() -> None:
    await RevocationLookup({"devices": ()}).check(path(ALICE, ROOT), ca="devices")


async def test_evidence_without_certificates_has_nothing_to_revoke() -> None:
    await RevocationLookup({"devices": (Says(),)}).check((), ca="security-keys")
