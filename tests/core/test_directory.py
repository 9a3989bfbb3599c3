import fnmatch
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.core.directory import Directory, PatternEntry, glob_covers, globs_overlap
from plugin.core.facts import Conference

PATTERNS = st.text(alphabet="ab*?", min_size=1, max_size=6)
BOARD = Conference(
    name="board",
    zones=("core", "meetme"),
    classification="internal",
    owner="https://sso.example.com#bob",
    hosts=frozenset(),
    invited=frozenset(),
    guests=None,
)


def test_an_unknown_alias_has_no_conference() -> None:
    directory = Directory(exact={"board": BOARD}, patterns=())

    assert directory.find("boardroom") is None


def test_a_conference_found_by_pattern_is_named_by_its_alias() -> None:
    directory = Directory(exact={}, patterns=(PatternEntry(pattern="team-*", conference=BOARD),))

    found = directory.find("team-7")

    assert found is not None
    assert found.name == "team-7"


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ("board", "board", True),
        ("board", "boar?", True),
        ("board", "team-*", False),
        ("team-*", "*-7", True),
        ("team-*", "*.team", True),
        ("a*b", "a?c", False),
        ("*", "x", True),
        ("??", "???", False),
    ],
)
def test_overlap_of_patterns(one: str, other: str, overlap: bool) -> None:
    assert globs_overlap(one, other) is overlap


@given(PATTERNS, PATTERNS, st.text(alphabet="ab", max_size=6))
def test_two_patterns_that_cover_one_alias_overlap(one: str, other: str, alias: str) -> None:
    if glob_covers(one, alias) and glob_covers(other, alias):
        assert globs_overlap(one, other)


@given(PATTERNS, PATTERNS)
def test_overlap_does_not_depend_on_the_order(one: str, other: str) -> None:
    assert globs_overlap(one, other) is globs_overlap(other, one)


@given(st.text(alphabet="ab", min_size=1, max_size=6), PATTERNS)
def test_an_exact_alias_overlaps_with_just_the_patterns_that_cover_it(alias: str, pattern: str) -> None:
    assert globs_overlap(alias, pattern) is glob_covers(pattern, alias)


@given(st.text(max_size=20))
def test_a_pattern_without_wildcards_covers_itself_alone(text: str) -> None:
    pattern = re.sub(r"[*?]", "", text)

    assert glob_covers(pattern, pattern)
    assert not glob_covers(pattern, pattern + "x")


@given(st.text(alphabet="ab*?", max_size=8), st.text(alphabet="ab*?", max_size=8))
def test_a_glob_means_what_the_shell_means(pattern: str, alias: str) -> None:
    assert glob_covers(pattern, alias) is fnmatch.fnmatchcase(alias, pattern)


def test_a_pattern_of_many_stars_takes_no_time_that_a_caller_could_buy() -> None:
    assert not glob_covers("*-" * 60 + "@x", "-" * 250)
