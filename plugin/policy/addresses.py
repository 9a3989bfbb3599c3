"""Tables of networks: which names an address falls under, found by bisection."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from itertools import groupby
from operator import itemgetter

from plugin.core.address import Address, IpNetwork

_Point = tuple[int, int]  # IP version and number: IPv4 sorts before IPv6

_KINDS: dict[int, tuple[type[IPv4Address] | type[IPv6Address], int]] = {4: (IPv4Address, 32), 6: (IPv6Address, 128)}


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressTable:
    """`names[i]` holds from `starts[i]` until the next start."""

    starts: tuple[_Point, ...]
    names: tuple[frozenset[str], ...]

    def find(self, address: Address) -> frozenset[str]:
        """Find every name that the address falls under."""
        index = bisect_right(self.starts, (address.version, int(address))) - 1
        return self.names[index] if index >= 0 else frozenset()

    @property
    def all_names(self) -> frozenset[str]:
        """Every name that holds somewhere."""
        return frozenset[str]().union(*self.names)

    def stretches(self) -> Iterator[tuple[Address, frozenset[str]]]:
        """Walk the table: where each stretch starts, and the names that hold there."""
        for (version, number), names in zip(self.starts, self.names, strict=True):
            kind, bits = _KINDS[version]
            if number.bit_length() <= bits:  # the last stretch may start after the last address
                yield kind(number), names


def address_table(networks: Iterable[tuple[str, IpNetwork]]) -> AddressTable:
    """Lay named networks over each other. Where they overlap, all their names hold."""
    edges: list[tuple[_Point, int, str]] = []
    for name, network in networks:
        first = int(network.network_address)
        after = first + 2 ** (network.max_prefixlen - network.prefixlen)
        edges.append(((network.version, first), 1, name))
        edges.append(((network.version, after), -1, name))
    starts, names, open_networks = [], [], Counter[str]()
    for start, changes in groupby(sorted(edges), key=itemgetter(0)):
        for _, change, name in changes:
            open_networks[name] += change
            if not open_networks[name]:
                del open_networks[name]
        starts.append(start)
        names.append(frozenset(open_networks))
    return AddressTable(starts=tuple(starts), names=tuple(names))
