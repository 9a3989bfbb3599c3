"""Whether a routing rule may fit a protected alias: never no where the expression itself says yes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.platforms._pexip_patterns import read_expression

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

    assert read_expression(expression).may_fit(alias) or not fits


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
    assert not read_expression(expression).may_fit(glob)


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
        ("^[x(?i)]oard$", "ioard"),
        ("^board@straße\\.example$", "board@strasse.example"),
        ("^board@b\u00fccher\\.example$", "board@xn--bcher-kva.example"),
    ],
)
def test_what_fits_or_is_not_understood_counts(expression: str, glob: str):
    assert read_expression(expression).may_fit(glob)


def test_an_expression_that_would_backtrack_without_end_is_never_run():
    assert read_expression("(a+)+" * 20 + "$").may_fit("a" * 250)
    assert not read_expression("^" + "a*" * 60 + "b$").may_fit("a" * 250)
