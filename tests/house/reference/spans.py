"""The names of spans and of their attributes, from the constants of `plugin/flow/tracing.py`.

A step is what is taken as one anywhere in `plugin/`; an attribute is a constant whose value is dotted.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.house.reference.listing import Listing, code
from tests.house.reference.sentences import SPANS

ROOT = "vestibule.join"
_DOTTED = re.compile(r"[a-z_]+(\.[a-z_]+)+")


def spans(repository: Path) -> Listing:
    """List the spans, the one at the root first, then the attributes."""
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
    taken = {name for source in sources for name in _taken(ast.parse(source))}
    steps = [(f"vestibule.{value}", "span") for name, value in constants.items() if name in taken]
    attributes = [(value, "attribute") for value in constants.values() if _DOTTED.fullmatch(value) and value != ROOT]
    return ((ROOT, "span"), *steps, *attributes)


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(value))):
                yield name, value


def _taken(tree: ast.Module) -> Iterator[str]:
    """Find the constants that a step is taken by: `steps.step(tracing.JUDGE)`, or `self._start(READ)` at home."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="step" | "_start"), args=[ast.Attribute(attr=name), *_]):
                yield name
            case ast.Call(func=ast.Attribute(attr="_start"), args=[ast.Name(id=name), *_]):
                yield name
