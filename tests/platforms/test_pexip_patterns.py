"""Whether a routing rule may fit a protected alias: never no where the expression itself says yes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.platforms._pexip_patterns import may_fit

PIECES = st.sampled_from(
    ["a", "b", "@", r"\.", ".", "[ab]", "[^a]", r"\d", r"\w", "(a)", "(a|b)", "(ab)", "(?:a)", "(?i)", "^", "$", "|"]
)
QUANTIFIERS = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{0,1}", "{,2}", "+?"])
EXPRESSIONS = st.lists(st.tuples(PIECES, QUANTIFIERS).map("".join), max_size=5).map("".join)


@given(EXPRESSIONS, st.text("ab@.1", min_size=1, max_size=6))
def test_no_alias_that_an_expression_fits_is_missed(expression: str, alias: str):
    try:
        fits = re.search(expression, alias) is not None
    except re.error:
        fits = True

    assert may_fit(expression, alias) or not fits


@pytest.mark.parametrize(
    ("expression", "glob"),
    [
        (r"^\d{6}@example\.com$", "board@example.com"),
        (r"^team-\d+$", "board"),
        (r"^[0-9]+@.*$", "team-*@example.com"),
        (r"^meet\.(.+)$", "board"),
        ("^budget$|^summit$", "board"),
    ],
)
def test_a_rule_about_other_names_is_told_apart(expression: str, glob: str):
    assert not may_fit(expression, glob)


@pytest.mark.parametrize(
    ("expression", "glob"),
    [
        (r"^team-x@example\.com$", "team-*@example.com"),
        (r"^(sip:)?board$", "board"),
        ("^BOARD$", "board"),
        (r"^(.+)@example\.com$", "*@example.com"),
        (r"board(?=x)", "board"),
        (r"(b)\1", "board"),
        ("(?x) b o a r d", "board"),
        ("[", "board"),
        ("x" * 251, "board"),
    ],
)
def test_what_fits_or_is_not_understood_counts(expression: str, glob: str):
    assert may_fit(expression, glob)


def test_an_expression_that_would_backtrack_without_end_is_never_run():
    assert may_fit("(a+)+" * 20 + "$", "a" * 250)
    assert not may_fit("^" + "a*" * 60 + "b$", "a" * 250)
