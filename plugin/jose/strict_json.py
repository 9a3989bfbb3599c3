"""JSON objects, read so strictly that no other reader can understand them differently (RFC 8259, RFC 7493).

Raises ValueError and nothing else. It must never repair what it reads, nor name a value in an error.
"""

import json
import math
from collections.abc import Iterable
from itertools import chain

MAX_DEPTH = 16
MAX_DIGITS = 19


def read_object(raw: bytes) -> dict[str, object]:
    """Read one object: UTF-8 without a byte order mark, members unique at every depth, numbers finite and of a size."""
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_unique_members,
            parse_int=_bounded_integer,
            parse_float=_finite_float,
            parse_constant=_no_constant,
        )
        _check_nesting(value)
    except RecursionError:
        raise ValueError(f"nested deeper than {MAX_DEPTH}") from None
    # Both errors carry the text that they failed on; only the place may leave.
    except UnicodeError:
        raise ValueError("not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON at line {error.lineno}, column {error.colno}") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - what is wrong is the text, not a type of ours
    return value


def _unique_members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    # RFC 7519 section 4: of two members with one name, readers take the first, the last, or neither.
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is there twice")
    return members


def _bounded_integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"got an integer of {len(digits)} characters, expected at most {MAX_DIGITS}")
    return int(digits)


def _finite_float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"`{name}` is not JSON")


def _check_nesting(value: object) -> None:
    layer = [value]
    for _ in range(MAX_DEPTH):
        layer = list(chain.from_iterable(map(_children, layer)))
        if not layer:
            return
    raise ValueError(f"nested deeper than {MAX_DEPTH}")


def _children(node: object) -> Iterable[object]:
    match node:
        case dict():
            return chain(node.keys(), node.values())
        case list():
            return node
        case str():
            node.encode()  # JSON can escape half a surrogate pair, which is no character and fails only later
    return ()
