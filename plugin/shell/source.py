"""Where a request comes from: the peer, or what a listed proxy says of the one before it."""

from ipaddress import IPv4Network, IPv6Network

from aiohttp import web

from plugin.core.address import Address, read_address

IpNetwork = IPv4Network | IPv6Network


def source_of(request: web.Request, *, proxies: tuple[IpNetwork, ...]) -> Address | None:
    """Return the nearest address that is not a listed proxy's; None where a proxy names none that can be read.

    Every hop appends to `X-Forwarded-For`, so it is read from the right and only as far as listed proxies wrote it:
    what stands further left is what the caller wishes to be.
    """
    source = read_address((request.remote or "").partition("%")[0])
    if source is None or not is_within(source, proxies):
        return source
    hops = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
    while source is not None and is_within(source, proxies) and hops != [""]:
        source = read_address(hops.pop().strip()) if hops else None
    return source


def is_within(address: Address, networks: tuple[IpNetwork, ...]) -> bool:
    """Say whether an address lies in one of these networks."""
    return any(address in network for network in networks)
