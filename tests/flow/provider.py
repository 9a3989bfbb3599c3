"""A provider of keys over a network that can be cut, and the keys that the house has of it."""

import asyncio
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey

from plugin.core.errors import Unavailable
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
    """A provider's two documents over a network that can be cut, slowed down, and counts who asks.

    What has `missing` in its URL is not there.
    """

    key_ids: list[str] = field(default_factory=lambda: ["first"])
    metadata: dict[str, Any] = field(default_factory=lambda: {"issuer": ISSUER, "jwks_uri": KEYS_URL})
    key_set: bytes | None = None
    max_age: int | None = None
    status: int = 200
    missing: str = ""
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
        status = 404 if self.missing and self.missing in url else self.status
        return Fetched(status=status, body=self._body(url)[:limit], max_age=self.max_age)

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
