"""Each house rule finds an offender that was planted for it, and leaves alone who keeps to it."""

import re
from collections.abc import Callable, Iterable

import pytest

from tests.house import rules

LONG = "def f():\n" + "    pass\n" * 45
LAYERS = """
[tool.importlinter]
[[tool.importlinter.contracts]]
type = "layers"
layers = ["plugin.shell", "plugin.flow | plugin.stores", "plugin.core"]
[project]
dependencies = ["aiohttp>=3", "opentelemetry-api", "opentelemetry-sdk>=1"]
"""
TABLE = "\n## Dependencies\n\n| Package | For |\n|---|---|\n"
EXPLAINED = f"{TABLE}| aiohttp | HTTP |\n| opentelemetry-api, -sdk | tracing |\n"


def crowd(size: int) -> str:
    return TABLE + "".join(f"| p{number} | x |\n" for number in range(size))


def declared_in(page: str) -> str:
    """Declare exactly the dependencies that a page explains."""
    return f"[project]\ndependencies = {re.findall(r'p[0-9]+', page)}"


OFFENDERS: dict[str, tuple[Callable[[str], Iterable[str]], str, str]] = {
    # rule: (the rule over one text, who breaks it, who keeps to it)
    "a long file": (lambda text: rules.long_files({"a.py": text}, most=300), "x = 1\n" * 301, "x = 1\n" * 300),
    "a long function": (lambda text: rules.long_functions({"a.py": text}, most=45), LONG, LONG[:-9]),
    "a long coroutine": (lambda text: rules.long_functions({"a.py": text}, most=45), f"async {LONG}", "x = 1"),
    "a long method": (
        lambda text: rules.long_functions({"a.py": text}, most=45),
        "class A:\n" + "".join(f"    {line}\n" for line in LONG.splitlines()),
        "x = 1",
    ),
    "an exemption that nobody needs": (
        lambda text: rules.long_functions({"a.py": text}, most=45, exempt={"a.py:f"}),
        "def f(): pass",
        LONG,
    ),
    "a name that says nothing": (lambda name: rules.names_that_say_nothing({name: ""}), "plugin/_utils.py", "x.py"),
    "a catch-all": (
        lambda text: rules.catch_alls({"a.py": text}, allowed={"b.py"}),
        "try: pass\nexcept Exception: pass",
        "try: pass\nexcept ValueError: pass",
    ),
    "a bare catch-all": (
        lambda text: rules.catch_alls({"a.py": text}, allowed={"b.py"}),
        "try: pass\nexcept: pass",
        "x = 1",
    ),
    "a catch-all among others": (
        lambda text: rules.catch_alls({"a.py": text}, allowed={"b.py"}),
        "try: pass\nexcept (ValueError, BaseException): pass",
        "try: pass\nexcept (ValueError, MyException): pass",
    ),
    "an ignore of everything": (
        lambda text: rules.unexplained_ignores({"a.py": text}),
        "x = 1  # noqa - because",
        "x = 1  # noqa: E501 - because",
    ),
    "an ignore without a reason": (
        lambda text: rules.unexplained_ignores({"a.py": text}),
        "x = 1  # type: ignore[attr]",
        "# because\nx = 1  # type: ignore[attr]",
    ),
    "a patch": (
        lambda text: rules.patches_of_ours({"a.py": text}),
        "from unittest.mock import Mock",
        "from tests.fakes import HandClock",
    ),
    "a reason that nothing gives": (
        lambda text: rules.unused_reasons(["PERMITTED"], {"a.py": text}),
        "raise Refused(Reason.FORBIDDEN, 'PERMITTED')",
        "raise Refused(Reason.PERMITTED)",
    ),
    "a folder on no floor": (
        lambda folder: rules.floors_without(LAYERS, folders=[folder]),
        "plugin.attic",
        "plugin.stores",
    ),
    "a dependency without a row": (
        lambda page: rules.dependencies_without_reason(LAYERS, architecture=page),
        EXPLAINED.replace(", -sdk", ""),
        EXPLAINED,
    ),
    "a row without a dependency": (
        lambda page: rules.dependencies_without_reason(LAYERS, architecture=page),
        EXPLAINED + "| requests | HTTP |\n",
        EXPLAINED,
    ),
    "too many dependencies": (
        lambda page: rules.dependencies_without_reason(declared_in(page), architecture=page),
        crowd(21),
        crowd(20),
    ),
    "a defence whose test is not there": (
        lambda page: rules.tests_named_in_vain(page, names={"test_a"}),
        "| `test_a`, `test_b` |",
        "| `test_a` |",
    ),
    "a sentence about nothing": (
        lambda name: rules.sentences_in_vain([name], names={"permitted"}),
        "permited",
        "permitted",
    ),
}


@pytest.mark.parametrize(("rule", "offender", "_"), OFFENDERS.values(), ids=OFFENDERS)
def test_an_offender_is_found(rule: Callable[[str], Iterable[str]], offender: str, _: str):
    assert len(list(rule(offender))) == 1


@pytest.mark.parametrize(("rule", "_", "keeper"), OFFENDERS.values(), ids=OFFENDERS)
def test_who_keeps_to_a_rule_is_left_alone(rule: Callable[[str], Iterable[str]], _: str, keeper: str):
    assert list(rule(keeper)) == []
