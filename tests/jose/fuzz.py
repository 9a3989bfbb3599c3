"""Guided fuzzing of what reads strangers' bytes: `python -m tests.jose.fuzz FOLDER -runs=N`, by atheris and libFuzzer.

Whatever the bytes, a token is the issuer's own or Refused, and a key set is read or a ValueError: anything else ends
the process with the input that did it.
"""

import sys
from contextlib import suppress
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["plugin.core", "plugin.jose"]):
    from plugin.core import base64url
    from plugin.core.errors import Refused
    from plugin.jose.keys import ALGORITHMS, parse_jwks
    from tests.jose.issuer import KEYS, check, sign

GOOD = sign()


def seeds(folder: Path) -> None:
    """Write what mutation begins with: a good token, its parts, and a key set."""
    parts = [base64url.decode(part) for part in GOOD.split(".")]
    (folder / "token").write_bytes(b"\x00" + GOOD.encode())
    (folder / "parts").write_bytes(b"\x01" + b"\n".join(parts[:2]) + b"\n" + bytes(64))
    (folder / "keys").write_bytes(b'\x02{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA","kid":"a","use":"sig"}]}')


def one_input(data: bytes) -> None:
    """Read the bytes as a token, as the three parts of one, or as a key set."""
    kind, rest = data[:1], data[1:]
    if kind == b"\x02":
        with suppress(ValueError):
            assert parse_jwks(rest).keys
    elif kind == b"\x01":
        head, _, others = rest.partition(b"\n")
        payload, _, signature = others.partition(b"\n")
        present(".".join(map(base64url.encode, (head, payload, signature))))
    else:
        present(rest.decode("utf-8", "surrogateescape"))


def present(token: str) -> None:
    with suppress(Refused):
        check(token, keys=KEYS, algorithms=ALGORITHMS)
        assert token == GOOD, "accepted"


if __name__ == "__main__":
    seeds(Path(sys.argv[1]))
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
