"""A shadow bundle: whatever it says, the answer is the same; what it would have decided is recorded and counted."""

import json
import logging
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from plugin.core.record import Shadowed
from plugin.shell.check import CheckFailed, prepare
from tests.shell.parties import DeviceAuthority
from tests.shell.reloading import CLOSED, edit, with_own_policies
from tests.shell.world import REPOSITORY, World, write_configuration

OPEN = """
@id("open-to-all")
permit (principal, action, resource);
"""
BROKEN = """
@id("overflows")
forbid (principal, action == Action::"join", resource) when { principal.auth.level * 9223372036854775807 > 8 };
"""
VARYING = frozenset({"decision_id", "trace_id", "pin"})


def write_shadow(folder: Path, *policies: str, alone: bool = False) -> None:
    """Put a bundle beside the one that decides: the same with more policies, or these policies alone."""
    shadow = folder / "policies-next"
    shutil.copytree(folder / "policies", shadow)
    shutil.rmtree(shadow / "cases")
    if alone:
        (shadow / "admission.cedar").unlink()
    (shadow / "tried.cedar").write_text("".join(policies))
    edit(folder / "vestibule.toml", old="[policy]", new='[policy]\nshadow = "policies-next"')


@asynccontextmanager
async def shadowed(folder: Path, *policies: str, alone: bool = False) -> AsyncIterator[World]:
    async with with_own_policies(folder) as world:
        write_shadow(folder, *policies, alone=alone)
        await world.reloader.reload()
        assert world.gate.standing.problems == ()
        yield world


async def answers(world: World) -> list[str]:
    """Ask as people do whom the policies treat differently; return the answers but for ids and random PINs."""
    laptop = world.authority.device("alice")
    asked = [
        world.join(await world.proofs("board", token=world.token("alice"), device=laptop)),
        world.join(await world.proofs("board", token=world.token("alice"))),
        world.join(await world.proofs("summit", token=world.partners.token("case", now=world.clock()))),
        world.join({"conference": "townhall"}),
        world.join({"conference": "board"}),
        world.service("townhall", call_uuid="one"),
    ]
    said = [await one for one in asked]
    return [json.dumps(_without_ids(answer)) for answer in said]


def _without_ids(answer: dict) -> dict:
    kept = {name: value for name, value in answer.items() if name not in VARYING}
    return {name: _without_ids(value) if isinstance(value, dict) else value for name, value in kept.items()}


def of_shadow(world: World) -> list[Shadowed | None]:
    return [record.shadow for record in world.records]


def counted(world: World, *, outcome: str, shadow: str, agrees: str) -> float | None:
    labels = {"outcome": outcome, "shadow": shadow, "agrees": agrees}
    return world.traces.metrics.registry.get_sample_value("vestibule_shadow_decisions_total", labels)


@pytest.mark.parametrize(
    ("policies", "alone"), [((OPEN,), True), ((CLOSED,), False), ((BROKEN,), False)], ids=["opens", "closes", "errs"]
)
async def test_whatever_the_shadow_says_the_answers_are_the_same(
    tmp_path: Path, policies: tuple[str, ...], *, alone: bool
) -> None:
    async with with_own_policies(tmp_path) as world:
        without = await answers(world)
        write_shadow(tmp_path, *policies, alone=alone)
        await world.reloader.reload()
        beside = await answers(world)

        assert world.gate.standing.problems == ()
        assert beside == without
        assert [shadow is not None for shadow in of_shadow(world)] == [False] * len(without) + [True] * len(beside)


async def test_a_shadow_that_opens_everything_admits_nobody(tmp_path: Path) -> None:
    async with shadowed(tmp_path, OPEN, alone=True) as world:
        stranger = world.partners.token("case", now=world.clock())
        answer = await world.join(await world.proofs("board", token=stranger))
        ((record,), (shadow,)) = (world.records, of_shadow(world))

        assert (answer["decision"], record.outcome, shadow.outcome) == ("deny", "deny", "allow")
        assert shadow.reasons[0].policies == ("open-to-all tried.cedar:2",)
        assert shadow.bundle != record.bundle
        assert counted(world, outcome="deny", shadow="allow", agrees="no") == 1


async def test_a_shadow_that_forbids_is_recorded_with_its_policies_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with shadowed(tmp_path, CLOSED) as world:
        with caplog.at_level(logging.INFO):
            await world.service("townhall")
        (shadow,) = of_shadow(world)

    (line,) = [vars(one) for one in caplog.records if one.message == "the shadow bundle decides otherwise"]
    assert shadow.outcome == "deny"
    assert line["shadow_policies"] == ["closed-for-now tried.cedar:2"]
    assert line["decision_id"] == world.records[0].decision_id


async def test_a_shadow_that_agrees_is_counted_and_not_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with shadowed(tmp_path) as world:
        with caplog.at_level(logging.INFO):
            await world.service("townhall")
        (record,) = world.records

    assert counted(world, outcome=record.outcome, shadow=record.outcome, agrees="yes") == 1
    assert "the shadow bundle decides otherwise" not in caplog.messages


async def test_a_shadow_that_errs_is_recorded_as_an_error(tmp_path: Path) -> None:
    async with shadowed(tmp_path, BROKEN) as world:
        await world.join(await world.proofs("board", token=world.token("alice")))
        (shadow,) = of_shadow(world)

        assert (shadow.outcome, shadow.reasons[0].code) == ("error", "policy-error")
        assert counted(world, outcome=world.records[0].outcome, shadow="error", agrees="unknown") == 1


async def test_a_conference_that_does_not_exist_is_no_question_for_a_shadow(tmp_path: Path) -> None:
    async with shadowed(tmp_path, CLOSED) as world:
        await world.service("nowhere")

        assert of_shadow(world) == [None]


def checked(folder: Path, *, policies: str, classes: str = "internal", alone: bool = False) -> tuple[str, ...]:
    """Return what `check` finds wrong with a house that has a shadow bundle."""
    shutil.copytree(REPOSITORY / "deploy" / "policies", folder / "policies")
    authority = DeviceAuthority()
    parties = {"acme": "https://a.example", "partners": "https://b.example"}
    file = write_configuration(folder, **parties, authority=authority, bundle="policies")
    write_shadow(folder, policies, alone=alone)
    data = folder / "policies-next" / "data.toml"
    data.write_text(data.read_text().replace('"internal"', f'"{classes}"'))
    with pytest.raises(CheckFailed) as failed:
        prepare(file)
    return failed.value.problems


def test_the_problems_of_a_shadow_fail_the_check(tmp_path: Path) -> None:
    (problem,) = checked(tmp_path, policies="permit (principal, action, resource);")

    assert problem.startswith("shadow: tried.cedar:1: ")


def test_a_conference_that_only_the_shadow_does_not_know_the_class_of_fails_the_check(tmp_path: Path) -> None:
    problems = checked(tmp_path, policies=OPEN, classes="inward", alone=True)

    assert "conference[0].classification: got `internal`" in problems[0]
    assert problems[0].endswith("by the shadow bundle")
