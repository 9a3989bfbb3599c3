"""House rules that no linter knows (CONVENTIONS.md), held against the tree. `tests/house` shows that they bite."""

import ast
from collections.abc import Iterable
from pathlib import Path

from plugin.core.reasons import Reason
from tests.house import rules

REPOSITORY = Path(__file__).resolve().parents[1]
LINES_OF_A_FILE = 300
LINES_OF_A_TEST_FILE = 400
# A screen: about 30 lines are the aim. `_judge` and the reader of the configuration are one list of steps each.
LINES_OF_A_FUNCTION = 45
# It names every part of the house once, and nothing in it branches: in pieces it could not be read as one list.
MAY_BE_LONG = {"plugin/shell/wiring.py:furnish"}
MAY_CATCH_EVERYTHING = {"plugin/flow/find.py", "plugin/policy/judge.py", "plugin/shell/http.py"}


def read(*patterns: str) -> dict[str, str]:
    files = sorted(file for pattern in patterns for file in REPOSITORY.glob(pattern))
    return {str(file.relative_to(REPOSITORY)): file.read_text() for file in files}


PRODUCTION = read("plugin/**/*.py", "idp_adapters/**/*.py")

TESTS = read("tests/**/*.py")
# Without the folder in which offenders are planted.
HONEST_TESTS = {name: text for name, text in TESTS.items() if not name.startswith("tests/house/")}
PAGES = read("*.md", "pyproject.toml")


def names_of_tests(texts: Iterable[str]) -> set[str]:
    nodes = [node for text in texts for node in ast.walk(ast.parse(text))]
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_a_file_is_short():
    assert list(rules.long_files(PRODUCTION, most=LINES_OF_A_FILE)) == []


def test_a_file_of_tests_is_short():
    assert list(rules.long_files(TESTS, most=LINES_OF_A_TEST_FILE)) == []


def test_a_function_is_one_screen():
    every = {**PRODUCTION, **TESTS}

    assert list(rules.long_functions(every, most=LINES_OF_A_FUNCTION, exempt=MAY_BE_LONG)) == []


def test_a_file_is_named_for_its_idea():
    assert list(rules.names_that_say_nothing(PRODUCTION)) == []


def test_only_three_files_catch_everything():
    assert list(rules.catch_alls(PRODUCTION, allowed=MAY_CATCH_EVERYTHING)) == []


def test_every_ignore_says_what_and_why():
    assert list(rules.unexplained_ignores({**PRODUCTION, **HONEST_TESTS})) == []


def test_nothing_of_ours_is_patched():
    assert list(rules.patches_of_ours(HONEST_TESTS)) == []


def test_every_reason_is_given_by_something():
    givers = {name: text for name, text in PRODUCTION.items() if name != "plugin/core/reasons.py"}

    assert list(rules.unused_reasons([reason.name for reason in Reason], givers)) == []


def test_every_folder_is_on_a_floor():
    files = [name.removesuffix(".py").split("/") for name in PRODUCTION if name.startswith("plugin/")]
    # The client is a package by itself, which shares nothing with the service: it has a contract of its own.
    folders = sorted({f"plugin.{parts[1]}" for parts in files if parts[1] not in {"__init__", "client"}})

    assert list(rules.floors_without(PAGES["pyproject.toml"], folders=folders)) == []


def test_every_dependency_has_its_reason_and_there_are_few():
    pyproject, architecture = PAGES["pyproject.toml"], PAGES["ARCHITECTURE.md"]

    assert list(rules.dependencies_without_reason(pyproject, architecture=architecture)) == []


def test_every_defence_in_the_threat_table_names_tests_that_exist():
    page = PAGES["SECURITY.md"]

    assert "`test_" in page
    assert list(rules.tests_named_in_vain(page, names=names_of_tests(TESTS.values()))) == []
