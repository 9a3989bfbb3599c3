import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey

from plugin.core.errors import Refused, Unavailable
from plugin.core.reasons import Reason
from plugin.flow.provider_keys import ProviderKeys
from plugin.jose.keys import KeySet
from plugin.ports import Fetched, IdpSettings
from tests.jose.issuer import NOW

ISSUER = "https://sso.example.com"
METADATA_URL = f"{ISSUER}/.well-known/openid-configuration"
KEYS_URL = f"{ISSUER}/keys"
KEY = ECKey.generate_key("P-256")


def jwk(key_id: str) -> dict[str, Any]:
    return {**KEY.as_dict(private=False), "kid": key_id}


@dataclass
class HandClock:
    """Stands still until it is moved."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Provider:
    """A provider's two documents over a network that can be cut, slowed down, and counts who asks."""

    key_ids: list[str] = field(default_factory=lambda: ["first"])
    metadata: dict[str, Any] = field(default_factory=lambda: {"issuer": ISSUER, "jwks_uri": KEYS_URL})
    key_set: bytes | None = None
    max_age: int | None = None
    status: int = 200
    is_down: bool = False
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.answers.set()

    async def __call__(self, url: str, *, limit: int) -> Fetched:
        self.asked.append(url)
        await self.answers.wait()
        if self.is_down:
            raise Unavailable("sso.example.com", Reason.IDP_UNREACHABLE, "no answer in time")
        return Fetched(status=self.status, body=self._body(url)[:limit], max_age=self.max_age)

    def _body(self, url: str) -> bytes:
        if url.endswith("openid-configuration"):
            return json.dumps(self.metadata).encode()
        return self.key_set or json.dumps({"keys": [jwk(key_id) for key_id in self.key_ids]}).encode()

    @property
    def rounds(self) -> int:
        """How often it was asked for its keys, or would have been."""
        return sum(url.endswith("openid-configuration") for url in self.asked)


@dataclass
class House:
    """The keys under test, with their provider and clock."""

    provider: Provider
    clock: HandClock
    keys: ProviderKeys

    async def ids(self, key_id: str | None = None) -> list[str | None]:
        """Ask for keys and name those that come."""
        return ids(await self.keys.keys(ISSUER, key_id=key_id))

    async def reason(self, key_id: str | None = None) -> Reason:
        """Ask for keys in vain."""
        with pytest.raises(Unavailable) as outage:
            await self.keys.keys(ISSUER, key_id=key_id)
        return outage.value.reason


def ids(keys: KeySet) -> list[str | None]:
    return [key.key_id for key in keys.keys]


def settings(issuer: str = ISSUER, *, key_hosts: frozenset[str] = frozenset()) -> IdpSettings:
    return IdpSettings(
        issuer=issuer,
        audience=frozenset({"vestibule"}),
        algorithms=frozenset({"ES256"}),
        org="acme",
        key_hosts=key_hosts,
    )


