"""Where a request comes from: the peer, or what a listed proxy says of the one before it."""

from aiohttp import web

from plugin.core.address import Address, IpNetwork, is_within, read_address


def peer_of(request: web.Request) -> Address | None:
    """Return the address at the other end of the connection, without the name of an interface."""
    return read_address((request.remote or "").partition("%")[0])


def source_of(request: web.Request, *, proxies: tuple[IpNetwork, ...]) -> Address | None:
    """Return the nearest address that is not a listed proxy's; None where a proxy names none that can be read.

    Every hop appends to `X-Forwarded-For`, so it is read from the right and only as far as listed proxies wrote it:
    what stands further left is what the caller wishes to be.
    """
    source = peer_of(request)
    if not is_within(source, proxies):
        return source
    hops = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
    while is_within(source, proxies) and hops != [""]:
        source = read_address(hops.pop().strip()) if hops else None
    return source
