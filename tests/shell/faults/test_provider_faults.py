"""Whatever an identity provider does, the real process denies in time, takes no more than it must, and recovers."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
import pytest_asyncio

from tests.shell.faults import provider as does
from tests.shell.faults.provider import FaultyProvider
from tests.shell.faults.sockets import Service, serving

# What the provider does -> what the refusal says.
TABLE = {
    does.hanging: {"deadline", "idp-unreachable"},
    does.refusing: {"idp-unreachable"},
    does.garbage: {"idp-unreachable"},
    does.garbage_as_keys: {"idp-misconfigured"},
    does.endless_head: {"idp-unreachable"},
    does.endless_body: {"idp-misconfigured"},
    does.huge_key_set: {"idp-misconfigured"},
    does.dripping: {"deadline", "idp-unreachable"},
    does.cut_short: {"idp-unreachable"},
    does.redirecting_keys: {"idp-misconfigured"},
}
# A document may have 64 KiB; what is on its way in the buffers of two ends comes on top.
MOST_TAKEN = 16 * len(does.MEGABYTE)
IDP = """
[[idp]]
adapter = "oidc"
issuer = "{url}"
audience = ["vestibule"]
algorithms = ["ES256"]
org = "acme"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    service: Service
    providers: dict[does.Fault, FaultyProvider]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """One process, and a provider for each fault."""
    async with AsyncExitStack() as stack:
        providers = {fault: await stack.enter_async_context(FaultyProvider(fault).running()) for fault in TABLE}
        tables = "".join(IDP.format(url=one.issuer.url) for one in providers.values())
        with serving(tmp_path_factory.mktemp("faults"), conferences=tables) as service:
            yield Scene(service=service, providers=providers)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("fault", TABLE, ids=lambda fault: fault.__name__)
async def test_a_faulty_provider_denies_its_people_in_time(scene: Scene, fault: does.Fault) -> None:
    body = await scene.service.join(scene.providers[fault].token())

    assert body["decision"] == "deny"
    assert body["reasons"][0]["code"] in TABLE[fault]
    assert body["decision_id"]
    assert scene.providers[fault].sent < MOST_TAKEN
    assert scene.providers[fault].elsewhere == 0


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("fault", TABLE, ids=lambda fault: fault.__name__)
async def test_once_it_is_mended_its_people_are_admitted_without_a_restart(scene: Scene, fault: does.Fault) -> None:
    provider = scene.providers[fault]
    await provider.mend()
    token = provider.token()

    body = await scene.service.join(token)
    while body["decision"] == "deny":  # until the service asks the provider again, which it does after a pause
        assert body["reasons"][0]["code"] in TABLE[fault]
        body = await scene.service.join(token)

    assert body["decision"] == "redirect"
