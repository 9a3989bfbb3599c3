import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.jose.strict_json import MAX_DEPTH, read_object

AMBIGUOUS = {
    "duplicate member": b'{"a":1,"a":1}',
    "duplicate member in another spelling": b'{"a":1,"\\u0061":2}',
    "duplicate member deep inside": b'{"a":[{"b":{"c":1,"c":2}}]}',
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":-Infinity}',
    "number beyond a float": b'{"a":1e400}',
    "integer of 20 digits": b'{"a":12345678901234567890}',
    "one level too deep": b'{"a":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}",
    "100,000 levels": b'{"a":' + b"[" * 100_000,
    "half a surrogate pair": b'{"a":"\\ud800"}',
    "half a surrogate pair in a name": b'{"\\udfff":1}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a":1}'.encode("utf-16-le"),
    "Latin-1": '{"a":"é"}'.encode("latin-1"),
    "control character": b'{"a":"\x00"}',
    "comment": b'{"a":1/**/}',
    "trailing comma": b'{"a":1,}',
    "single quotes": b"{'a':1}",
    "two objects": b"{}{}",
    "list": b"[]",
    "text": b'"{}"',
    "null": b"null",
    "nothing": b"",
}


@pytest.mark.parametrize("raw", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_ambiguous_json_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"^[^{}\[\]]*$"):  # whatever is wrong, the text itself is not repeated
        read_object(raw)


def test_deepest_permitted_json_is_read() -> None:
    raw = b'{"a":' + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b"}"

    value = read_object(raw)

    assert list(value) == ["a"]


def test_characters_outside_the_basic_plane_are_read() -> None:
    value = read_object(b'{"a":"\\ud83d\\ude00"}')

    assert value == {"a": "\U0001f600"}


@settings(deadline=None)
@given(st.binary() | st.text().map(str.encode))
def test_anything_is_an_object_or_a_value_error(raw: bytes) -> None:
    try:
        value = read_object(raw)
    except ValueError:
        return
    assert isinstance(value, dict)
