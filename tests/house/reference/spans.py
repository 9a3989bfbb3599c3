"""The names of spans and of their attributes, from the constants of `plugin/flow/tracing.py`.

A question is what is traced as one anywhere in `plugin/`, and a step what is taken as one; an attribute is any other
constant whose value is dotted.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.house.reference.listing import Listing, code
from tests.house.reference.sentences import SPANS

_DOTTED = re.compile(r"[a-z_]+(\.[a-z_]+)+")


def spans(repository: Path) -> Listing:
    """List the spans, those at the root first, then the attributes."""
    names = names_in(
        (repository / "plugin" / "flow" / "tracing.py").read_text(encoding="utf-8"),
        (file.read_text(encoding="utf-8") for file in sorted(repository.glob("plugin/**/*.py"))),
    )
    rows = tuple((code(name), kind, SPANS.get(name, "")) for name, kind in names)
    return Listing(
        name="spans",
        columns=("Name", "Is", "Says"),
        rows=rows,
        sentence_from="SPANS in tests/house/reference/sentences.py",
    )


def names_in(tracing: str, sources: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Find every name with its kind: in the order of its constant, spans first."""
    constants = dict(_constants(ast.parse(tracing)))
    trees = [ast.parse(source) for source in sources]
    asked = {name for tree in trees for name in _passed(tree, to={"question"})}
    taken = {name for tree in trees for name in _passed(tree, to={"step", "_start"})}
    questions = [(value, "span") for name, value in constants.items() if name in asked]
    steps = [(f"vestibule.{value}", "span") for name, value in constants.items() if name in taken]
    others = [value for name, value in constants.items() if _DOTTED.fullmatch(value) and name not in asked]
    return (*questions, *steps, *((value, "attribute") for value in others))


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(value))):
                yield name, value


def _passed(tree: ast.Module, *, to: set[str]) -> Iterator[str]:
    """Find the constants that such a method gets first: `steps.step(tracing.JUDGE)`, or `self._start(READ)` at home."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr=method), args=[ast.Attribute(attr=name) | ast.Name(id=name), *_]):
                if method in to:
                    yield name
