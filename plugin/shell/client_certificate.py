"""`Client-Cert` and `Client-Cert-Chain` (RFC 9440), believed from listed proxies and from nobody else.

What counts is who is at the other end of the connection: `X-Forwarded-For` is text, and so is this header from anybody
else. Nothing is read or repaired here: what a proxy passes on in a form that is none has to be refused, not overlooked.
"""

import logging

from aiohttp import web

from plugin.core.address import IpNetwork, is_within
from plugin.core.device import Evidence
from plugin.ports import CLIENT_CERT
from plugin.shell.source import peer_of

log = logging.getLogger(__name__)

FIELDS = {"client_cert": "Client-Cert", "client_cert_chain": "Client-Cert-Chain"}


def client_certificate_of(request: web.Request, *, certifying: tuple[IpNetwork, ...]) -> Evidence | None:
    """Return what the peer says of the client's certificate; None where it says nothing or is not to be believed."""
    payload = {name: request.headers.getall(field, []) for name, field in FIELDS.items()}
    if not any(payload.values()):
        return None
    if not is_within(peer_of(request), certifying):
        log.warning("client certificate ignored, its sender is not believed")
        return None
    return Evidence(format=CLIENT_CERT, payload=payload, challenge_id="")
