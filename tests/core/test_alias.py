import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.core.alias import canonical_alias


@pytest.mark.parametrize(
    ("spelled", "canonical"),
    [
        ("Board", "board"),
        ("sip:Board@Example.com", "board@example.com"),
        ("sips:board@example.com;transport=tls", "board@example.com"),
        ("h323:board@example.com", "board@example.com"),
        ("SIP:board@example.com?subject=x", "board@example.com"),
        ("board@bücher.example", "board@xn--bcher-kva.example"),
        ("  board ", "board"),
    ],
)
def test_spellings_of_one_conference_are_one_alias(spelled: str, canonical: str) -> None:
    assert canonical_alias(spelled) == canonical


@pytest.mark.parametrize("spelled", ["", "sip:", ";x", "a b", "a\x00b", "a" * 251, "x@" + "b" * 64, "x@a..b"])
def test_what_is_no_alias_is_an_error(spelled: str) -> None:
    with pytest.raises(ValueError, match="unusable alias"):
        canonical_alias(spelled)


@given(st.text(max_size=60))
def test_canonical_form_is_its_own_canonical_form(text: str) -> None:
    try:
        once = canonical_alias(text)
    except ValueError:
        return

    assert canonical_alias(once) == once
