"""Network addresses, as this house compares them."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network

_MAPPED = IPv6Network("::ffff:0:0/96")


def read_address(text: str) -> Address | None:
    """Read one address. IPv4 mapped into IPv6 is the IPv4 address itself; one with an interface's name is none."""
    if "%" in text:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def read_network(text: str) -> IpNetwork:
    """Read a CIDR, IPv4 mapped into IPv6 as the IPv4 network itself. Raises ValueError."""
    network = ip_network(text)
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        first = IPv4Address(int(network.network_address) & 0xFFFFFFFF)
        return IPv4Network((first, network.prefixlen - _MAPPED.prefixlen))
    return network


def canonical_address(text: str) -> str:
    """Return an address in its one spelling; what is none stays as it is, and is compared as text."""
    return str(read_address(text) or text)


def is_within(address: Address | None, networks: Iterable[IpNetwork]) -> bool:
    """Say whether an address lies in one of these networks; one that could not be read lies in none."""
    return address is not None and any(address in network for network in networks)
