"""The house rules (CONVENTIONS.md) as functions over texts: each returns the offenders it finds, and why."""

import ast
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import pairwise

Sources = Mapping[str, str]
"""Texts by the name of their file, relative to the repository."""

NAMES_THAT_SAY_NOTHING = {"utils", "helpers", "common", "manager", "base"}
MOST_DEPENDENCIES = 20
IGNORE = re.compile(r"#\s*(?:noqa|type:\s*ignore)(?P<code>(?:: [A-Z]+\d+(?:, [A-Z]+\d+)*|\[[\w, -]+\])?)(?P<reason>.*)")


def long_files(sources: Sources, *, most: int) -> Iterator[str]:
    for name, text in sources.items():
        lines = len(text.splitlines())
        if lines > most:
            yield f"{name}: {lines} lines, expected at most {most}"


def long_functions(sources: Sources, *, most: int, exempt: Collection[str] = ()) -> Iterator[str]:
    """An exempt function, `file:name`, that is not long any more is an offender too."""
    long = {}
    for name, node in _nodes(sources):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > most:
                long[f"{name}:{node.name}"] = lines
    for place, lines in long.items():
        if place not in exempt:
            yield f"{place}: {lines} lines, expected at most {most}"
    for place in sorted(set(exempt) - long.keys()):
        yield f"{place}: exempt, and not longer than {most} lines"


def names_that_say_nothing(sources: Sources) -> Iterator[str]:
    for name in sources:
        if name.rpartition("/")[2].removesuffix(".py").strip("_") in NAMES_THAT_SAY_NOTHING:
            yield f"{name}: expected a name that says its idea"


def catch_alls(sources: Sources, *, allowed: Collection[str]) -> Iterator[str]:
    for name, node in _nodes(sources):
        if isinstance(node, ast.ExceptHandler) and name not in allowed:
            caught = ast.unparse(node.type) if node.type else "BaseException"
            if set(re.findall(r"\w+", caught)) & {"Exception", "BaseException"}:
                yield f"{name}:{node.lineno}: catches everything, expected that in {', '.join(sorted(allowed))} only"


def unexplained_ignores(sources: Sources) -> Iterator[str]:
    for name, text in sources.items():
        lines = ["", *text.splitlines()]
        for number, (above, line) in enumerate(pairwise(lines), start=1):
            ignore = IGNORE.search(line)
            if ignore and not ignore["code"]:
                yield f"{name}:{number}: an ignore of everything, expected a code"
            elif ignore and not ignore["reason"].strip(" -#") and not above.lstrip().startswith("#"):
                yield f"{name}:{number}: an ignore without its reason"


def patches_of_ours(sources: Sources) -> Iterator[str]:
    for name, text in sources.items():
        if re.search(r"unittest\.mock|@patch|monkeypatch\.setattr", text):
            yield f"{name}: patches, expected a parameter"


def unused_reasons(names: Iterable[str], sources: Sources) -> Iterator[str]:
    used = {
        node.attr
        for _, node in _nodes(sources)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Reason"
    }
    yield from (f"Reason.{name}: nothing gives this reason" for name in names if name not in used)


def floors_without(pyproject: str, *, folders: Iterable[str]) -> Iterator[str]:
    """Name each folder or module right below a package that no layer of import-linter's contracts names."""
    contracts = tomllib.loads(pyproject)["tool"]["importlinter"]["contracts"]
    layers = [layer for contract in contracts if contract["type"] == "layers" for layer in contract["layers"]]
    named = {module.strip() for layer in layers for module in layer.split("|")}
    yield from (f"{folder}: on no floor, expected it in a layer" for folder in folders if folder not in named)


def dependencies_without_reason(pyproject: str, *, architecture: str) -> Iterator[str]:
    """Compare the runtime dependencies with the rows of the table in ARCHITECTURE.md, in both directions."""
    declared = {_package(line) for line in tomllib.loads(pyproject)["project"]["dependencies"]}
    if len(declared) > MOST_DEPENDENCIES:
        yield f"{len(declared)} runtime dependencies, expected at most {MOST_DEPENDENCIES}"
    explained = set(_rows(architecture.partition("\n## Dependencies\n")[2]))
    yield from (f"{name}: no row in the table of dependencies" for name in sorted(declared - explained))
    yield from (f"{name}: a row in the table, and no dependency" for name in sorted(explained - declared))


def tests_named_in_vain(page: str, *, names: Collection[str]) -> Iterator[str]:
    """Name each test that a page relies on and nobody has written."""
    yield from (f"{name}: no such test" for name in sorted(set(re.findall(r"`(test_\w+)`", page)) - set(names)))


def sentences_in_vain(sentences: Iterable[str], *, names: Collection[str]) -> Iterator[str]:
    """Name each sentence about something that is not there."""
    yield from (f"{name}: a sentence about nothing" for name in sentences if name not in names)


def _nodes(sources: Sources) -> Iterator[tuple[str, ast.AST]]:
    for name, text in sources.items():
        yield from ((name, node) for node in ast.walk(ast.parse(text)))


def _package(requirement: str) -> str:
    return re.split(r"[\s\[<>=!~;]", requirement, maxsplit=1)[0].lower()


def _rows(section: str) -> Iterator[str]:
    """Read the first cell of each row of the first table. `a-b, -c` stands for `a-b` and `a-c`."""
    table = re.search(r"(?:^\|.*\n?)+", section, re.MULTILINE)
    for row in (table[0].splitlines() if table else [])[2:]:
        first, *others = row.split("|")[1].strip().split(", ")
        yield first
        yield from (f"{first.partition('-')[0]}{other}" if other.startswith("-") else other for other in others)
