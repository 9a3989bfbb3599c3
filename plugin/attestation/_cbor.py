"""CBOR as authenticators write it (CTAP 2.1 section 8): definite lengths, no tags, no floats, no name twice.

Raises ValueError and nothing else. It must never make anything but numbers, text, bytes, lists and maps of a
stranger's bytes, nor read the same bytes in two ways: a length has one spelling, and nothing may follow the end.
"""

MAX_DEPTH = 6
MAX_ITEMS = 64
_SIMPLE = {20: False, 21: True, 22: None}
_SHORTEST = {24: 24, 25: 1 << 8, 26: 1 << 16, 27: 1 << 32}


def read(raw: bytes) -> object:
    """Read one value that is all of `raw`."""
    value, end = read_first(raw)
    if end != len(raw):
        raise ValueError("something follows the value")
    return value


def read_first(raw: bytes, *, start: int = 0) -> tuple[object, int]:
    """Read the value that begins at `start`, and say where it ends."""
    return _read(raw, start, depth=0)


def _read(raw: bytes, start: int, *, depth: int) -> tuple[object, int]:
    if depth > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH}")
    major, argument, at = _head(raw, start)
    match major:
        case 0:
            return argument, at
        case 1:
            return -1 - argument, at
        case 2 | 3:
            octets = raw[at : at + argument]
            if len(octets) != argument:
                raise ValueError("cut off")
            return (octets if major == 2 else octets.decode()), at + argument  # noqa: PLR2004 - RFC 8949 3.1
        case 4:
            return _list(raw, at, count=argument, depth=depth)
        case 5:
            return _map(raw, at, count=argument, depth=depth)
        case 7 if argument in _SIMPLE and at == start + 1:
            return _SIMPLE[argument], at
    raise ValueError("a kind of value that no authenticator writes")


def _head(raw: bytes, start: int) -> tuple[int, int, int]:
    if start >= len(raw):
        raise ValueError("cut off")
    major, low = divmod(raw[start], 32)
    at = start + 1
    if low not in _SHORTEST:
        if low > max(_SHORTEST):
            raise ValueError("an indefinite length")
        return major, low, at
    end = at + (1 << (low - 24))
    argument = int.from_bytes(raw[at:end], "big")
    if end > len(raw) or argument < _SHORTEST[low]:
        raise ValueError("cut off, or not the shortest spelling")
    return major, argument, end


def _list(raw: bytes, at: int, *, count: int, depth: int) -> tuple[list[object], int]:
    if count > MAX_ITEMS:
        raise ValueError(f"more than {MAX_ITEMS} items")
    items = []
    for _ in range(count):
        item, at = _read(raw, at, depth=depth + 1)
        items.append(item)
    return items, at


def _map(raw: bytes, at: int, *, count: int, depth: int) -> tuple[dict[int | str, object], int]:
    if count > MAX_ITEMS:
        raise ValueError(f"more than {MAX_ITEMS} members")
    members: dict[int | str, object] = {}
    for _ in range(count):
        name, at = _read(raw, at, depth=depth + 1)
        # `True` and 1 are one key of a Python dictionary, and two of CBOR.
        if isinstance(name, bool) or not isinstance(name, int | str) or name in members:
            raise ValueError("a name that is there twice, or that is none")
        members[name], at = _read(raw, at, depth=depth + 1)
    return members, at
