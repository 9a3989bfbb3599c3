"""A crowd behind one address: the same alias, name and vendor, all at once, and nothing proven ever changes hands."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.shell.world import World, opened

CROWD = 50
UUID = "7d7e6a2c-0a2a-4a2c-9d51-2d5b3b7c7c11"
PEXIP = f"""
dead_man_script = true
[[pexip.idp]]
uuid = "{UUID}"
issuer = "{{acme}}"
subject = "sub"
"""
CONFERENCES = """
[[conference]]
alias = "crowd"
zones = ["core", "meetme"]
classification = "internal"
owner = "{acme}#bob"
hosts = ["{acme}#person-0"]
invited = ["org:acme"]
sso_group = "Corporate SSO"
"""
CORE, MEETME = "vestibule:core:crowd", "vestibule:meetme:crowd"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, conferences=CONFERENCES, pexip=PEXIP) as everything:
        yield everything


@dataclass(slots=True, kw_only=True)
class Person:
    """One of the crowd. `kind` is how they come: ticket, burned, signed-in, somebody (else's ticket), or nothing."""

    number: int
    kind: str
    ticket: str = ""
    answers: dict[str, dict] = field(default_factory=dict)

    @property
    def signed_in(self) -> dict[str, str]:
        subject = f"person-{self.number if self.kind == 'signed-in' else 'eve'}"
        return {"idp_uuid": UUID, "idp_attribute_sub": subject} if self.kind in ("signed-in", "somebody") else {}

    def steps(self, world: World) -> list[tuple[str, object]]:
        """List the questions of this join in their order; each is asked when its turn comes."""
        room = {"result": {"name": "crowd", "service_tag": CORE if self.ticket else MEETME}}
        common = {"ticket": self.ticket, "local_alias": "crowd", **self.signed_in}
        number = f"call-{self.number}"
        questions = [
            ("room", lambda: world.service("crowd", ticket=self.ticket)),
            ("api", lambda: world.participant(room, call=f"{number}-api", kind="api", **common)),
            ("again", lambda: world.service("crowd", ticket=self.ticket)),
            ("media", lambda: world.participant(room, call=f"{number}-media", **common)),
        ]
        if self.kind == "burned":
            thief = ("thief", lambda: world.service("crowd", ticket=self.ticket, address="198.51.100.9"))
            return [questions[0], thief, *questions[1:]]
        return questions


async def arrive(world: World, *, order: random.Random) -> list[Person]:
    kinds = ["ticket"] * 20 + ["nothing"] * 12 + ["signed-in"] * 8 + ["burned"] * 5 + ["somebody"] * 5
    people = [Person(number=number, kind=kind) for number, kind in enumerate(kinds)]
    assert len(people) == CROWD
    for person in people:
        if person.kind in ("ticket", "burned", "somebody"):
            subject = f"person-{person.number}"
            device = world.authority.device(subject)
            proofs = await world.proofs("crowd", token=world.token(subject), device=device)
            person.ticket = await world.ticket(proofs)
    order.shuffle(people)
    return people


async def joining(world: World, people: list[Person], *, order: random.Random) -> None:
    """Ask everybody's next question in random order, a handful at a time, until nobody has one left."""
    waiting = {person.number: person.steps(world) for person in people}
    by_number = {person.number: person for person in people}
    while waiting:
        handful = order.sample(sorted(waiting), k=min(len(waiting), order.randint(1, 12)))
        turns = [(number, *waiting[number].pop(0)) for number in handful]

        async def ask(number: int, name: str, question: object) -> None:
            answer: Awaitable[dict] = question()
            by_number[number].answers[name] = await answer

        await asyncio.gather(*(ask(*turn) for turn in turns))
        waiting = {number: steps for number, steps in waiting.items() if steps}


def actions(person: Person) -> list[object]:
    return [answer["action"] for answer in person.answers.values()]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_in_a_crowd_behind_one_address_everybody_gets_what_is_theirs(world: World, seed: int) -> None:
    order = random.Random(seed)  # noqa: S311 - the same shuffle each time
    people = await arrive(world, order=order)

    await joining(world, people, order=order)

    for person in people:
        tags = {name: answer.get("result", {}).get("service_tag") for name, answer in person.answers.items()}
        match person.kind:
            case "ticket":
                assert actions(person) == ["continue"] * 4
                assert tags["room"] == tags["again"] == CORE
                role = "chair" if person.number == 0 else "guest"
                assert person.answers["media"]["result"]["preauthenticated_role"] == role
            case "nothing":
                assert tags["room"] == tags["again"] == MEETME
                assert "guest_identity_provider_group" in person.answers["room"]["result"]
                assert (person.answers["api"]["action"], person.answers["media"]["action"]) == ("reject", "reject")
            case "signed-in":
                assert tags["room"] == MEETME
                assert actions(person) == ["continue"] * 4
                assert person.answers["media"]["result"]["preauthenticated_role"] == "guest"
            case "burned":
                assert actions(person) == ["continue", "reject", "reject", "reject", "reject"]
            case "somebody":
                assert (person.answers["api"]["action"], person.answers["media"]["action"]) == ("reject", "reject")
    pseudonyms = [
        record.person for record in world.records if record.outcome != "deny" and record.phase == "participant"
    ]
    assert len(pseudonyms) == 2 * len(set(pseudonyms)) == 2 * 28


async def test_fifty_who_ask_at_the_very_same_time_are_each_answered(world: World) -> None:
    order = random.Random(4)  # noqa: S311 - the same shuffle each time
    people = await arrive(world, order=order)

    rooms = await asyncio.gather(*(world.service("crowd", ticket=person.ticket) for person in people))

    for person, room in zip(people, rooms, strict=True):
        assert room["action"] == "continue"
        assert room["result"]["service_tag"] == (CORE if person.ticket else MEETME)
