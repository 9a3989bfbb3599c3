"""Where the keys of a provider come from: its own documents, found by discovery, or a file of the administrator's.

Either raises Unavailable and nothing else: unreachable where asking again may help, misconfigured where somebody has
to change something, Withdrawn where the keys that were read count no more. It must never follow metadata to another
issuer, host or port than the configuration names.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

from authlib.oidc.discovery import OpenIDProviderMetadata

from plugin.core.errors import Unavailable
from plugin.core.reasons import Reason
from plugin.core.stamp import Stamp, stamp_of
from plugin.jose.keys import MAX_BYTES, KeySet, parse_jwks
from plugin.jose.strict_json import read_object
from plugin.ports import Fetch, Fetched, IdpSettings

OK = 200
TOO_MANY_REQUESTS = 429
SERVER_ERRORS = range(500, 600)
MAX_DETAIL = 256
DEFAULT_PORTS = {"https": 443, "http": 80}

# What a provider says about caching counts between these two, and for no more than half of the keys' declared age: as
# long again is left for renewals that fail.
SHORTEST_FRESH = timedelta(minutes=5)
LONGEST_FRESH = timedelta(hours=12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Keys, and how long nobody has to look for others."""

    keys: KeySet
    fresh: timedelta


class Withdrawn(Unavailable):
    """The keys are gone from where they were: those that were read there must not be used either."""


class KeySource(Protocol):
    """`is_near` = looking takes no network, so whoever finds the keys stale waits for new ones."""

    is_near: bool

    async def load(self) -> Loaded:
        """Load the keys. Raises Unavailable."""


class Published:
    """A provider's documents. The metadata is read each time: providers move their keys rarely, but unannounced."""

    is_near = False

    def __init__(self, settings: IdpSettings, *, fetch: Fetch) -> None:
        self._settings = settings
        self._fetch = fetch

    async def load(self) -> Loaded:
        # OIDC Discovery 4: a slash at the end goes before the path is appended.
        url = f"{self._settings.issuer.removesuffix('/')}/.well-known/openid-configuration"
        metadata = await self._document(url)
        try:
            key_set_url = _find_key_set_url(read_object(metadata.body), settings=self._settings)
            document = await self._document(key_set_url)
            keys = parse_jwks(document.body).of(self._settings.issuer)
        except ValueError as error:
            # What a parser says can quote the document, which is bounded by `MAX_BYTES` alone.
            raise Unavailable(self._settings.issuer, Reason.IDP_MISCONFIGURED, f"{error!s:.{MAX_DETAIL}}") from None
        told, longest = timedelta(seconds=document.max_age or 0), min(LONGEST_FRESH, self._settings.keys_kept / 2)
        return Loaded(keys=keys, fresh=min(max(told, SHORTEST_FRESH), longest))

    async def _document(self, url: str) -> Fetched:
        fetched = await self._fetch(url, limit=MAX_BYTES)
        if fetched.status == OK:
            return fetched
        passing = fetched.status == TOO_MANY_REQUESTS or fetched.status in SERVER_ERRORS
        reason = Reason.IDP_UNREACHABLE if passing else Reason.IDP_MISCONFIGURED
        page = f"{url.partition('?')[0]:.{MAX_DETAIL}}"
        detail = f"got status `{fetched.status}` from `{page}`, expected `{OK}`"
        raise Unavailable(self._settings.issuer, reason, detail)


class KeyFile:
    """A JWK Set in a file, read again when it has changed: for providers that this house may not ask.

    A file that has not changed says now what it said then: its keys are as good as read anew. One that is gone was
    removed, which is how an administrator withdraws keys at once; one that cannot be read may be half written.
    """

    is_near = True

    def __init__(self, file: Path, *, issuer: str) -> None:
        self._file = file
        self._issuer = issuer
        self._read: tuple[Stamp, KeySet] | None = None

    async def load(self) -> Loaded:
        try:
            self._read = await asyncio.to_thread(read_if_changed, self._file, issuer=self._issuer, before=self._read)
        except FileNotFoundError:
            self._read = None
            raise Withdrawn(self._issuer, Reason.IDP_MISCONFIGURED, f"`{self._file.name}`: it is gone") from None
        except ValueError as error:
            raise Unavailable(self._issuer, Reason.IDP_MISCONFIGURED, f"`{self._file.name}`: {error}") from None
        return Loaded(keys=self._read[1], fresh=timedelta(0))


def read_if_changed(file: Path, *, issuer: str, before: tuple[Stamp, KeySet] | None) -> tuple[Stamp, KeySet]:
    """Read a file of keys, or return what was read before where it has not changed.

    Raises FileNotFoundError where there is none, ValueError for anything else.
    """
    try:
        # Before it is read: what is written in between changes it again.
        stamp = stamp_of(file.stat())
        if before is not None and before[0] == stamp:
            return before
        with file.open("rb") as opened:
            octets = opened.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ValueError(f"cannot read it: {error.strerror}") from None
    return stamp, parse_jwks(octets).of(issuer)


def _find_key_set_url(metadata: Mapping[str, object], *, settings: IdpSettings) -> str:
    """Find where the keys are. Raises ValueError for metadata that is another's, or that leads elsewhere."""
    if metadata.get("issuer") != settings.issuer:  # OIDC Discovery 4.3: identical
        raise ValueError(f"metadata names another issuer, expected `{settings.issuer}`")
    url = metadata.get("jwks_uri")
    if not isinstance(url, str):
        raise ValueError("metadata has no text in `jwks_uri`")  # noqa: TRY004 - a fault of the text, like the others
    OpenIDProviderMetadata(metadata).validate_jwks_uri()
    issuer, parts = urlsplit(settings.issuer), urlsplit(url)
    if parts.scheme not in ("https", issuer.scheme):
        raise ValueError("got keys over http, expected https as for the issuer")
    hosts = settings.key_hosts | {issuer.hostname}
    if parts.hostname not in hosts:
        raise ValueError(f"got keys at host `{parts.hostname!s:.64}`, expected one of {sorted(filter(None, hosts))}")
    # Another port of the host is another service: one that nobody has named.
    ports = {DEFAULT_PORTS["https"], _port(issuer)}
    if _port(parts) not in ports:
        raise ValueError(f"got keys at port `{_port(parts)}`, expected one of {sorted(ports)}")
    return url


def _port(parts: SplitResult) -> int:
    return parts.port or DEFAULT_PORTS[parts.scheme]
