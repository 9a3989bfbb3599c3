import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.policy.statements import MAX_DEPTH, MAX_OPERATORS, split

POLICY = "permit (principal, action, resource);"


def test_each_statement_has_its_file_line_and_text():
    text = f'// a comment; with "marks"\n\n@id("one")\n{POLICY} @id("two") {POLICY}\n'

    statements, problems = split("a.cedar", text)

    assert [(one.file, one.line, one.text) for one in statements] == [
        ("a.cedar", 3, f'@id("one")\n{POLICY}'),
        ("a.cedar", 4, f'@id("two") {POLICY}'),
    ]
    assert not problems


def test_a_semicolon_in_a_string_or_a_comment_ends_nothing():
    text = 'permit (principal, action, resource) // not here;\nwhen { "\\";//" == "x" };'

    statements, _ = split("a.cedar", text)

    assert [one.text for one in statements] == [text]


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_a_comment_ends_with_its_line(end: str):
    statements, _ = split("a.cedar", f"// gone {end}{POLICY}")

    assert [one.text for one in statements] == [POLICY]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (f"{POLICY}\npermit (principal", 2, "this policy is not ended by `;`"),
        (f'{POLICY}\n\n@id("one) {POLICY}', 3, "this string has no end"),
    ],
)
def test_what_has_no_end_is_a_problem(text: str, line: int, message: str):
    _, problems = split("a.cedar", text)

    assert [(one.line, one.message) for one in problems] == [(line, message)]


@pytest.mark.parametrize("opening", ["(", "[", "{", "!(", "[1].contains(", "if (", "{a: "])
def test_deep_nesting_never_reaches_cedar(opening: str):
    text = "permit (principal, action, resource) when { " + opening * (MAX_DEPTH + 1) + ";"

    statements, problems = split("a.cedar", text)

    assert not statements
    assert "nested" in problems[0].message


@pytest.mark.parametrize("link", ["true && ", "true || ", "1 + ", "1 - ", "1 * ", "!", "if true then true else ", "a."])
def test_long_chains_never_reach_cedar(link: str):
    text = "permit (principal, action, resource) when { " + link * (MAX_OPERATORS + 1) + "true };"

    statements, problems = split("a.cedar", text)

    assert not statements
    assert "operators" in problems[0].message


def test_a_wide_set_is_no_chain():
    orgs = ", ".join(f'Org::"o{number}"' for number in range(5000))

    statements, _ = split("a.cedar", f"permit (principal, action, resource) when {{ [{orgs}].contains(principal) }};")

    assert len(statements) == 1


@given(st.lists(st.sampled_from(['"', "\\", ";", "/", "//", "\n", "(", "}", "@id", "é", " ", "&&", "\x00"])))
def test_cutting_loses_no_text_but_blanks_and_comments(parts: list[str]):
    text = "".join(parts)

    statements, problems = split("a.cedar", text)

    assert all(one.text in text and one.text.endswith(";") for one in statements)
    assert (
        statements or problems or all(line.strip() == "" or line.strip().startswith("//") for line in text.split("\n"))
    )
