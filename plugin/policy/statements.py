"""Cuts policy files into statements, so that each problem has a file and a line.

Cedar's parser tells no positions, and it recurses: text that is nested deeply enough ends the process. So every
statement is measured here first. Nothing here decides what a statement means, and each one is parsed by itself
afterwards and must turn out to be one policy: a wrong cut is an error, never a policy lost.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from plugin.policy.problems import Problem

MAX_DEPTH = 30
MAX_OPERATORS = 250

# As Cedar's own lexer has them: a comment ends with its line, a string may hold a line's end.
_TOKEN = re.compile(r'(?P<blank>\s+|//[^\r\n]*)|(?P<string>"(?:[^"\\]|\\.)*+")|(?P<word>\w+)|&&|\|\||.', re.DOTALL)
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
# Each of these may put one more node above the rest of the expression; commas and `::` never do.
_DEEPENING = _OPENING | frozenset(".!+-*") | {"&&", "||", "if", "has", "when", "unless"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """The text of one policy with its annotations, `;` included. `line` is where it starts."""

    file: str
    line: int
    text: str


@dataclass(slots=True)
class _Measure:
    depth: int = 0
    deepest: int = 0
    operators: int = 0

    def add(self, token: str) -> None:
        self.operators += token in _DEEPENING
        self.depth += (token in _OPENING) - (token in _CLOSING)
        self.deepest = max(self.deepest, self.depth)

    def problem(self) -> str | None:
        if self.deepest > MAX_DEPTH:
            return f"brackets are nested {self.deepest} deep, expected at most {MAX_DEPTH}"
        if self.operators > MAX_OPERATORS:
            return f"{self.operators} operators in one policy, expected at most {MAX_OPERATORS}"
        return None


def split(file: str, text: str) -> tuple[list[Statement], list[Problem]]:
    """Return the statements that are fit to be parsed, and what is wrong with the others."""
    statements, problems = [], []
    for start, end, fault in _cut(text):
        line = text.count("\n", 0, start) + 1
        if fault:
            problems.append(Problem(file=file, line=line, message=fault))
        else:
            statements.append(Statement(file=file, line=line, text=text[start:end]))
    return statements, problems


def _cut(text: str) -> Iterator[tuple[int, int, str | None]]:
    """Yield where each statement starts and ends, and what keeps it from being parsed."""
    start, measure = None, _Measure()
    for token in _TOKEN.finditer(text):
        if token["blank"]:
            continue
        if start is None:
            start, measure = token.start(), _Measure()
        if token[0] == '"':
            yield token.start(), len(text), "this string has no end"
            return
        if token["string"] is None:
            measure.add(token[0])
        if token[0] == ";":
            yield start, token.end(), measure.problem()
            start = None
    if start is not None:
        yield start, len(text), "this policy is not ended by `;`"
