"""When a question arrived: not when we got to it, but when its last bytes did, as far as that can be known.

Between the two lie the queue of connections, the event loop and the parser. A platform's own time-out has run all the
while. Linux knows when a connection last received something, also one that nobody had accepted yet.
"""

import socket
import struct
import time

from aiohttp import web

from plugin.flow.budget import Budget

# `tcpi_last_data_recv` of `struct tcp_info` (linux/tcp.h): milliseconds, behind eight bytes and eleven words.
_TCP_INFO: int | None = getattr(socket, "TCP_INFO", None)
_OFFSET = 52
_MILLISECONDS = struct.Struct("=I")


def budget_of(request: web.BaseRequest) -> Budget:
    """Make the budget of a question. To be called first, before anything else is done for it."""
    waited = _waited(request)
    since = time.time_ns() - round(waited * 1e9)
    return Budget(since=since, began=time.monotonic() - waited, monotonic=time.monotonic)


def _waited(request: web.BaseRequest) -> float:
    """Return for how many seconds the question has been here already; 0 where the system does not say."""
    connection = request.transport.get_extra_info("socket") if request.transport else None
    if _TCP_INFO is None or connection is None:
        return 0.0
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _OFFSET + _MILLISECONDS.size)
        (milliseconds,) = _MILLISECONDS.unpack_from(info, _OFFSET)
    except (OSError, struct.error):
        return 0.0
    return float(milliseconds) / 1000
