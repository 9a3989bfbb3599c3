"""Whether the regular expression of a call routing rule fits some alias that a glob covers.

The expression is never run: it is the platform administrator's, and one that backtracks would take this process with
it. It is read as a row of characters, each once or repeatedly, which takes time by the product of the lengths. What is
not understood of it counts as fitting anything: a rule may be named that opens nothing, and none that opens is missed.

How the platform anchors an expression is not documented, so it is taken to fit anywhere in an alias, but for `^` and
`$`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

_ATOM = re.compile(r"\\[\s\S]|\[\^?\]?(?:\\[\s\S]|[^\]\\])*\]|[\s\S]")
_QUANTIFIER = re.compile(r"(?:[*+?]|\{\d*,?\d*\})[?+]?")
_FLAGS = re.compile(r"(?:\(\?[aiLmsu]+\))*")  # at the beginning; elsewhere it may be in a class
_VERBOSE = re.compile(r"\(\?[a-zA-Z-]*x")
MOST_CHARACTERS = 250  # the schema's own limit of `match_string`
# Of one character each; other escapes stand for something else, or for none.
_ESCAPES = frozenset("dDwWsS")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A character that `takes` says yes to, once; or it may be left out, or come repeatedly."""

    takes: Callable[[str], bool]
    optional: bool = False
    many: bool = False


def _anything(_character: str) -> bool:
    return True


ANYTHING = _Piece(takes=_anything, optional=True, many=True)


class _Unclear(Exception):
    """Something that is no row of characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What an expression says, read once for however many names it is held against."""

    branches: tuple[tuple[_Piece, ...], ...]

    def may_fit(self, glob: str) -> bool:
        """Say whether the expression could fit an alias, in lower case, that the glob covers."""
        return any(_overlap(pieces, glob) for pieces in self.branches)


WHATEVER = Reading(branches=((ANYTHING,),))


def read_expression(expression: str) -> Reading:
    """Read an expression. What is not understood may fit anything."""
    # Beyond ASCII there are several spellings of one name, and more of them than can be tried.
    if len(expression) > MOST_CHARACTERS or not expression.isascii() or _VERBOSE.search(expression):
        return WHATEVER
    try:
        re.compile(expression)  # does not run it
        return Reading(branches=tuple(_pieces(branch) for branch in _branches(_FLAGS.sub("", expression, count=1))))
    except (_Unclear, re.error, RecursionError, OverflowError):
        return WHATEVER


def _branches(expression: str) -> list[list[str]]:
    """Take an expression apart into atoms, by the bars that stand in no group."""
    branches, depth = [list[str]()], 0
    for atom in _ATOM.findall(expression):
        depth += (atom == "(") - (atom == ")")
        if atom == "|" and not depth:
            branches.append([])
        else:
            branches[-1].append(atom)
    return branches


def _pieces(atoms: list[str]) -> tuple[_Piece, ...]:
    begins = atoms[:1] == ["^"]
    ends = atoms[-1:] == ["$"]
    inner = atoms[begins : len(atoms) - ends]
    row = _row(inner)
    return (*(() if begins else (ANYTHING,)), *row, *(() if ends else (ANYTHING,)))


def _row(atoms: list[str]) -> list[_Piece]:
    row, at = list[_Piece](), 0
    while at < len(atoms):
        if atoms[at] == "(":
            end = _end_of_group(atoms, at)
            quantifier, following = _quantifier(atoms, end + 1)
            inside = atoms[at + 1 : end]
            is_plain = not quantifier and "|" not in inside and "(" not in inside and inside[:1] != ["?"]
            row += _row(inside) if is_plain else [ANYTHING]
        else:
            quantifier, following = _quantifier(atoms, at + 1)
            row.append(_piece(atoms[at], quantifier=quantifier))
        at = following
    return row


def _end_of_group(atoms: list[str], at: int) -> int:
    depth = 0
    for index in range(at, len(atoms)):
        depth += (atoms[index] == "(") - (atoms[index] == ")")
        if not depth:
            return index
    raise _Unclear


def _quantifier(atoms: list[str], at: int) -> tuple[str, int]:
    """Return the quantifier that begins there, if one does, and where what follows it begins."""
    found = _QUANTIFIER.match("".join(atom if len(atom) == 1 else "\0" for atom in atoms[at:]))
    return (found[0], at + len(found[0])) if found else ("", at)


def _piece(atom: str, *, quantifier: str) -> _Piece:
    if atom in {"^", "$", "|", ")"} or (atom[0] == "\\" and atom[1].isalnum() and atom[1] not in _ESCAPES):
        raise _Unclear
    takes = re.compile(atom, re.IGNORECASE)  # of one character: nothing in it can backtrack
    is_optional = quantifier[:1] in {"*", "?"} or quantifier.startswith(("{0", "{,"))
    return _Piece(
        takes=lambda character: takes.fullmatch(character) is not None,
        optional=is_optional,
        many=bool(quantifier) and quantifier[0] != "?",
    )


def _overlap(pieces: tuple[_Piece, ...], glob: str) -> bool:
    todo, seen = [(0, 0)], set[tuple[int, int]]()
    while todo:
        here = todo.pop()
        if here == (len(pieces), len(glob)):
            return True
        if here not in seen:
            seen.add(here)
            todo += _steps(pieces, glob, *here)
    return False


def _steps(pieces: tuple[_Piece, ...], glob: str, i: int, j: int) -> list[tuple[int, int]]:
    steps = []
    sign = glob[j] if j < len(glob) else ""
    if sign == "*":
        steps.append((i, j + 1))  # the star covers nothing more
    if i == len(pieces):
        return steps
    piece = pieces[i]
    if piece.optional:
        steps.append((i + 1, j))
    if sign and (sign in "*?" or piece.takes(sign)):
        after = j if sign == "*" else j + 1
        steps.append((i + 1, after))
        if piece.many:
            steps.append((i, after))
    return steps
