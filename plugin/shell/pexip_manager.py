"""Reads a Pexip Management Node: the lists that `platforms.pexip_manager` names, by GET and nothing else.

A manager answers 1,000 requests in 60 seconds, to everybody together. Here each request waits its turn and for a
pause, whatever it is for: at most 300 a minute. It must never follow a redirect or a `next` to another place: the
administrator's password goes along with every request.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, encode_basic_auth
from yarl import URL

from plugin.platforms.pexip_manager import PARTS, Estate, Participants, Resource, estate_of, read_participants
from plugin.shell.config_manager import ManagerEntry

PAGE = 50
MOST_PAGES = 400
MOST_BYTES = 4 * 1024 * 1024
CHUNK = 64 * 1024
SECONDS = 10.0
PAUSE_SECONDS = 0.2
OK = 200

Pause = Callable[[float], Awaitable[None]]


class Unread(Exception):
    """A list could not be read whole. `str()` says why, without anything that the manager said."""


class _Meta(msgspec.Struct):
    next: str | None = None


class _Page(msgspec.Struct):
    meta: _Meta
    objects: list[object]


class Manager:
    """One manager, asked with one account. To be used inside `opened`."""

    def __init__(self, http: ClientSession, *, entry: ManagerEntry, pause: Pause) -> None:
        self._http = http
        self._origin = URL(entry.url).origin()
        self._pause = pause
        self._pace = asyncio.Lock()

    async def estate(self) -> Estate:
        """Read the configuration. What cannot be read is noted, and the rest is read all the same."""
        read: dict[Resource, list[object]] = {}
        unread: dict[Resource, str] = {}
        for resource in PARTS:
            try:
                read[resource] = await self.read(resource)
            except Unread as problem:
                unread[resource] = str(problem)
        # The judgement of many rows takes its time, and answers go on meanwhile.
        return await asyncio.to_thread(estate_of, read, unread=unread)

    async def participants(self) -> Participants:
        """Read who is in a conference now. Raises Unread."""
        return await asyncio.to_thread(read_participants, await self.read(Resource.PARTICIPANT))

    async def read(self, resource: Resource) -> list[object]:
        """Read a list whole, page by page. Raises Unread."""
        first = self._origin / "api" / "admin" / resource.value
        objects: list[object] = []
        target, asked = first.with_query(limit=PAGE), set[URL]()
        while target not in asked and len(asked) < MOST_PAGES:
            asked.add(target)
            async with self._pace:  # whoever asks, and however it ends
                await self._pause(PAUSE_SECONDS)
            page = await self._page(target)
            objects += page.objects
            if page.meta.next is None:
                return objects
            target = _following(page.meta.next, first=first)
        raise Unread("its pages do not end")

    async def _page(self, target: URL) -> _Page:
        try:
            async with self._http.get(target, allow_redirects=False) as answer:
                if answer.status != OK:
                    raise Unread(f"got status {answer.status}, expected 200")
                if answer.content_type != "application/json":
                    raise Unread("got another content type, expected application/json")
                body = bytearray()
                async for chunk in answer.content.iter_chunked(CHUNK):
                    body += chunk
                    if len(body) > MOST_BYTES:
                        raise Unread(f"got more than {MOST_BYTES} bytes")
        except TimeoutError:
            raise Unread("no answer in time") from None
        except (ClientError, OSError) as error:
            raise Unread(f"no answer ({type(error).__name__})") from None
        try:
            return msgspec.json.decode(body, type=_Page)
        except (msgspec.DecodeError, RecursionError):
            raise Unread("got something that is no list of objects in JSON") from None


def _following(text: str, *, first: URL) -> URL:
    """Return where the next page is. It is a page of the same list at the same manager, or none. Raises Unread."""
    try:
        target = first.join(URL(text))
    except ValueError:
        raise Unread("`next` is no URL") from None
    if target.with_query(None).with_fragment(None) != first:
        raise Unread("`next` leads elsewhere")
    return target


@asynccontextmanager
async def opened(
    entry: ManagerEntry, *, seconds: float = SECONDS, pause: Pause = asyncio.sleep
) -> AsyncIterator[Manager]:
    """Open a manager, and wait so long for each of its answers."""
    authorization = encode_basic_auth(entry.username, entry.password, encoding="utf-8")
    context = ssl.create_default_context(cadata=entry.ca)  # its certificate is verified; `ca` None = the system's CAs
    async with ClientSession(
        connector=TCPConnector(ssl=context, limit=1),
        timeout=ClientTimeout(total=seconds),
        headers={"Accept": "application/json", "Authorization": authorization},
        cookie_jar=DummyCookieJar(),
        trust_env=False,
    ) as http:
        yield Manager(http, entry=entry, pause=pause)
