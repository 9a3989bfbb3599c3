"""What a platform of `POST /v1/joins` can keep people from, over HTTP, and the line for hosts in its answer."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from plugin.core.decision import HOST_NOTICE
from tests.shell.world import World, opened


@pytest.fixture
async def coarse(tmp_path: Path) -> AsyncIterator[World]:
    """The portal can keep nobody from presenting, as `vestibule check` says; whoever starts it so is safe."""
    async with opened(tmp_path, caller='enforces = ["unmute", "host", "showName"]') as everything:
        yield everything


async def test_who_would_have_to_be_kept_from_more_than_a_platform_can_is_denied(coarse: World) -> None:
    private = await coarse.join(await coarse.proofs("board", token=coarse.token("alice")))

    assert (private["decision"], private["zone"], private["capabilities"]) == ("deny", None, [])
    assert coarse.records[-1].reasons[0].code == "platform-cannot-honour"
    assert coarse.records[-1].outcome == "deny"


async def test_who_need_not_be_kept_from_it_is_admitted(coarse: World) -> None:
    proofs = await coarse.proofs("board", token=coarse.token("alice"), device=coarse.authority.device("alice"))

    body = await coarse.join(proofs)

    assert body["decision"] == "allow"
    assert body["obligations"] == {"prevent": ["host"]}


async def test_who_is_apart_is_noted_for_the_host_in_answer_and_record(world: World) -> None:
    apart = await world.join(await world.proofs("board", token=world.token("alice")))
    proofs = await world.proofs("board", token=world.token("carol"), device=world.authority.device("carol"))
    inside = await world.join(proofs)
    mixed = await world.join(await world.proofs("summit", token=world.token("alice")))

    assert [body["host_notice"] for body in (apart, inside, mixed)] == [HOST_NOTICE, None, None]
    assert [record.host_notice for record in world.records] == [HOST_NOTICE, "", ""]
