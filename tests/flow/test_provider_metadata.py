"""Where a provider says that its keys are, and what it gives for keys: nothing elsewhere, nothing bad is taken."""

import json
from typing import Any

import pytest

from plugin.core.errors import Refused, Unavailable
from plugin.core.reasons import Reason
from plugin.flow.provider_keys import ProviderKeys
from tests.flow.provider import (
    ISSUER,
    KEY,
    KEYS_URL,
    METADATA_URL,
    HandClock,
    House,
    Provider,
    ids,
    jwk,
    settings,
    settle,
)


async def test_keys_are_found_by_discovery(house: House) -> None:
    found = await house.ids("first")

    assert found == ["first"]
    assert house.provider.asked == [METADATA_URL, KEYS_URL]


async def test_slash_at_the_end_of_an_issuer_is_dropped_before_the_path() -> None:
    provider = Provider(metadata={"issuer": f"{ISSUER}/", "jwks_uri": KEYS_URL})
    keys = ProviderKeys([settings(f"{ISSUER}/")], fetch=provider, clock=HandClock())

    await keys.keys(f"{ISSUER}/", key_id=None)

    assert provider.asked[0] == METADATA_URL


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param({"issuer": "https://evil.example", "jwks_uri": KEYS_URL}, id="another issuer"),
        pytest.param({"issuer": f"{ISSUER}/", "jwks_uri": KEYS_URL}, id="issuer with a slash"),
        pytest.param({"jwks_uri": KEYS_URL}, id="no issuer"),
        pytest.param({"issuer": ISSUER}, id="no keys"),
        pytest.param({"issuer": ISSUER, "jwks_uri": ""}, id="empty"),
        pytest.param({"issuer": ISSUER, "jwks_uri": 5}, id="number"),
        pytest.param({"issuer": ISSUER, "jwks_uri": "/keys"}, id="relative"),
        pytest.param({"issuer": ISSUER, "jwks_uri": "https://[::1"}, id="not a URL"),
        pytest.param({"issuer": ISSUER, "jwks_uri": "http://sso.example.com/keys"}, id="http"),
        pytest.param({"issuer": ISSUER, "jwks_uri": "http://127.0.0.1/keys"}, id="http on loopback"),
        pytest.param({"issuer": ISSUER, "jwks_uri": "file:///etc/passwd"}, id="file"),
        pytest.param({"issuer": ISSUER, "jwks_uri": "https://evil.example/keys"}, id="another host"),
        pytest.param({"issuer": ISSUER, "jwks_uri": "https://sso.example.com@evil.example/"}, id="host in disguise"),
        pytest.param({"issuer": ISSUER, "jwks_uri": "https://169.254.169.254/keys"}, id="address inside"),
    ],
)
async def test_metadata_that_leads_elsewhere_is_not_followed(house: House, metadata: dict[str, Any]) -> None:
    house.provider.metadata = metadata

    verdict = await house.reason()

    assert verdict is Reason.IDP_MISCONFIGURED
    assert house.provider.asked == [METADATA_URL]


async def test_keys_may_be_at_a_host_that_the_configuration_names() -> None:
    url = "https://www.googleapis.com/oauth2/v3/certs"
    provider = Provider(metadata={"issuer": ISSUER, "jwks_uri": url})
    listed = settings(key_hosts=frozenset({"www.googleapis.com"}))
    keys = ProviderKeys([listed], fetch=provider, clock=HandClock())

    found = await keys.keys(ISSUER, key_id="first")

    assert ids(found) == ["first"]


async def test_issuer_over_https_may_not_have_its_keys_over_http() -> None:
    provider = Provider(metadata={"issuer": ISSUER, "jwks_uri": "http://127.0.0.1/keys"})
    listed = settings(key_hosts=frozenset({"127.0.0.1"}))
    keys = ProviderKeys([listed], fetch=provider, clock=HandClock())

    with pytest.raises(Unavailable) as outage:
        await keys.keys(ISSUER, key_id="first")

    assert outage.value.reason is Reason.IDP_MISCONFIGURED


