"""Keys in a file, for a provider that must not be asked: looked at again, and never followed anywhere."""

import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from plugin.core.errors import Unavailable
from plugin.core.reasons import Reason
from plugin.flow.circuit import Circuit
from plugin.flow.key_sources import KeyFile
from plugin.flow.provider_keys import ProviderKeys
from tests.flow.provider import ISSUER, KEY, HandClock, Provider, ids, jwk, settings, settle


@dataclass(slots=True, kw_only=True)
class Closed:
    """A house in a closed network: a file of keys, and a network that counts who uses it."""

    file: Path
    clock: HandClock
    network: Provider
    keys: ProviderKeys

    async def ids(self, key_id: str | None = None) -> list[str | None]:
        return ids(await self.keys.keys(ISSUER, key_id=key_id))

    def replace(self, content: bytes) -> None:
        """Replace the file as an administrator does, by renaming."""
        new = self.file.with_suffix(".new")
        new.write_bytes(content)
        new.replace(self.file)


def key_set(*key_ids: str) -> bytes:
    return json.dumps({"keys": [jwk(key_id) for key_id in key_ids]}).encode()


@pytest_asyncio.fixture
async def closed(tmp_path: Path) -> AsyncIterator[Closed]:
    file, network, clock = tmp_path / "keys.json", Provider(), HandClock()
    file.write_bytes(key_set("first"))
    keys = ProviderKeys([replace(settings(), keys_file=file)], fetch=network, clock=clock)
    yield Closed(file=file, clock=clock, network=network, keys=keys)
    await keys.close()


async def test_keys_of_a_file_are_used_and_nobody_is_asked(closed: Closed) -> None:
    found = await closed.ids("first")
    unknown = await closed.ids("forged")

    assert found == unknown == ["first"]
    assert closed.network.asked == []


async def test_a_changed_file_counts_after_the_cool_down(closed: Closed) -> None:
    await closed.ids()
    closed.replace(key_set("second"))
    meanwhile = await closed.ids("first")
    closed.clock.move(seconds=30)

    afterwards = await closed.ids("first")

    assert (meanwhile, afterwards) == (["first"], ["second"])


async def test_a_withdrawn_key_is_not_served_once_more_after_a_quiet_night(closed: Closed) -> None:
    await closed.ids("first")
    closed.replace(key_set("second"))
    closed.clock.move(hours=10)

    assert await closed.ids("first") == ["second"]


async def test_a_file_that_stays_as_it_is_is_good_for_ever(closed: Closed) -> None:
    await closed.ids()
    closed.clock.move(days=100)

    assert await closed.ids("first") == ["first"]


async def test_a_file_is_not_read_again_while_it_stays_as_it_is(closed: Closed) -> None:
    source = KeyFile(closed.file, issuer=ISSUER)

    before, afterwards = await source.load(), await source.load()

    assert afterwards.keys is before.keys


async def test_a_key_that_is_withdrawn_by_a_copy_that_keeps_the_files_times_is_not_served(closed: Closed) -> None:
    status = closed.file.stat()
    await closed.ids()
    closed.file.write_bytes(key_set("other"))  # as long, and in its place
    os.utime(closed.file, ns=(status.st_atime_ns, status.st_mtime_ns))
    closed.clock.move(seconds=30)

    assert await closed.ids() == ["other"]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        pytest.param(b"{", "not JSON", id="half written"),
        pytest.param(json.dumps({"keys": [KEY.as_dict(private=True)]}).encode(), "private", id="private key"),
        pytest.param(b'{"keys":[]}', "none of 0 keys", id="no keys"),
        pytest.param(
            json.dumps({"keys": [{**jwk("first"), "issuer": "https://evil.example"}]}).encode(),
            "another issuer's",
            id="keys of another issuer",
        ),
        pytest.param(key_set("second") + b" " * 64 * 1024, "65537 bytes", id="over 64 KiB"),
    ],
)
async def test_a_bad_file_does_not_replace_good_keys_until_these_are_too_old(
    closed: Closed, content: bytes, fault: str
) -> None:
    await closed.ids()
    closed.replace(content)
    closed.clock.move(minutes=1)
    last_good = await closed.ids("first")
    circuit = closed.keys.health(ISSUER).circuit
    closed.clock.move(hours=24)

    with pytest.raises(Unavailable, match=fault) as outage:
        await closed.ids("first")

    assert last_good == ["first"]
    assert circuit is Circuit.OPEN
    assert outage.value.reason is Reason.IDP_MISCONFIGURED


async def test_a_file_that_is_gone_is_a_misconfiguration(closed: Closed) -> None:
    closed.file.unlink()

    with pytest.raises(Unavailable, match="it is gone") as outage:
        await closed.ids("first")

    assert outage.value.reason is Reason.IDP_MISCONFIGURED
    assert str(closed.file.parent) not in str(outage.value)


async def test_a_file_that_is_removed_takes_its_keys_with_it(closed: Closed, caplog: pytest.LogCaptureFixture) -> None:
    await closed.ids("first")
    closed.file.unlink()
    closed.clock.move(seconds=30)

    with pytest.raises(Unavailable, match="it is gone"):
        await closed.ids("first")

    health = closed.keys.health(ISSUER)
    assert (health.keys, health.circuit, health.changed_at) == (0, Circuit.OPEN, closed.clock.now)
    entry = caplog.records[0]
    assert entry.getMessage() == "keys of an identity provider withdrawn"
    assert vars(entry).items() >= {"issuer": ISSUER, "withdrawn": 1}.items()


async def test_a_file_that_is_put_back_counts_again(closed: Closed) -> None:
    await closed.ids("first")
    aside = closed.file.rename(closed.file.with_suffix(".aside"))
    closed.clock.move(seconds=30)
    with pytest.raises(Unavailable):
        await closed.ids("first")
    aside.rename(closed.file)
    closed.clock.move(seconds=30)

    assert await closed.ids("first") == ["first"]


async def test_a_file_that_cannot_be_read_for_now_keeps_the_good_keys(closed: Closed) -> None:
    await closed.ids("first")
    closed.file.unlink()
    closed.file.mkdir()
    closed.clock.move(seconds=30)

    assert await closed.ids("first") == ["first"]
    assert closed.keys.health(ISSUER).circuit is Circuit.OPEN


@pytest.mark.parametrize(("hours", "served"), [(1.9, True), (2, False)])
async def test_last_good_keys_are_served_until_their_declared_age(hours: float, served: bool) -> None:
    provider, clock = Provider(max_age=10**6), HandClock()
    keys = ProviderKeys([replace(settings(), keys_kept=timedelta(hours=2))], fetch=provider, clock=clock)
    await keys.keys(ISSUER, key_id="first")
    provider.is_down = True
    clock.move(hours=hours)

    try:
        found = ids(await keys.keys(ISSUER, key_id="first"))
    except Unavailable:
        found = []
    await keys.close()

    assert (found == ["first"]) == served


async def test_half_of_the_declared_age_is_left_for_renewals() -> None:
    provider, clock = Provider(max_age=10**6), HandClock()
    keys = ProviderKeys([replace(settings(), keys_kept=timedelta(hours=2))], fetch=provider, clock=clock)
    await keys.keys(ISSUER, key_id=None)
    clock.move(hours=1)

    await keys.keys(ISSUER, key_id=None)
    await settle()
    await keys.close()

    assert provider.rounds == 2
