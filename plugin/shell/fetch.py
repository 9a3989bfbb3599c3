"""Documents and answers from the configured hosts, over HTTPS, within bounds of size and time.

It must never follow a redirect, use a proxy or a cookie that nobody configured, decompress, or connect to an address
that the host's name has no business with: a name outside can lead inside.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from socket import AF_UNSPEC, AddressFamily

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from plugin.core.address import is_within
from plugin.core.errors import Unavailable
from plugin.core.reasons import Reason
from plugin.group_ports import Ask
from plugin.ports import Fetched

TIMEOUT = 2.0
CHUNK = 8 * 1024
REDIRECTS = range(300, 400)

# RFC 1918, RFC 6598, RFC 4193.
PRIVATE_NETWORKS = tuple(
    ip_network(network) for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)

# RFC 6052: whoever connects to such an address is led to the IPv4 address in its end.
NAT64 = ip_network("64:ff9b::/96")
# Global by name alone: a translator of our own network's (RFC 8215) leads anywhere in it, and a group is no host.
NOBODYS = tuple(ip_network(network) for network in ("64:ff9b:1::/48", "224.0.0.0/4", "ff00::/8"))

_MAX_AGE = re.compile(r"(?:^|[,\s])max-age=(\d{1,9})(?:$|[,\s])", re.IGNORECASE)


class HttpFetch:
    """The Fetch port over aiohttp. To be made inside the running loop, and closed at the end.

    `hosts` may be reached at public addresses, `private_hosts` at those of a private network as well. Both hold
    host names, or addresses, in lower case. A loopback host is reached at loopback addresses only.

    `plain_origins` (`http://host:port`) may be asked without TLS: OCSP responders, whose answers are signed, since
    asking them over TLS could need an answer of theirs.
    """

    def __init__(
        self,
        *,
        hosts: frozenset[str],
        private_hosts: frozenset[str] = frozenset(),
        plain_origins: frozenset[str] = frozenset(),
        timeout: float = TIMEOUT,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._hosts = hosts | private_hosts
        self._private_hosts = private_hosts
        self._plain_origins = plain_origins
        guarded = _GuardedResolver(resolver or aiohttp.ThreadedResolver(), private_hosts=private_hosts)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=guarded),
            timeout=aiohttp.ClientTimeout(total=timeout),
            headers={"Accept-Encoding": "identity"},
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            raise_for_status=False,
        )

    async def __call__(self, url: str, *, limit: int) -> Fetched:
        return await self._exchange("GET", url, body=None, headers={"Accept": "application/json"}, limit=limit)

    async def post(self, url: str, body: bytes, *, media_type: str, limit: int) -> Fetched:
        """Put a question. The Post port."""
        return await self._exchange("POST", url, body=body, headers={"Content-Type": media_type}, limit=limit)

    async def ask(self, ask: Ask, *, limit: int) -> Fetched:
        """Put a question with headers of its own. The Exchange port."""
        method = "GET" if ask.body is None else "POST"
        return await self._exchange(method, ask.url, body=ask.body, headers=ask.headers, limit=limit)

    async def _exchange(
        self, method: str, url: str, *, body: bytes | None, headers: Mapping[str, str], limit: int
    ) -> Fetched:
        target = self._permitted(url)
        host = target.raw_host or ""
        request = self._session.request(method, target, data=body, headers=headers, allow_redirects=False)
        try:
            async with request as response:
                if response.status in REDIRECTS:
                    raise _misconfigured(host, f"got status `{response.status}`, expected no redirect")
                if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                    raise _misconfigured(host, "got a compressed document, expected none as asked")
                received = await _read(response, host=host, limit=limit)
                headers = response.headers
                return Fetched(status=response.status, body=received, max_age=_max_age(headers), date=_date(headers))
        except TimeoutError:
            raise Unavailable(host, Reason.IDP_UNREACHABLE, "no answer in time") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(host, Reason.IDP_UNREACHABLE, type(error).__name__) from None

    async def close(self) -> None:
        await self._session.close()

    def _permitted(self, url: str) -> URL:
        """Parse the URL once, with the parser that connects, and check what it leads to."""
        try:
            target = URL(url)
        except ValueError:
            raise _misconfigured("-", "not a URL") from None
        host = target.raw_host or ""
        if host not in self._hosts:
            raise _misconfigured(host, f"got host `{host}`, expected one of {sorted(self._hosts)}")
        if target.scheme != "https" and not (target.scheme == "http" and self._may_be_plain(target)):
            raise _misconfigured(host, f"got scheme `{target.scheme}`, expected https (http only on loopback)")
        if target.raw_user is not None or target.raw_password is not None:
            raise _misconfigured(host, "got credentials in a URL, expected none")
        literal = _address(host)
        if literal is not None and not _may_lead_to(host, literal, private_hosts=self._private_hosts):
            raise _misconfigured(host, f"got address `{host}`, expected a public one")
        return target

    def _may_be_plain(self, target: URL) -> bool:
        return is_loopback(target.raw_host or "") or str(target.origin()) in self._plain_origins


class _GuardedResolver(AbstractResolver):
    """Drops addresses that a name may not lead to. The connector connects to what this returns and to nothing else."""

    def __init__(self, resolver: AbstractResolver, *, private_hosts: frozenset[str]) -> None:
        self._resolver = resolver
        self._private_hosts = private_hosts

    async def resolve(self, host: str, port: int = 0, family: AddressFamily = AF_UNSPEC) -> list[ResolveResult]:
        results = await self._resolver.resolve(host, port, family)
        permitted = [result for result in results if self._permits(host, result)]
        if not permitted:
            raise _misconfigured(host, f"`{host}` leads to no address that it may lead to")
        return permitted

    async def close(self) -> None:
        await self._resolver.close()

    def _permits(self, host: str, result: ResolveResult) -> bool:
        address = _address(result["host"])
        return address is not None and _may_lead_to(host, address, private_hosts=self._private_hosts)


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine by definition, so that nobody on the way could read or change anything."""
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


def _may_lead_to(host: str, address: IPv4Address | IPv6Address, *, private_hosts: frozenset[str]) -> bool:
    if is_loopback(host):
        return address.is_loopback
    if host in private_hosts and is_within(address, PRIVATE_NETWORKS):
        return True
    return address.is_global and not is_within(address, NOBODYS)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return address if isinstance(address, IPv4Address) else _embedded(address) or address


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that an address of IPv6 stands for: it leads where that one leads."""
    in_its_end = IPv4Address(int(address) & 0xFFFFFFFF)
    # RFC 4291 2.5.5: the compatible form is `::a.b.c.d`; `::` and `::1` are no such addresses.
    is_compatible = 1 < int(address) <= int(in_its_end)
    if address in NAT64 or is_compatible:
        return in_its_end
    return address.ipv4_mapped or address.sixtofour


async def _read(response: aiohttp.ClientResponse, *, host: str, limit: int) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK):
        body += chunk
        if len(body) > limit:
            raise _misconfigured(host, f"got more than `{limit}` bytes")
    return bytes(body)


def _max_age(headers: Mapping[str, str]) -> int | None:
    found = _MAX_AGE.search(headers.get("Cache-Control", ""))
    return int(found[1]) if found else None


def _date(headers: Mapping[str, str]) -> datetime | None:
    """Read when the answer was made (RFC 9110 6.6.1)."""
    try:
        date = parsedate_to_datetime(headers.get("Date", ""))
    except ValueError:
        return None
    return date if date.tzinfo else None


def _misconfigured(host: str, detail: str) -> Unavailable:
    return Unavailable(host, Reason.IDP_MISCONFIGURED, detail)
