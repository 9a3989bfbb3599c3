"""How often one address may ask the doors that are open to clients. A bound on work, never a proof of anything."""

from collections.abc import Callable
from ipaddress import IPv6Address, ip_network

from cachetools import LRUCache

from plugin.core.address import Address

WINDOW_SECONDS = 60
# Addresses that are remembered at once; the oldest fall out first.
MAX_ADDRESSES = 20_000
# An IPv6 customer has at least a /64, so addresses within one count as one.
IPV6_PREFIX = 64


class RateLimit:
    """Counts requests per address and minute."""

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._counts: LRUCache[tuple[str, int], int] = LRUCache(MAX_ADDRESSES)

    def allows(self, source: Address | None, *, per_minute: int) -> bool:
        """Count one request, and say whether it is within the limit. All from nowhere count as one."""
        key = (_customer(source), int(self._monotonic() // WINDOW_SECONDS))
        count = self._counts.get(key, 0) + 1
        self._counts[key] = count
        return count <= per_minute


def _customer(source: Address | None) -> str:
    if isinstance(source, IPv6Address):
        return str(ip_network((source, IPV6_PREFIX), strict=False))
    return str(source)
