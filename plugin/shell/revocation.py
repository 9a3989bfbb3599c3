"""Opens what revocations are looked up with: every CA's files, the task that keeps them fresh, and its responder.

Responders get a network access of their own: what an identity provider's metadata names never leads to them, and what
is asked of them never leads anywhere else.
"""

import asyncio
import secrets
from collections.abc import Iterable
from contextlib import AsyncExitStack

from yarl import URL

from plugin.ports import Clock, DeviceCa, Ocsp
from plugin.revocation.lists import CrlFiles
from plugin.revocation.lookup import RevocationLookup, Source
from plugin.revocation.responder import Responder
from plugin.shell.beside import beside
from plugin.shell.check_devices import anchors_of
from plugin.shell.fetch import HttpFetch

REFRESH_SECONDS = 10
# Of the 1.8 s that proofs may take: what remains is for the store.
RESPONDER_SECONDS = 1.0


async def open_crl_files(
    cas: tuple[DeviceCa, ...], *, clock: Clock, stack: AsyncExitStack, refresh_seconds: float = REFRESH_SECONDS
) -> dict[str, CrlFiles]:
    """Open the files of every CA that has some, by its name. They have been read once when this returns."""
    files = {
        ca.name: CrlFiles(ca.crl_files, ca=ca.name, anchors=anchors_of(ca), clock=clock) for ca in cas if ca.crl_files
    }
    for one in files.values():
        await one.refresh()
    if files:
        refreshing = _refresh_now_and_then(tuple(files.values()), seconds=refresh_seconds)
        await stack.enter_async_context(beside(refreshing, gone="revocation lists are not read again any more"))
    return files


def open_revocation(
    cas: tuple[DeviceCa, ...], *, crl_files: dict[str, CrlFiles], clock: Clock, stack: AsyncExitStack
) -> RevocationLookup:
    """Open the responders of every CA, to be asked beside its files; `stack` closes them."""
    post = open_responders(ca.ocsp for ca in cas if ca.ocsp)
    stack.push_async_callback(post.close)
    responders = {
        ca.name: Responder(ca.ocsp, ca=ca.name, post=post.post, clock=clock, random_bytes=secrets.token_bytes)
        for ca in cas
        if ca.ocsp
    }
    return RevocationLookup({ca.name: _sources(ca, files=crl_files, responders=responders) for ca in cas})


def open_responders(responders: Iterable[Ocsp]) -> HttpFetch:
    """Open the way to the configured responders, and to nowhere else."""
    public, private, plain = set[str](), set[str](), set[str]()
    for responder in responders:
        url = URL(responder.url)
        (private if responder.private else public).add(url.raw_host or "")
        if url.scheme == "http":
            plain.add(str(url.origin()))
    return HttpFetch(
        hosts=frozenset(public),
        private_hosts=frozenset(private),
        plain_origins=frozenset(plain),
        timeout=RESPONDER_SECONDS,
    )


def _sources(ca: DeviceCa, *, files: dict[str, CrlFiles], responders: dict[str, Responder]) -> tuple[Source, ...]:
    found: list[Source | None] = [files.get(ca.name), responders.get(ca.name)]
    return tuple(source for source in found if source is not None)


async def _refresh_now_and_then(files: tuple[CrlFiles, ...], *, seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        for one in files:
            await one.refresh()
