"""The KeyDescription that Android writes into the certificate of an attested key (extension 1.3.6.1.4.1.11129.2.1.17).

DER is read strictly and no deeper than the schema goes. Raises ValueError and nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography import x509

OID = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.1.17")
SOFTWARE, TEE, STRONGBOX = 0, 1, 2
VERIFIED = 0
GENERATED = 0
SIGN = 2
# Context tags are kept apart from universal ones by what is added to them here.
_TAGGED = 1 << 16
_PURPOSE, _ALL_APPLICATIONS, _ORIGIN = _TAGGED + 1, _TAGGED + 600, _TAGGED + 702
_ROOT_OF_TRUST, _PATCH, _APPLICATION = _TAGGED + 704, _TAGGED + 706, _TAGGED + 709
_BOOLEAN, _INTEGER, _OCTETS, _ENUMERATED, _SEQUENCE, _SET = 0x01, 0x02, 0x04, 0x0A, 0x30, 0x31
_CONTEXT = 0xA0
_MULTIPLE = 0x1F
_MAX_LENGTH_OCTETS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDescription:
    """What hardware says of a key. Only what the hardware enforces counts, but for the app, which Android tells it.

    `patch_level` is YYYYMM, 0 = untold. `boot_state` None = no root of trust was told.
    """

    level: int
    challenge: bytes
    purposes: frozenset[int]
    origin: int | None
    for_all_apps: bool
    locked: bool
    boot_state: int | None
    patch_level: int
    packages: frozenset[str] = field(default_factory=frozenset)
    signers: frozenset[bytes] = field(default_factory=frozenset)


def read_key_description(der: bytes) -> KeyDescription:
    """Read the extension's value, of any version of the schema."""
    fields = _members(_only(der, _SEQUENCE))
    if len(fields) != 8:  # noqa: PLR2004 - the schema's eight
        raise ValueError("expected eight fields")
    kinds = (_INTEGER, _ENUMERATED, _INTEGER, _ENUMERATED, _OCTETS, _OCTETS, _SEQUENCE, _SEQUENCE)
    if tuple(tag for tag, _ in fields) != kinds:
        raise ValueError("expected the fields of a KeyDescription")
    software, hardware = (_authorizations(body) for _, body in fields[6:])
    locked, boot_state = _root_of_trust(hardware.get(_ROOT_OF_TRUST))
    application = software.get(_APPLICATION)
    packages, signers = _application(_only(application, _OCTETS)) if application is not None else ((), ())
    purposes = _members(_only(hardware[_PURPOSE], _SET)) if _PURPOSE in hardware else []
    return KeyDescription(
        level=min(_number(fields[1][1]), _number(fields[3][1])),
        challenge=fields[4][1],
        purposes=frozenset(_number(body) for tag, body in purposes if tag == _INTEGER),
        origin=_number(_only(hardware[_ORIGIN], _INTEGER)) if _ORIGIN in hardware else None,
        for_all_apps=_ALL_APPLICATIONS in software or _ALL_APPLICATIONS in hardware,
        locked=locked,
        boot_state=boot_state,
        patch_level=_number(_only(hardware[_PATCH], _INTEGER)) if _PATCH in hardware else 0,
        packages=frozenset(packages),
        signers=frozenset(signers),
    )


def _root_of_trust(der: bytes | None) -> tuple[bool, int | None]:
    if der is None:
        return False, None
    fields = _members(_only(der, _SEQUENCE))
    if [tag for tag, _ in fields[:3]] != [_OCTETS, _BOOLEAN, _ENUMERATED]:
        raise ValueError("expected a RootOfTrust")
    return fields[1][1] == b"\xff", _number(fields[2][1])


def _application(der: bytes) -> tuple[list[str], list[bytes]]:
    """AttestationApplicationId: the packages that share the key's user id, and the digests of their signers."""
    fields = _members(_only(der, _SEQUENCE))
    if [tag for tag, _ in fields] != [_SET, _SET]:
        raise ValueError("expected an AttestationApplicationId")
    infos = [_members(body) for _, body in _members(fields[0][1])]
    return [info[0][1].decode() for info in infos if info], [body for _, body in _members(fields[1][1])]


def _authorizations(body: bytes) -> Mapping[int, bytes]:
    found: dict[int, bytes] = {}
    for tag, value in _members(body):
        if tag in found:
            raise ValueError("an authorization is there twice")
        found[tag] = value
    return found


def _number(body: bytes) -> int:
    if not body or body[0] & 0x80:
        raise ValueError("expected a number that is not negative")
    return int.from_bytes(body, "big")


def _only(der: bytes, tag: int) -> bytes:
    members = _members(der)
    if len(members) != 1 or members[0][0] != tag:
        raise ValueError("expected one value of its kind")
    return members[0][1]


def _members(body: bytes) -> list[tuple[int, bytes]]:
    """Split DER into tags and contents. A context tag, always explicit here, is given as `_TAGGED` and its number."""
    found, at = [], 0
    while at < len(body):
        tag, at = _tag(body, at)
        length, at = _length(body, at)
        if at + length > len(body):
            raise ValueError("cut off")
        found.append((tag, body[at : at + length]))
        at += length
    return found


def _tag(body: bytes, at: int) -> tuple[int, int]:
    first = body[at]
    if first & 0xE0 != _CONTEXT:
        return first, at + 1
    number, at = first & _MULTIPLE, at + 1
    if number != _MULTIPLE:
        return _TAGGED + number, at
    # A tag above 30 in groups of seven bits; all that are known fit two of them.
    if at + 2 > len(body) or not body[at] & 0x7F or not body[at] & 0x80 or body[at + 1] & 0x80:
        raise ValueError("expected a tag of two octets")
    return _TAGGED + ((body[at] & 0x7F) << 7 | body[at + 1]), at + 2


def _length(body: bytes, at: int) -> tuple[int, int]:
    if at >= len(body):
        raise ValueError("cut off")
    first, at = body[at], at + 1
    if first < 0x80:  # noqa: PLR2004 - X.690 8.1.3.4
        return first, at
    count = first & 0x7F
    length = int.from_bytes(body[at : at + count], "big")
    if not 1 <= count <= _MAX_LENGTH_OCTETS or at + count > len(body) or length < max(0x80, 1 << 8 * (count - 1)):
        raise ValueError("expected a length in its one spelling")
    return length, at + count
