"""Crowds at the door for Pexip: what is asked in masses is refused in masses, and keeps nobody from a join."""

import asyncio
from pathlib import Path

from tests.shell.test_outages import locked
from tests.shell.test_pexip_other_questions import KIOSK, ask, at
from tests.shell.world import PASSWORD, World, basic, caller


async def test_devices_that_register_in_crowds_keep_nobody_from_a_join(tmp_path: Path) -> None:
    async with at(tmp_path) as world:
        url = f"{world.url}/policy/v1/registrations/kiosk@rooms.example.com"
        with locked(world):
            crowd = [asyncio.ensure_future(_reason(world, url, KIOSK)) for _ in range(60)]
            done, _ = await asyncio.wait(crowd, return_when=asyncio.FIRST_COMPLETED)
            join = await _reason(
                world,
                f"{world.url}/policy/v1/service/configuration",
                caller("townhall", ticket="", address="192.0.2.7"),
            )
            reasons = await asyncio.gather(*crowd)

    assert {task.result() for task in done} == {"overloaded"}
    assert reasons.count("overloaded") >= 40
    assert join != "overloaded"


async def test_pictures_in_crowds_are_not_all_drawn_and_keep_nobody_from_a_join(tmp_path: Path) -> None:
    tag = {"service_tag": "vestibule:meetme:townhall"}
    async with at(tmp_path) as world:
        sizes = [{**tag, "width": str(900 + number), "height": "1000"} for number in range(60)]
        pictures = await asyncio.gather(*(ask(world, "participant/avatar/a", size) for size in sizes))
        room = await world.service("townhall")

    assert room["action"] == "continue"
    assert {picture is None for picture in pictures} == {True, False}


async def _reason(world: World, url: str, params: dict[str, str]) -> object:
    async with world.session.get(url, params=params, headers=basic(PASSWORD)) as response:
        return (await response.json()).get("reason")
