"""Logout tokens (OpenID Connect Back-Channel Logout 1.0, sections 2.4 and 2.6): taken by the letter, or refused."""

import pytest

from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.jose.logout_token import EVENT, LogoutToken, verify_logout
from tests.jose.issuer import CLIENT, EVIL, ISSUER, KEYS, MOMENT, NOW, check, claims, header, sign

GOOD = {"nonce": ..., "events": {EVENT: {}}, "sid": "a-session", "jti": "a-token"}


def read(token: str) -> LogoutToken:
    return verify_logout(
        token,
        keys=KEYS,
        issuer=ISSUER,
        audience=frozenset({CLIENT}),
        algorithms=frozenset({"RS256"}),
        now=NOW,
    )


@pytest.mark.parametrize("token_type", ["logout+jwt", "application/logout+jwt", "JWT", ...])
def test_a_good_one_names_session_and_person(token_type: object) -> None:
    token = read(sign(claims(**GOOD), head=header(typ=token_type)))

    assert (token.session_id, token.subject, token.token_id) == ("a-session", "248289761001", "a-token")
    assert token.issued_at.timestamp() == MOMENT - 10


def test_one_of_session_and_person_is_enough() -> None:
    assert read(sign(claims(**GOOD, sub=...))).subject is None
    assert read(sign(claims(**GOOD | {"sid": ...}))).session_id is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"events": ...}, Reason.TOKEN_TYPE),
        ({"events": {}}, Reason.TOKEN_TYPE),
        ({"events": EVENT}, Reason.TOKEN_TYPE),
        ({"events": [EVENT]}, Reason.TOKEN_TYPE),
        ({"events": {EVENT: None}}, Reason.TOKEN_TYPE),
        ({"events": {"https://schemas.openid.net/secevent/caep/event-type/session-revoked": {}}}, Reason.TOKEN_TYPE),
        ({"nonce": "n"}, Reason.TOKEN_TYPE),
        ({"nonce": None}, Reason.TOKEN_TYPE),
        ({"sid": ..., "sub": ...}, Reason.TOKEN_CLAIM),
        ({"sid": "", "sub": ""}, Reason.TOKEN_CLAIM),
        ({"sid": 7}, Reason.TOKEN_CLAIM),
        ({"sub": ["a"]}, Reason.TOKEN_CLAIM),
        ({"jti": ...}, Reason.TOKEN_CLAIM),
        ({"iss": "https://elsewhere.example"}, Reason.TOKEN_ISSUER),
        ({"aud": "payroll"}, Reason.TOKEN_AUDIENCE),
        ({"aud": ...}, Reason.TOKEN_CLAIM),
        ({"iat": ...}, Reason.TOKEN_CLAIM),
        ({"iat": MOMENT + 120}, Reason.TOKEN_NOT_YET_VALID),
        ({"exp": ...}, Reason.TOKEN_CLAIM),
        ({"exp": MOMENT - 120}, Reason.TOKEN_EXPIRED),
    ],
)
def test_what_is_missing_or_wrong_signs_nobody_out(changes: dict[str, object], reason: Reason) -> None:
    with pytest.raises(Refused) as refused:
        read(sign(claims(**GOOD | changes)))

    assert refused.value.reason is reason


def test_a_forged_one_signs_nobody_out() -> None:
    with pytest.raises(Refused) as refused:
        read(sign(claims(**GOOD), key=EVIL))

    assert refused.value.reason is Reason.TOKEN_SIGNATURE


@pytest.mark.parametrize("token_type", ["at+jwt", "secevent+jwt", "dpop+jwt"])
def test_one_of_another_type_signs_nobody_out(token_type: str) -> None:
    with pytest.raises(Refused) as refused:
        read(sign(claims(**GOOD), head=header(typ=token_type)))

    assert refused.value.reason is Reason.TOKEN_TYPE


def test_an_id_token_without_a_subject_is_still_refused() -> None:
    with pytest.raises(Refused):
        check(sign(claims(sub=...)))
