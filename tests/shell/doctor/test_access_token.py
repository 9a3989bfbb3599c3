"""What the doctor tells of an access token: the same as admission would, check by check."""

from typing import Any

import pytest

from idp_adapters import oidc
from plugin.shell.doctor.report import Level
from plugin.shell.doctor.token_checks import judged
from tests.idp_adapters.test_access_tokens import ACCESS, NOW, SETTINGS
from tests.jose.issuer import KEYS, sign


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        ({}, set()),
        ({"aud": "s6BhdRkqt3"}, {"token audience", "person", "token verdict"}),
        ({"client_id": "other"}, {"claim client_id", "person", "token verdict"}),
        ({"cnf": {"jkt": "x"}}, {"claim cnf", "person", "token verdict"}),
    ],
)
def test_the_doctor_names_each_fault_of_an_access_token(change: dict[str, Any], faults: set[str]) -> None:
    token = sign({**ACCESS, **change}, head={"alg": "RS256", "kid": "rsa", "typ": "at+jwt"})

    lines = {line.subject: line for line in judged(token, provider=oidc.adapter(SETTINGS), keys=KEYS, now=NOW)}

    assert {subject for subject, line in lines.items() if line.level is Level.FAULT} == faults
    assert lines["token kind"].found == "seems to be an access token, judged as one"