async def test_issuer_on_loopback_may_have_its_keys_there_over_http() -> None:
    issuer = "http://127.0.0.1:8000"
    provider = Provider(metadata={"issuer": issuer, "jwks_uri": f"{issuer}/keys"})
    keys = ProviderKeys([settings(issuer)], fetch=provider, clock=HandClock())

    found = await keys.keys(issuer, key_id="first")

    assert ids(found) == ["first"]


@pytest.mark.parametrize(
    "key_set",
    [
        pytest.param(b"<html>", id="HTML"),
        pytest.param(b'{"keys":[]}', id="no keys"),
        pytest.param(json.dumps({"keys": [KEY.as_dict(private=True)]}).encode(), id="private key"),
    ],
)
async def test_bad_keys_do_not_replace_good_ones(house: House, key_set: bytes) -> None:
    await house.ids()
    house.provider.key_set = key_set
    house.clock.move(hours=1)
    await house.ids()
    await settle()

    assert await house.ids("first") == ["first"]
    assert house.provider.rounds == 2


async def test_bad_keys_from_the_start_are_a_misconfiguration(house: House) -> None:
    house.provider.key_set = b'{"keys":[]}'

    verdict = await house.reason()

    assert verdict is Reason.IDP_MISCONFIGURED


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (404, Reason.IDP_MISCONFIGURED),
        (401, Reason.IDP_MISCONFIGURED),
        (204, Reason.IDP_MISCONFIGURED),
        (429, Reason.IDP_UNREACHABLE),
        (500, Reason.IDP_UNREACHABLE),
        (503, Reason.IDP_UNREACHABLE),
    ],
)
async def test_answer_that_is_not_ok_is_an_outage_or_a_misconfiguration(
    house: House, status: int, reason: Reason
) -> None:
    house.provider.status = status

    verdict = await house.reason()

    assert verdict is reason


async def test_issuer_that_is_not_configured_is_refused_and_never_asked(house: House) -> None:
    with pytest.raises(Refused) as refusal:
        await house.keys.keys("https://evil.example", key_id=None)

    assert refusal.value.reason is Reason.TOKEN_ISSUER
    assert house.provider.asked == []


async def test_what_is_told_of_a_failure_holds_no_query(house: House) -> None:
    house.provider.metadata["jwks_uri"] = f"{KEYS_URL}?appid=secret"
    house.provider.missing = "/keys"

    with pytest.raises(Unavailable) as outage:
        await house.keys.keys(ISSUER, key_id=None)

    assert f"got status `404` from `{KEYS_URL}`" in outage.value.detail


async def test_what_is_told_of_a_failure_is_short_however_long_the_lie_is(house: House) -> None:
    house.provider.metadata["jwks_uri"] = f"https://sso.example.com:{'x' * 10_000}/keys"

    with pytest.raises(Unavailable) as outage:
        await house.keys.keys(ISSUER, key_id=None)

    assert outage.value.reason is Reason.IDP_MISCONFIGURED
    assert len(outage.value.detail) <= 256


async def test_the_key_of_another_issuer_among_a_providers_is_no_key_here() -> None:
    host = "https://login.microsoftonline.com"
    issuer = f"{host}/0f3c4b1e-7a57-4b4e-9d4e-5b7c2d1e8a90/v2.0"
    key_set = {
        "keys": [
            {**jwk("everybodys"), "issuer": f"{host}/{{tenantid}}/v2.0"},
            {**jwk("private accounts"), "issuer": f"{host}/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"},
        ]
    }
    metadata = {"issuer": issuer, "jwks_uri": f"{host}/common/discovery/v2.0/keys"}
    provider = Provider(metadata=metadata, key_set=json.dumps(key_set).encode())
    keys = ProviderKeys([settings(issuer)], fetch=provider, clock=HandClock())

    found = await keys.keys(issuer, key_id="private accounts")

    assert ids(found) == ["everybodys"]