async def settle() -> None:
    """Let everything run that can run without time passing."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    provider, clock = Provider(), HandClock()
    keys = ProviderKeys([settings()], fetch=provider, clock=clock)
    yield House(provider=provider, clock=clock, keys=keys)
    await keys.close()


async def test_nobody_is_asked_before_the_first_question(house: House) -> None:
    assert house.provider.asked == []


async def test_keys_are_found_by_discovery(house: House) -> None:
    found = await house.ids("first")

    assert found == ["first"]
    assert house.provider.asked == [METADATA_URL, KEYS_URL]


async def test_slash_at_the_end_of_an_issuer_is_dropped_before_the_path() -> None:
    provider = Provider(metadata={"issuer": f"{ISSUER}/", "jwks_uri": KEYS_URL})
    keys = ProviderKeys([settings(f"{ISSUER}/")], fetch=provider, clock=HandClock())

    await keys.keys(f"{ISSUER}/", key_id=None)

    assert provider.asked[0] == METADATA_URL


async def test_fresh_keys_are_not_fetched_again(house: House) -> None:
    await house.ids()
    house.clock.move(minutes=4)

    await house.ids("first")

    assert house.provider.rounds == 1


async def test_many_who_ask_at_once_cause_one_fetch(house: House) -> None:
    found = await asyncio.gather(*(house.ids("first") for _ in range(50)))

    assert found == [["first"]] * 50
    assert house.provider.rounds == 1


async def test_first_of_many_may_give_up_without_harm_to_the_others(house: House) -> None:
    house.provider.answers.clear()
    first = asyncio.create_task(house.ids())
    await settle()
    second = asyncio.create_task(house.ids())
    await settle()

    first.cancel()
    await settle()
    house.provider.answers.set()

    assert await second == ["first"]
    assert first.cancelled()
    assert house.provider.rounds == 1


async def test_stale_keys_are_served_at_once_and_renewed_behind(house: House) -> None:
    await house.ids()
    house.clock.move(minutes=5)
    house.provider.key_ids = ["second"]
    house.provider.answers.clear()

    meanwhile = [await house.ids("first") for _ in range(3)]
    house.provider.answers.set()
    await settle()

    assert meanwhile == [["first"]] * 3
    assert await house.ids() == ["second"]
    assert house.provider.rounds == 2


@pytest.mark.parametrize(
    ("max_age", "still_fresh", "stale"),
    [
        pytest.param(None, {"minutes": 4.9}, {"minutes": 5}, id="not told"),
        pytest.param(0, {"minutes": 4.9}, {"minutes": 5}, id="none"),
        pytest.param(3600, {"minutes": 59.9}, {"minutes": 60}, id="an hour"),
        pytest.param(10**9, {"hours": 11.9}, {"hours": 12}, id="forever"),
    ],
)
async def test_provider_says_within_bounds_how_long_keys_are_fresh(
    house: House, max_age: int | None, still_fresh: dict[str, float], stale: dict[str, float]
) -> None:
    house.provider.max_age = max_age
    await house.ids()
    rounds = []

    for age in (still_fresh, stale):
        house.clock.now = NOW + timedelta(**age)
        await house.ids()
        await settle()
        rounds.append(house.provider.rounds)

    assert rounds == [1, 2]


async def test_outage_is_survived_for_a_day_and_no_longer(house: House) -> None:
    await house.ids()
    house.provider.is_down = True
    house.clock.move(hours=23, minutes=59)
    last_good = await house.ids("first")
    await settle()
    house.clock.move(minutes=1)

    verdict = await house.reason("first")

    assert last_good == ["first"]
    assert verdict is Reason.IDP_UNREACHABLE


async def test_renewal_during_an_outage_ends_it(house: House) -> None:
    await house.ids()
    house.provider.is_down = True
    house.clock.move(hours=25)
    await house.reason()
    house.provider.is_down = False
    house.clock.move(minutes=2)

    assert await house.ids() == ["first"]


async def test_provider_that_is_down_is_not_hammered(house: House) -> None:
    house.provider.is_down = True

    verdicts = {await house.reason("first") for _ in range(20)}

    assert verdicts == {Reason.IDP_UNREACHABLE}
    assert house.provider.rounds == 1


async def test_back_off_grows_and_ends(house: House) -> None:
    house.provider.is_down = True
    asked_at = []

    for second in range(300):
        house.clock.now = NOW + timedelta(seconds=second)
        before = house.provider.rounds
        await house.reason()
        if house.provider.rounds > before:
            asked_at.append(second)

    assert asked_at == [0, 5, 15, 35, 75, 155, 235]


async def test_failing_renewals_behind_stale_keys_back_off_too(house: House) -> None:
    await house.ids()
    house.provider.is_down = True
    house.clock.move(hours=1)

    for _ in range(20):
        await house.ids()
        await settle()

    assert house.provider.rounds == 2


async def test_key_that_is_new_is_looked_up_at_once(house: House) -> None:
    await house.ids()
    house.clock.move(minutes=1)
    house.provider.key_ids = ["second", "first"]

    found = await house.ids("second")

    assert found == ["second", "first"]


async def test_forged_key_ids_cannot_hammer_the_provider(house: House) -> None:
    await house.ids()
    house.clock.move(minutes=1)

    found = [await house.ids(f"forged-{number}") for number in range(100)]

    assert found == [["first"]] * 100
    assert house.provider.rounds == 2


async def test_forged_key_ids_cause_one_fetch_in_30_seconds(house: House) -> None:
    await house.ids()

    for second in range(1, 121):
        house.clock.now = NOW + timedelta(seconds=second)
        await house.ids(f"forged-{second}")

    assert house.provider.rounds == 1 + 4


async def test_key_id_known_to_be_unknown_is_not_looked_up_again(house: House) -> None:
    await house.ids()
    house.clock.move(minutes=1)
    await house.ids("forged")
    house.clock.move(minutes=1)

    await house.ids("forged")

    assert house.provider.rounds == 2


async def test_key_id_is_not_called_unknown_before_the_provider_was_asked(house: House) -> None:
    await house.ids()
    house.provider.key_ids = ["first", "second"]
    cooling_down = await house.ids("second")
    house.clock.move(seconds=30)

    found = await house.ids("second")

    assert cooling_down == ["first"]
    assert found == ["first", "second"]


async def test_unknown_key_id_is_not_believed_forged_while_nobody_can_look(house: House) -> None:
    await house.ids()
    house.provider.is_down = True
    house.clock.move(minutes=1)

    verdicts = [await house.reason("second") for _ in range(3)]

    assert verdicts == [Reason.IDP_UNREACHABLE] * 3
    assert await house.ids("first") == ["first"]
    assert house.provider.rounds == 2


async def test_withdrawn_key_is_gone_after_the_renewal(house: House) -> None:
    await house.ids()
    house.provider.key_ids = ["second"]
    house.clock.move(minutes=5)
    await house.ids()
    await settle()

    assert await house.ids("first") == ["second"]


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


async def test_outage_of_one_issuer_is_not_anothers() -> None:
    other = "https://partner.example"
    asked = []

    async def fetch(url: str, *, limit: int) -> Fetched:
        asked.append(url)
        if url.startswith(other):
            raise Unavailable(other, Reason.IDP_UNREACHABLE)
        return await provider(url, limit=limit)

    provider = Provider()
    keys = ProviderKeys([settings(), settings(other)], fetch=fetch, clock=HandClock())

    found = await keys.keys(ISSUER, key_id="first")
    with pytest.raises(Unavailable):
        await keys.keys(other, key_id="first")

    assert ids(found) == ["first"]


async def test_bug_in_a_fetch_reaches_who_waits_and_is_not_repeated_at_once(house: House) -> None:
    house.provider.metadata = {"issuer": object()}  # which json.dumps cannot write

    with pytest.raises(TypeError):
        await house.ids()
    verdict = await house.reason()

    assert verdict is Reason.IDP_UNREACHABLE
    assert house.provider.rounds == 1


async def test_closing_ends_a_renewal_that_hangs(house: House) -> None:
    house.provider.answers.clear()
    waiting = asyncio.create_task(house.ids())
    await settle()

    await house.keys.close()
    await settle()

    assert waiting.cancelled()


async def test_failed_renewal_is_logged_with_its_reason(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.provider.is_down = True

    await house.reason()

    (entry,) = caplog.records
    assert vars(entry).items() >= {"issuer": ISSUER, "reason": "idp-unreachable"}.items()
