"""House rules that no linter knows (CONVENTIONS.md)."""

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
SOURCES = sorted([*REPOSITORY.glob("plugin/**/*.py"), *REPOSITORY.glob("idp_adapters/**/*.py")])
TESTS = sorted(REPOSITORY.glob("tests/**/test_*.py"))
MOST_LINES = 300
NAMES_THAT_SAY_NOTHING = {"utils", "helpers", "common", "manager", "base"}
MAY_CATCH_EVERYTHING = {"plugin/flow/verification.py", "plugin/policy/judge.py", "plugin/shell/http.py"}
IGNORE = re.compile(r"#\s*(?:noqa|type:\s*ignore)(?P<code>(?:: [A-Z]+\d+(?:, [A-Z]+\d+)*|\[[\w, -]+\])?)(?P<reason>.*)")


def name_of(file: Path) -> str:
    return str(file.relative_to(REPOSITORY))


def in_source(file: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(file.read_text())))


def names_of_tests() -> set[str]:
    nodes = [node for file in TESTS for node in in_source(file)]
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("file", SOURCES, ids=name_of)
def test_a_file_is_short(file: Path):
    assert len(file.read_text().splitlines()) <= MOST_LINES


@pytest.mark.parametrize("file", SOURCES, ids=name_of)
def test_a_file_is_named_for_its_idea(file: Path):
    assert file.stem.strip("_") not in NAMES_THAT_SAY_NOTHING


@pytest.mark.parametrize("file", SOURCES, ids=name_of)
def test_only_three_files_catch_everything(file: Path):
    handlers = [node for node in in_source(file) if isinstance(node, ast.ExceptHandler)]
    caught = {ast.unparse(handler.type) if handler.type else "BaseException" for handler in handlers}

    assert name_of(file) in MAY_CATCH_EVERYTHING or not caught & {"Exception", "BaseException"}


@pytest.mark.parametrize("file", [*SOURCES, *TESTS], ids=name_of)
def test_every_ignore_says_what_and_why(file: Path):
    lines = ["", *file.read_text().splitlines()]
    ignores = [(above, match) for above, line in pairwise(lines) if (match := IGNORE.search(line))]
    explained = [match for above, match in ignores if match["reason"].strip(" -#") or above.lstrip().startswith("#")]

    assert all(match["code"] for _, match in ignores)
    assert len(explained) == len(ignores)


@pytest.mark.parametrize("file", TESTS, ids=name_of)
def test_nothing_of_ours_is_patched(file: Path):
    assert not re.search(r"unittest\.mock|@patch|monkeypatch\.setattr", file.read_text()) or file == Path(__file__)


def test_every_defence_in_the_threat_table_names_tests_that_exist():
    named = re.findall(r"`(test_\w+)`", (REPOSITORY / "SECURITY.md").read_text())

    assert named
    assert set(named) - names_of_tests() == set()
