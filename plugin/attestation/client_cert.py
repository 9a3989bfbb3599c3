"""Evidence format `client-cert`: the certificate that a reverse proxy has authenticated a client's connection with.

A listed proxy passes it on in `Client-Cert` and, for what stands between it and the anchor, `Client-Cert-Chain`
(RFC 9440). The payload holds both fields as they came, each a list with one text for each line of the header:
`{"client_cert": [...], "client_cert_chain": [...]}`.

This must never be read from a body, where anybody could write it. And it proves that some connection to the proxy was
made with the device's key, not this join: the result is never `bound`.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from cryptography import x509

from plugin.attestation._x509 import (
    MAX_CERTIFICATE,
    MAX_CERTIFICATES,
    Authority,
    authorities,
    base64,
    find_path,
    read_certificate,
    vouch,
)
from plugin.core.device import Evidence
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.ports import CLIENT_CERT, Appraisal, DeviceCa

# RFC 9651 3.3.5, and 3.1 for the list. Parameters are possible there and mean nothing in RFC 9440, so there are none.
_BYTE_SEQUENCE = re.compile(r":([A-Za-z0-9+/]*={0,2}):")
_BETWEEN = re.compile(r"[ \t]*,[ \t]*")
_MOST_CHARACTERS = 4 * (MAX_CERTIFICATE + 2) // 3 + 2


def verifier(anchors: tuple[DeviceCa, ...]) -> "ClientCertVerifier":
    """Build the verifier. Raises ValueError where a CA could never verify anything, an expired one included."""
    return ClientCertVerifier(authorities(anchors, now=datetime.now(UTC)))


class ClientCertVerifier:
    """Appraises what a listed proxy says of a connection. Whether it is listed was asked where the header was taken."""

    format = CLIENT_CERT

    def __init__(self, among: tuple[Authority, ...]) -> None:
        self._authorities = among

    def appraise(self, evidence: Evidence, *, transcript: bytes, now: datetime) -> Appraisal:  # noqa: ARG002 - signs nothing
        """Appraise in three steps: 1 read, 2 path, 3 owner. Raises Refused."""
        # 1 read
        chain = _read(evidence.payload)

        # 2 path
        path = find_path(self._authorities, chain, now=now)

        # 3 owner
        return vouch(path, evidence_format=self.format, bound=False)


def _read(payload: Mapping[str, object]) -> tuple[x509.Certificate, ...]:
    """Read both fields. RFC 9440 2.3 lets a chain stand on several lines; here that is as suspect as two leaves."""
    (leaf,), chain = _items(payload, "client_cert", least=1, most=1), _items(payload, "client_cert_chain", least=0)
    return (leaf, *chain)


def _items(
    payload: Mapping[str, object], name: str, *, least: int, most: int = MAX_CERTIFICATES
) -> tuple[x509.Certificate, ...]:
    lines = payload.get(name)
    if not isinstance(lines, list) or not least <= len(lines) <= 1:
        raise Refused(Reason.EVIDENCE_MALFORMED, f"expected `{name}` once")
    if not lines:
        return ()
    texts = _BETWEEN.split(str(lines[0]).strip(" "))
    if len(texts) > most:
        raise Refused(Reason.EVIDENCE_MALFORMED, f"expected `{name}` to hold at most {most} certificates")
    return tuple(_certificate(text, name=name) for text in texts)


def _certificate(text: str, *, name: str) -> x509.Certificate:
    item = _BYTE_SEQUENCE.fullmatch(text) if len(text) <= _MOST_CHARACTERS else None
    try:
        der = base64(item[1]) if item else b""
    except ValueError:
        der = b""
    if not der:
        raise Refused(Reason.EVIDENCE_MALFORMED, f"expected `{name}` to hold byte sequences (RFC 9651 3.3.5)")
    return read_certificate(der)
