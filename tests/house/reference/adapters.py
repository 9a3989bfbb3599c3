"""What can be plugged in: adapters and evidence formats by entry point, platforms by door, stores by their shape.

The sentence of an adapter is the first line of its module's docstring.
"""

import ast
import importlib
import re
from collections.abc import Mapping
from importlib.metadata import EntryPoint, distribution
from pathlib import Path

from plugin.shell.registry import ATTESTATION, DEVICE_FORMATS, IDP_ADAPTERS
from tests.house.reference.listing import Listing, code, first_sentence

OURS = "vestibule"
# What a class needs for the socket in `plugin/ports.py`.
_STORE = frozenset({"claim", "swap", "purge"})


def identity_adapters() -> Listing:
    """List the kinds of identity provider that come with the house."""
    return _plugged("identity-adapters", "`adapter`", groups=(IDP_ADAPTERS,))


def evidence_formats() -> Listing:
    """List the evidence formats that come with the house."""
    return _plugged("evidence-formats", "`format`", groups=(ATTESTATION, DEVICE_FORMATS))


def platforms(repository: Path) -> Listing:
    """List the platforms that have a door, each with what its module says of itself."""
    doors = (repository / "plugin" / "shell").glob("*_door.py")
    names = sorted(door.stem.removesuffix("_door") for door in doors)
    modules = {name: repository / "plugin" / "platforms" / f"{name}.py" for name in names}
    return _listed("platforms", "Platform", modules=modules)


def stores(repository: Path) -> Listing:
    """List the modules that are a store."""
    files = sorted((repository / "plugin" / "stores").glob("*.py"))
    return _listed(
        "stores", "Store", modules={file.stem: file for file in files if _has_class(_tree(file), methods=_STORE)}
    )


def _plugged(name: str, column: str, *, groups: tuple[str, ...]) -> Listing:
    points = sorted(point for point in distribution(OURS).entry_points if point.group in groups)
    rows = tuple((code(point.name), _sentence(point)) for point in points)
    return Listing(name=name, columns=(column, "What it is"), rows=rows, sentence_from="its module's docstring")


def _sentence(point: EntryPoint) -> str:
    docstring = first_sentence(importlib.import_module(point.module).__doc__)
    # "Evidence format `x509`: a certificate" says its own name, which stands beside it already.
    said = re.sub(rf"^[\w ]*`{re.escape(point.name)}`: ", "", docstring)
    return said[:1].upper() + said[1:]


def _listed(name: str, column: str, *, modules: Mapping[str, Path]) -> Listing:
    rows = tuple((code(module), first_sentence(ast.get_docstring(_tree(file)))) for module, file in modules.items())
    return Listing(name=name, columns=(column, "What it is"), rows=rows, sentence_from="its module's docstring")


def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8") if file.exists() else "")


def _has_class(tree: ast.Module, *, methods: frozenset[str]) -> bool:
    return any(methods <= _methods(node) for node in tree.body if isinstance(node, ast.ClassDef))


def _methods(node: ast.ClassDef) -> frozenset[str]:
    return frozenset(part.name for part in node.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef))
