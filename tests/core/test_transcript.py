from dataclasses import replace

import pytest

from plugin.core.transcript import Purpose, Transcript

JOIN = Transcript(
    purpose=Purpose.JOIN,
    tenant="default",
    origin="https://vestibule.example.com",
    conference="board@example.com",
    nonce=bytes(range(32)),
    unverified_token="header.payload.signature",
)
ENROL = replace(JOIN, purpose=Purpose.ENROL, conference="", nonce=bytes(32), unverified_token=None)


def test_the_published_join_example_holds() -> None:
    assert JOIN.digest().hex() == "04ada906c0e62d7ddf9506f95f9e67b4fd970d8e242d183cad8663802e327d04"


def test_the_published_enrolment_example_holds() -> None:
    assert ENROL.digest().hex() == "177f36fef1780d52118ea58fa877d9fb6826252721c67e8c1b5a8d6de2c803de"


@pytest.mark.parametrize(
    "other",
    [
        replace(JOIN, purpose=Purpose.ENROL),
        replace(JOIN, tenant="other"),
        replace(JOIN, origin="https://evil.example"),
        replace(JOIN, conference="boardroom@example.com"),
        replace(JOIN, nonce=bytes(32)),
        replace(JOIN, unverified_token="header.payload.other"),
        replace(JOIN, unverified_token=None),
        replace(JOIN, tenant="defaulthttps://vestibule.example.com", origin=""),
    ],
)
def test_a_signature_for_one_join_is_worth_nothing_for_another(other: Transcript) -> None:
    assert other.digest() != JOIN.digest()
