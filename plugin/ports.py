"""The sockets: what the house expects of adapters, stores, the network and the clock.

Protocols only, with the values that cross them. Whoever implements one imports this file and `core`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from plugin.core.decision import Decision
from plugin.core.device import AttestationResult, Evidence, Tier
from plugin.core.identity import Identity, Level
from plugin.core.join import JoinRequest
from plugin.core.token import AccessSettings, TokenKind
from plugin.jose.claims import Check, SignedClaims

Json = Mapping[str, object]


class PlatformAdapter(Protocol):
    """The answering side of a platform. Reading is its own, since every wire is different."""

    def honour(self, join: JoinRequest, decision: Decision) -> Decision:
        """Return the decision, or a Deny where the platform could not keep somebody to what is refused them."""

    def write(self, join: JoinRequest, decision: Decision, *, decision_id: str, trace_id: str) -> Json:
        """Say the decision in the platform's own words."""

    def told(self, join: JoinRequest, decision: Decision) -> str:
        """Return what of it the person is told, empty where the platform shows nothing."""


class Clock(Protocol):
    """Time is asked for, never reached for."""

    def __call__(self) -> datetime:
        """Return the time now, in UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """An answer from outside. `max_age` in seconds from Cache-Control, `date` from Date, None where there is none."""

    status: int
    body: bytes
    max_age: int | None
    date: datetime | None = None


class Fetch(Protocol):
    """Get a document from a configured host: no redirects, bounded in size and time. Raises Unavailable."""

    async def __call__(self, url: str, *, limit: int) -> Fetched: ...


class Post(Protocol):
    """Put a question to a configured host, bounded as Fetch is. Raises Unavailable."""

    async def __call__(self, url: str, body: bytes, *, media_type: str, limit: int) -> Fetched: ...


class Store(Protocol):
    """State shared by all questions. Every method is atomic; every method may raise Unavailable.

    Entries are addressed by kind and key; keys of secrets are hashed by the caller. An expired entry is as good
    as absent, whether or not it has been removed yet.
    """

    async def put(self, kind: str, key: str, value: Json, *, expires_at: datetime, synced: bool = True) -> None:
        """Write, whether or not there is an entry.

        A power failure undoes nothing that was `synced`, and nothing that any method had done before it. What follows
        it, it may undo, from the last backwards.
        """

    async def put_all(self, entries: Mapping[tuple[str, str], Json], *, expires_at: datetime) -> None:
        """Write all of them, each by its kind and key, or none; synced."""

    async def get(self, kind: str, key: str, *, now: datetime) -> Json | None:
        """Read."""

    async def take(self, kind: str, key: str, *, now: datetime) -> Json | None:
        """Read and remove: of two that take at once, one gets it."""

    async def claim(self, kind: str, key: str, *, expires_at: datetime, now: datetime) -> bool:
        """Say whether this is the first claim: of two that claim at once, one hears True."""

    async def swap(self, kind: str, key: str, *, old: Json, new: Json, expires_at: datetime, now: datetime) -> bool:
        """Replace `old` by `new` and say so; leave everything alone where the entry is not `old` any more."""

    async def page(self, kind: str, *, after: str, limit: int, now: datetime) -> tuple[tuple[str, Json], ...]:
        """Read some entries of a kind with their keys, in the order of these, from behind the key `after`."""

    async def purge(self, *, now: datetime) -> int:
        """Remove some expired entries, in bounded time, and say how many: 0 = none is left."""

    def waiting(self, *, calls: int) -> float:
        """Say for how many seconds so many calls, one after the other, would have to wait for others now."""

    async def close(self) -> None: ...


class DecisionLog(Protocol):
    """Where decisions are written down a second time, for those who read logs."""

    async def append(self, line: bytes) -> None:
        """Hand one whole line to the system, in the order of the calls. Raises Unavailable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdpSettings:
    """One `[[idp]]` table. `acr` and `amr` say what the provider's values are worth; unnamed values are worth 1.

    `groups_claim` empty = the one that the adapter reads by itself. `tenants` are the provider's own names for those
    of its customers whose people count, where it serves several under one issuer. `key_hosts` are the hosts, besides
    the issuer's own, that its keys may be fetched from. `keys_file` = they are read from there, and the provider is
    asked nothing. `keys_kept` is how old they may become while it does not answer. `tokens` are the kinds that count;
    `access` is not None where any of them is an access token. `nonce_required` = only tokens that carry a nonce of ours
    count: what an app has got for itself, and holds, does not.
    """

    issuer: str
    audience: frozenset[str]
    algorithms: frozenset[str]
    org: str
    acr: Mapping[str, Level] = field(default_factory=dict)
    amr: Mapping[str, Level] = field(default_factory=dict)
    groups_claim: str = ""
    tenants: frozenset[str] = frozenset()
    key_hosts: frozenset[str] = frozenset()
    keys_file: Path | None = None
    keys_kept: timedelta = timedelta(hours=24)
    tokens: frozenset[TokenKind] = frozenset({TokenKind.ID})
    nonce_required: bool = False
    access: AccessSettings | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRules:
    """How a provider's access tokens are told, checked and read, beside what holds for all of them.

    A token is meant to be one where its type is `at+jwt`, or where it has a claim of `marks`: that chooses the table by
    which it is judged, and spares it nothing. `beside` are audiences that may stand beside ours.
    """

    token_types: frozenset[str]
    checks: Mapping[str, Check]
    name: Callable[[SignedClaims], Identity]
    marks: frozenset[str] = frozenset()
    beside: frozenset[str] = frozenset()


