"""The Revocation port: every certificate of a path but its anchor, asked at every source that its CA has."""

import asyncio
from collections import ChainMap
from collections.abc import Iterable, Mapping
from itertools import pairwise, product
from typing import Protocol

from cryptography import x509

from plugin.core.errors import Refused, Unavailable
from plugin.core.reasons import Reason


class Source(Protocol):
    """Where a CA tells its revocations."""

    async def check(self, certificate: x509.Certificate, *, issuer: x509.Certificate) -> None:
        """Raise Refused for a revoked certificate, and Unavailable where nobody could say."""


class RevocationLookup:
    """Asks the sources of each CA by name; a CA without any has none to tell."""

    def __init__(self, sources: Mapping[str, tuple[Source, ...]]) -> None:
        self._sources = sources

    @classmethod
    def of(cls, parts: Iterable["RevocationLookup"]) -> "RevocationLookup":
        """Look up in all of these."""
        held = [part._sources for part in parts]  # noqa: SLF001 - of this class
        return cls(ChainMap(*map(dict, held)))

    def knows(self, ca: str) -> bool:
        return ca in self._sources

    async def check(self, path: tuple[bytes, ...], *, ca: str) -> None:
        if not path and ca not in self._sources:
            return  # another kind of evidence, which rests on no certificate
        if ca not in self._sources or (self._sources[ca] and len(path) <= 1):
            raise Unavailable(ca, Reason.REVOCATION_UNKNOWN, "the verifier names no path to a configured CA")
        issued = pairwise(x509.load_der_x509_certificate(der) for der in path)
        asked = product(self._sources[ca], issued)
        outcomes = await asyncio.gather(
            *(source.check(certificate, issuer=issuer) for source, (certificate, issuer) in asked),
            return_exceptions=True,
        )
        failures = [outcome for outcome in outcomes if outcome is not None]
        # That one source says "revoked" counts, though another could not be asked.
        for failure in sorted(failures, key=lambda failure: not isinstance(failure, Refused)):
            raise failure
