"""`kill -9` at the steps of a join: what was answered is written down, nothing counts twice, the next start serves.

A preloaded library kills the process at the beginning of its Nth system call of one kind, for growing N until all
questions are answered: at `fdatasync` a change is in the log file and not yet said to be on the disk, at `send` it is
on the disk and the answer has not left. Nothing but these two separates one step from the next.

Whoever does not believe that has kills at moments of chance as well: in the midst of joins that are under way together.
"""

import asyncio
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from signal import SIGKILL

import pytest
from aiohttp import ClientError

from tests.shell.faults.process import Site, site

# Each kill costs a start of the service, so every third call of each kind has to do; the two kinds differ in phase.
STRIDE = 3
# Kills at random moments, the joins that are under way together then, and until when the moment comes.
SEEDS = 3
TOGETHER = 4
LONGEST_SECONDS = 0.5


@dataclass(slots=True, kw_only=True)
class Client:
    """Plays the joins of one round and remembers what it presented and what it was told."""

    site: Site
    round: str
    told: dict[str, str] = field(default_factory=dict)
    proofs: dict[str, dict[str, object]] = field(default_factory=dict)
    ticket: str = ""
    entered: bool = False

    async def play(self) -> bool:
        """Put every kind of question in turn; False = the service was gone before the end."""
        try:
            for step in (self.bearer, self.bound, self.web, self.guest, self.register):
                await step()
        except (ClientError, ConnectionError):
            return False
        return True

    async def bearer(self) -> None:
        world = self.site.world
        self.proofs["bearer"] = await world.proofs("board", token=world.token(f"bearer-{self.round}"))
        self._hear(await world.join(self.proofs["bearer"]))

    async def bound(self) -> None:
        world, subject = self.site.world, f"bound-{self.round}"
        device = world.authority.device(subject)
        self.proofs["bound"] = await world.proofs("board", token=world.token(subject), device=device)
        self._hear(await world.join(self.proofs["bound"]))

    async def web(self) -> None:
        world, subject = self.site.world, f"web-{self.round}"
        device = world.authority.device(subject)
        self.ticket = await world.ticket(await world.proofs("board", token=world.token(subject), device=device))
        room = self._hear(await world.service("board", ticket=self.ticket))
        self.entered = room["action"] == "continue"
        for kind in ("api", "standard"):
            self._hear(await world.participant(room, call=f"{kind}-{self.round}", kind=kind, ticket=self.ticket))

    async def guest(self) -> None:
        self._hear(await self.site.world.service("townhall"))

    async def register(self) -> None:
        self._hear(await self.site.world.pexip("registrations/kiosk@example.com", protocol="webrtc"))

    def _hear(self, body: dict[str, object]) -> dict[str, object]:
        if "decision_id" in body:
            self.told[str(body["decision_id"])] = str(body.get("decision") or body["action"])
        return body


async def audit(client: Client) -> None:
    """See that the store opens, holds what was told, and that nothing which admitted somebody does so again."""
    place, world = client.site, client.site.world
    connection = sqlite3.connect(place.store)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    written = place.decisions()
    for decision_id, told in client.told.items():
        admitted = written[decision_id]["outcome"] in ("allow", "redirect")
        assert admitted == (told in ("allow", "redirect", "continue"))
    for proofs in client.proofs.values():
        await world.join(proofs)
    if client.entered:
        stolen = await world.service("board", ticket=client.ticket, address="192.0.2.99")
        assert stolen["action"] == "reject"
    admissions = Counter(
        str(record["person"])
        for record in place.decisions().values()
        if record["phase"] == "join" and record["outcome"] in ("allow", "redirect")
    )
    assert not {person: times for person, times in admissions.items() if times > 1}


async def is_served(client: Client) -> bool:
    """Audit; False = the service is gone."""
    try:
        await audit(client)
    except (ClientError, ConnectionError):
        return False
    return True


async def kill_each(place: Site, *, call: str, stumble: Path) -> int:
    """Kill the service at one call after the other; the next victim recovers from the last. Returns the last call."""
    armed, killed = place.world.folder / "armed", list[Client]()
    for number in count(1, STRIDE):
        environment = {"STUMBLE_CALL": call, "STUMBLE_AT": str(number), "STUMBLE_WHILE": str(armed)}
        async with place.running(environment={"LD_PRELOAD": str(stumble), **environment}) as victim:
            assert await victim.says("serving") is not None, victim.log
            for client in killed[-1:]:
                await audit(client)
                assert (await place.world.service("townhall"))["action"] == "continue"
            killed.append(Client(site=place, round=f"{call}-{number}"))
            armed.touch()
            survived = await killed[-1].play()
            armed.unlink()
            # Waking the loop up is a `send` too, and may be the Nth when everything has been answered already.
            if survived and await is_served(killed[-1]):
                return number
            assert await victim.ended() == -SIGKILL
    raise AssertionError


@pytest.mark.component("cc")
@pytest.mark.parametrize(("call", "at_least"), [("fdatasync", 8), ("send", 16)])
async def test_killed_at_any_step_nothing_answered_is_lost_and_nothing_counts_twice(
    tmp_path: Path, stumble: Path, call: str, at_least: int
) -> None:
    async with site(tmp_path) as place:
        last = await kill_each(place, call=call, stumble=stumble)

    assert last > at_least


async def kill_by_chance(place: Site, *, seed: int, before: list[Client]) -> list[Client]:
    """Kill the service at a random moment in the midst of joins, when what the last kill left behind has been seen."""
    async with place.running() as victim:
        assert await victim.says("serving") is not None, victim.log
        for client in before:
            await audit(client)
        clients = [Client(site=place, round=f"chance-{seed}-{number}") for number in range(TOGETHER)]
        playing = [asyncio.create_task(client.play()) for client in clients]
        moment = Random(seed).uniform(0, LONGEST_SECONDS)  # noqa: S311 - chance that can be repeated
        asyncio.get_running_loop().call_later(moment, victim.send, SIGKILL)
        await asyncio.gather(*playing)
        assert await victim.ended() == -SIGKILL
    return clients


async def test_killed_at_moments_of_chance_nothing_answered_is_lost_and_nothing_counts_twice(tmp_path: Path) -> None:
    async with site(tmp_path) as place:
        clients = list[Client]()
        for seed in range(SEEDS):
            clients = await kill_by_chance(place, seed=seed, before=clients)
        async with place.running() as survivor:
            assert await survivor.says("serving") is not None, survivor.log
            for client in clients:
                await audit(client)

            assert (await place.world.service("townhall"))["action"] == "continue"
