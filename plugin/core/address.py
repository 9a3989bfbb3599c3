"""Network addresses, as this house compares them."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network


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


def canonical_address(text: str) -> str:
    """Return an address in its one spelling; what is none stays as it is, and is compared as text."""
    return str(read_address(text) or text)


def is_within(address: Address | None, networks: Iterable[IpNetwork]) -> bool:
    """Say whether an address lies in one of these networks; one that could not be read lies in none."""
    return address is not None and any(address in network for network in networks)
