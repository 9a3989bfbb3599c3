"""Members of what a stranger presents, in JSON and in CBOR, read within bounds. Raises Refused and nothing else."""

import math
from collections.abc import Mapping

from cryptography import x509

from plugin.attestation import _cbor
from plugin.attestation._x509 import MAX_CERTIFICATE, MAX_CERTIFICATES, base64, read_certificate
from plugin.core import base64url
from plugin.core.errors import Refused
from plugin.core.reasons import Reason

MAX_OBJECT = 24 * 1024


def malformed(detail: str) -> Refused:
    """Make the refusal of something that cannot be read."""
    return Refused(Reason.EVIDENCE_MALFORMED, detail)


def expect(payload: Mapping[str, object], *names: str) -> None:
    """Expect exactly these members."""
    if payload.keys() != set(names):
        raise malformed(f"expected exactly {', '.join(f'`{name}`' for name in sorted(names))}")


def text(payload: Mapping[str, object], name: str, *, most: int) -> str:
    """Read a text."""
    value = payload.get(name)
    if not isinstance(value, str) or len(value) > most:
        raise malformed(f"expected `{name}` to be text of at most {most} characters")
    return value


def octets(payload: Mapping[str, object], name: str, *, most: int) -> bytes:
    """Read base64url without padding."""
    value = text(payload, name, most=math.ceil(most * 4 / 3))
    try:
        return base64url.decode(value)
    except ValueError:
        raise malformed(f"expected `{name}` in canonical base64url without padding") from None


def certificates(payload: Mapping[str, object], name: str) -> list[bytes]:
    """Read a list of certificates, each as base64 of DER as in `x5c` (RFC 7515 4.1.6)."""
    listed = payload.get(name)
    if not isinstance(listed, list) or not 1 <= len(listed) <= MAX_CERTIFICATES:
        raise malformed(f"expected `{name}` to be a list of 1 to {MAX_CERTIFICATES} certificates")
    found = [item for item in listed if isinstance(item, str) and len(item) <= 4 * math.ceil(MAX_CERTIFICATE / 3)]
    if len(found) != len(listed):
        raise malformed(f"expected `{name}` to hold certificates of at most {MAX_CERTIFICATE} octets")
    try:
        return [base64(item) for item in found]
    except ValueError:
        raise malformed(f"expected `{name}` in canonical base64") from None


def chain(payload: Mapping[str, object], name: str) -> tuple[x509.Certificate, ...]:
    """Read a chain of certificates. Nothing of it is verified."""
    return tuple(read_certificate(der) for der in certificates(payload, name))


def cbor_map(raw: bytes) -> dict[object, object]:
    """Read bytes that are one CBOR map."""
    try:
        value = _cbor.read(raw)
    except ValueError:
        raise malformed("expected CBOR in the form of CTAP2") from None
    if not isinstance(value, dict):
        raise malformed("expected a CBOR map")
    return value


def octets_of(members: Mapping[object, object], name: str) -> bytes:
    """Read a byte string of a CBOR map."""
    value = members.get(name)
    if not isinstance(value, bytes):
        raise malformed(f"expected `{name}` to be bytes")
    return value
