"""The CRL files of one CA, read again when they change, and what they say of a certificate.

An administrator's job replaces the files while the service runs. A file that cannot be read, or holds a list of the
anchor's name with another key, changes nothing: what was read before counts until its own nextUpdate.

Nothing is read while somebody waits for an answer: `refresh` runs beside, and reads in a thread.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from plugin.core.errors import Refused, Unavailable
from plugin.core.reasons import Reason
from plugin.core.stamp import Stamp, stamp_of
from plugin.ports import Clock
from plugin.revocation.crl import Crl, newest, read_crls

log = logging.getLogger(__name__)

MAX_BYTES = 64 * 1024 * 1024


class CrlFiles:
    """The lists of one CA."""

    def __init__(self, files: Sequence[Path], *, ca: str, anchors: tuple[x509.Certificate, ...], clock: Clock) -> None:
        self._ca = ca
        self._anchors = anchors
        self._clock = clock
        self._stamps: dict[Path, Stamp | None] = dict.fromkeys(files)
        self._held: tuple[Crl, ...] = ()
        self._signed: dict[tuple[Crl, bytes], bool] = {}

    @property
    def until(self) -> datetime | None:
        """When the first list runs out; None where none could be read."""
        return min((crl.until for crl in self._held), default=None)

    async def refresh(self) -> None:
        """Read the files that have changed since they were last read."""
        for file, stamp in self._stamps.items():
            try:
                read_at, crls = await asyncio.to_thread(read_if_changed, file, stamp=stamp, anchors=self._anchors)
            except ValueError as error:
                fields = {"ca": self._ca, "file": file.name, "detail": str(error)}
                log.error("revocation list not read, what was read before counts on", extra=fields)  # noqa: TRY400 - expected
                continue
            self._stamps[file] = read_at
            if crls:
                self._held, self._signed = newest(self._held, crls, now=self._clock()), {}

    async def check(self, certificate: x509.Certificate, *, issuer: x509.Certificate) -> None:
        """Raise Refused for a certificate that a list names, and Unavailable where no list covers it."""
        lists = [crl for crl in self._held if self._is_signed(crl, issuer) and crl.is_current(self._clock())]
        if any(certificate.serial_number in crl.serials for crl in lists):
            raise Refused(Reason.EVIDENCE_REVOKED, f"revoked by `{self._ca}` (CRL)")
        if not any(crl.covers(certificate) for crl in lists):
            detail = "no current list of the certificate's issuer covers it"
            raise Unavailable(self._ca, Reason.REVOCATION_UNKNOWN, detail)

    def _is_signed(self, crl: Crl, issuer: x509.Certificate) -> bool:
        """Verify a list once for each issuer: one of some megabytes takes milliseconds."""
        key = (crl, issuer.public_bytes(Encoding.DER))
        if key not in self._signed:
            self._signed[key] = crl.is_signed_by(issuer)
        return self._signed[key]


def read_if_changed(
    file: Path, *, stamp: Stamp | None, anchors: tuple[x509.Certificate, ...]
) -> tuple[Stamp, tuple[Crl, ...]]:
    """Read a file, or nothing where it is as it was at `stamp`. Raises ValueError for what must not be used."""
    try:
        # Before it is read: what is written in between changes it again.
        status = file.stat()
        found = stamp_of(status)
        if found == stamp:
            return found, ()
        if status.st_size > MAX_BYTES:
            raise ValueError(f"got `{status.st_size}` bytes, expected at most {MAX_BYTES}")
        octets = file.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read it: {error.strerror}") from None
    crls = read_crls(octets)
    for crl in crls:
        if not is_plausible(crl, anchors=anchors):
            raise ValueError("a list in the name of an anchor is not signed by it")
    return found, crls


def is_plausible(crl: Crl, *, anchors: tuple[x509.Certificate, ...]) -> bool:
    """Say whether a list is an anchor's, or of somebody whose certificate is not here (and is asked for when it is)."""
    namesakes = [anchor for anchor in anchors if anchor.subject == crl.issuer]
    return not namesakes or any(crl.is_signed_by(anchor) for anchor in namesakes)
