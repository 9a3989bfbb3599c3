"""The sockets of device evidence that an `[[evidence]]` table switches on: enrolled keys, and results of others.

A format is one file in `attestation/` and one entry point. It is pure: what it trusts came in when it was built, the
moment comes as `now`, and whatever a payload holds, nothing but `Refused` comes out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from plugin.core.device import EnrolledDevice, Evidence, Tier, Vector
from plugin.ports import AttestationVerifier, Json

OptionKind = Literal["text", "texts", "number", "flag", "file"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A setting of a format in its `[[evidence]]` table. `file` = a path, of which the content is handed over.

    `default` None = it has to be given. Values arrive as str, tuple[str, ...], int, bool or bytes.
    """

    kind: OptionKind
    about: str
    default: str | tuple[str, ...] | int | bool | bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceSettings:
    """One `[[evidence]]` table, of which there is one for a format that is on: its name, and what it trusts.

    `roots` are the contents of `roots_files`: certificates in PEM, or a key set, as the format says. A format that
    needs roots and has none raises ValueError when it is built. `tier` is the best that its devices can reach.
    `rp_id` and `origin` are those of `[server] public_url`: its host, and scheme with host and port.
    """

    name: str
    roots: tuple[bytes, ...]
    tier: Tier
    rp_id: str
    origin: str
    options: Mapping[str, str | tuple[str, ...] | int | bool | bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attested:
    """What an attestation says of a device's key, before anybody has approved the device.

    `device_id` is made from the key (`webauthn:` and a digest, say): the same key is the same device. `key`, `counter`,
    `serial` as in EnrolledDevice. `synced` = the key may leave the device, so that it stands for a person, not for a
    device. `path` holds the certificates that it rests on as DER, leaf first. `claims` are for a reviewer to read, and
    name nobody.
    """

    device_id: str
    key: Json
    tier: Tier
    vector: Vector
    serial: str = ""
    counter: int = 0
    synced: bool = False
    path: tuple[bytes, ...] = ()
    claims: Mapping[str, str | int | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyProof:
    """What one signature of an enrolled key is worth: it covered the transcript. `counter` is the one it signed.

    `tier` and `vector` are those of this moment, never better than the device's own on record. `reset` = the device
    says that what it was attested with has changed since (a TPM's reset), so that it has to be attested anew.
    """

    tier: Tier
    vector: Vector
    counter: int = 0
    reset: bool = False


class EnrolmentFormat(Protocol):
    """A format whose devices are enrolled once and prove their key at every join."""

    format: str

    def begin(self, payload: Json, *, now: datetime) -> tuple[Json, Json] | None:
        """Answer the first of two rounds: what goes to the device, and what is kept for `enrol`. None = one round.

        Raises Refused.
        """

    def enrol(self, evidence: Evidence, *, transcript: bytes, kept: Json | None, now: datetime) -> Attested:
        """Appraise an attestation that covers `transcript` (32 bytes, made to enrol). Raises Refused."""

    def device_id(self, evidence: Evidence) -> str:
        """Say which device a proof claims to be of; what it says is not proven yet. Raises Refused."""

    def prove(self, evidence: Evidence, *, transcript: bytes, device: EnrolledDevice, now: datetime) -> KeyProof:
        """Verify the device's signature over `transcript` (32 bytes, made to join). Raises Refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceFormat:
    """What an entry point names: the settings that a format reads, and how it is built from its one table.

    `build` makes a verifier of devices on record, or of results that need none (RFC 9334's passport model). Raises
    ValueError: what can never verify anything is an error of the configuration.
    """

    options: Mapping[str, Option]
    build: Callable[[EvidenceSettings], EnrolmentFormat | AttestationVerifier]