class IdpAdapter(Protocol):
    """A kind of identity provider: a table of checks and one pure function for ID tokens, and those of access tokens.

    The house fetches keys and verifies; the adapter says which claims must hold and what they mean.
    `token_types` are the accepted values of the header's `typ`, in lower case; the empty string = no `typ`.
    `checks` is never empty: a provider without checks is not a provider. `settings.acr` are the values of `acr_claim`:
    those of `acr` are asked for by `acr_values`, those of another claim by a claims request (OIDC Core 5.5). `access`
    is None where access tokens of this provider do not count.
    """

    @property
    def settings(self) -> IdpSettings: ...

    @property
    def token_types(self) -> frozenset[str]: ...

    @property
    def checks(self) -> Mapping[str, Check]: ...

    @property
    def acr_claim(self) -> str: ...

    @property
    def access(self) -> AccessRules | None: ...

    def identity(self, claims: SignedClaims) -> Identity:
        """Name the person. Raises Refused."""


BuildIdpAdapter = Callable[[IdpSettings], IdpAdapter]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ocsp:
    """A CA's OCSP responder (RFC 6960). `nonce` = an answer counts only with ours in it."""

    url: str
    private: bool = False
    nonce: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCa:
    """One `[[device_ca]]` table: trust anchors (PEM) and how a certificate's name leads to the device's owner.

    `name_from` is one of `subject_cn`, `subject_uid`, `san_dns`, `san_email`, `san_uri`. The name is looked up in
    `owners`; where it is not there, `owner_pattern` (with `{name}`) makes the owner's identity key; where there is
    no pattern the owner is unproven.

    `tier` is the best that its devices can reach. `crl_files` and `ocsp` say where its revocations are told; where
    there are both, both are asked. Within `warn_days` of its end, a certificate or an anchor is worth a warning.
    """

    name: str
    certificates: bytes
    name_from: str
    owners: Mapping[str, str] = field(default_factory=dict)
    owner_pattern: str | None = None
    tier: Tier = Tier.AFFIRMING
    crl_files: tuple[Path, ...] = ()
    ocsp: Ocsp | None = None
    warn_days: int = 14


CLIENT_CERT = "client-cert"
"""The evidence format that a proxy presents and a caller must not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Appraisal:
    """What a verifier makes of evidence by itself, before anybody has asked whether something of it was revoked.

    `path` holds the certificates that it rests on as DER, leaf first, anchor last; empty = it rests on none.
    `warn_from` is when its coming end is worth a warning.
    """

    result: AttestationResult
    path: tuple[bytes, ...] = ()
    warn_from: datetime | None = None


class AttestationVerifier(Protocol):
    """One evidence format. Pure: what is trusted came in when it was built, the moment comes as `now`."""

    format: str

    def appraise(self, evidence: Evidence, *, transcript: bytes, now: datetime) -> Appraisal:
        """Appraise evidence that must cover `transcript` (32 bytes). Raises Refused, whatever the payload holds.

        A proxy's word (`client-cert`) covers nothing: it gets no transcript, and its result is not `bound`.
        """


class Revocation(Protocol):
    """Whether a certificate was revoked, as its CA tells it."""

    def knows(self, ca: str) -> bool:
        """Say whether the CA is configured."""

    async def check(self, path: tuple[bytes, ...], *, ca: str) -> None:
        """Return where the CA that a path ends in has no revocations to tell, or says that each certificate is good.

        Raises Refused for a revoked one, and Unavailable where nobody could say. `ca` is `appraised_by`.
        """


BuildVerifier = Callable[[tuple[DeviceCa, ...]], AttestationVerifier]
