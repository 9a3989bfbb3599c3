"""`vestibule explain`: what it says of a decision is what was done, and what it says would change does."""

import json
import logging
from argparse import Namespace
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from plugin.core.record import DecisionRecord
from plugin.shell import explain
from plugin.shell.check import CheckFailed
from tests.shell.world import REPOSITORY, World, opened

LOG = '[records]\nlog = "decisions.jsonl"\n'
OSLO, PYONGYANG = "192.0.2.7", "203.0.113.200"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    # The part for `[telemetry]` stands at a table's beginning, so another table can follow it.
    async with opened(tmp_path, telemetry=LOG) as world:
        yield world


def asked(world: World, decision: str, **options: object) -> str:
    standard = {"config": world.folder / "vestibule.toml", "log": None, "json": True}
    return explain.report(Namespace(decision=decision, **{**standard, **options}))


def explained(world: World, decision: object, **options: object) -> dict:
    return json.loads(asked(world, str(decision), **options))


def changes(told: dict) -> dict[str, tuple[str, str | None]]:
    return {one["change"]: (one["decision"], one["zone"]) for one in told["would_change_if_they"]}


async def join(world: World, *, conference: str = "budget", own: bool = True, address: str = OSLO, **claims: object):
    token = world.token("alice", **claims)
    proofs = await world.proofs(conference, token=token, device=world.authority.device("alice") if own else None)
    return await world.join(proofs, address=address)


@pytest.mark.parametrize(
    ("flaw", "change"),
    [
        ({"address": PYONGYANG}, "had called from `DE`"),
        ({"acr": None, "auth_time": None}, "had signed in just now with a second factor"),
        ({"own": False}, "had their own device sign for this join"),
    ],
)
async def test_what_would_change_a_decision_changes_it(world: World, flaw: dict[str, object], change: str) -> None:
    before = await join(world, **flaw)
    predicted = changes(explained(world, before["decision_id"]))[change]

    place = {"address": "203.0.113.7"} if "address" in flaw else {}
    after = await join(world, **place)

    assert (before["decision"], before["zone"]) != (after["decision"], after["zone"])
    assert (after["decision"], after["zone"]) == predicted


async def test_a_worse_sign_in_or_place_would_change_an_admission_as_it_says(world: World) -> None:
    admitted = await join(world)
    said = changes(explained(world, admitted["decision_id"]))

    in_pyongyang = await join(world, address=PYONGYANG)
    without_device = await join(world, own=False)
    one_factor = await join(world, acr=None)

    assert said["had called from `KP`"] == (in_pyongyang["decision"], in_pyongyang["zone"])
    assert said["had presented no device"] == (without_device["decision"], without_device["zone"])
    assert said["had signed in just now with one factor"] == (one_factor["decision"], one_factor["zone"])


async def test_a_guest_would_be_admitted_where_guests_are_and_is(world: World) -> None:
    refused = await world.join({"conference": "budget"})
    said = changes(explained(world, refused["decision_id"]))

    admitted = await world.join({"conference": "townhall"})

    assert said["had come to a conference that takes guests"] == (admitted["decision"], admitted["zone"])


async def test_the_hour_that_it_names_is_one_that_opens(world: World) -> None:
    world.clock.move(hours=9)
    token = world.partners.token("paula", now=world.clock())
    refused = await world.join(await world.proofs("summit", token=token))
    (change,) = [one for one in changes(explained(world, refused["decision_id"])) if one.startswith("had come at")]

    world.clock.move(hours=9)
    token = world.partners.token("paula", now=world.clock())
    admitted = await world.join(await world.proofs("summit", token=token))

    # 7 o'clock in Oslo.
    assert change == "had come at Wed 2026-11-25 06:00 UTC"
    assert (refused["decision"], admitted["decision"]) == ("deny", "redirect")


async def test_it_tells_what_each_audience_got_and_the_policy_as_it_is_written(world: World) -> None:
    answer = await join(world, address=PYONGYANG)

    told = explained(world, answer["decision_id"])

    assert told["texts"]["person"] == "Joining from your location is not permitted."
    assert told["texts"]["staff"][0]["policies"] == [told["policies"][0]["policy"]]
    assert told["policies"][0]["text"].startswith('@id("sanctioned-countries")')
    assert told["judged_again"] == explain.UNCHANGED
    assert [step["step"] for step in told["steps"]] == ["read", "device", "identity", "judge"]
    assert told["decision"]["deadline"] == 2.5
    assert [room["zone"] for room in told["rooms"]] == ["core", "meetme"]


async def test_the_log_tells_the_same_as_the_store_and_its_text_is_for_people(world: World) -> None:
    answer = await join(world)
    log = world.folder / "decisions.jsonl"

    from_store = asked(world, str(answer["decision_id"]))
    from_log = asked(world, str(answer["decision_id"]), log=log)
    text = asked(world, str(answer["decision_id"]), json=False)

    assert from_store == from_log
    assert " judge    allow " in text
    assert '    @id("core-for-employees-on-compliant-devices")' in text
    assert "  had called from `KP`: deny" in text


async def test_that_the_bundle_has_changed_since_is_said(world: World, tmp_path: Path) -> None:
    answer = await join(world)
    file = world.folder / "vestibule.toml"
    bundle = tmp_path / "other"
    bundle.mkdir()
    policies = REPOSITORY / "deploy" / "policies"
    (bundle / "data.toml").write_text((policies / "data.toml").read_text())
    (bundle / "all.cedar").write_text('@id("all") permit (principal, action, resource);')
    file.write_text(file.read_text().replace(str(policies), str(bundle)))

    told = explained(world, answer["decision_id"])

    assert told["judged_again"] == explain.CHANGED
    assert [policy["policy"] for policy in told["policies"]] == ["all all.cedar:1"]


@pytest.mark.parametrize("decision", ["dec_aaaaaaaaaaaaaaaa", "dec_1", "' OR 1=1 --", "\x1b[2J"])
async def test_what_is_no_decision_is_said_to_be_none(world: World, decision: str) -> None:
    with pytest.raises(CheckFailed, match=r"no such decision|expected the id of a decision") as caught:
        asked(world, decision)

    assert "\x1b" not in str(caught.value)


async def test_an_admission_that_cannot_be_logged_is_a_refusal_in_store_and_answer(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    log = world.folder / "decisions.jsonl"
    log.unlink()
    log.mkdir()

    with caplog.at_level(logging.WARNING):
        answer = await join(world)

    record = world.records[-1]
    assert (answer["decision"], answer["reasons"][0]["code"]) == ("deny", "store-unavailable")
    assert record.outcome == "deny"
    assert explained(world, answer["decision_id"])["decision"]["outcome"] == "deny"


async def test_the_log_holds_each_decision_as_it_was_answered_and_nobody_in_it(world: World) -> None:
    answers = [await join(world), await join(world, address=PYONGYANG)]

    text = (world.folder / "decisions.jsonl").read_text()

    lines = [json.loads(line) for line in text.splitlines()]
    assert [(line["decision_id"], line["outcome"]) for line in lines] == [
        (answer["decision_id"], answer["decision"]) for answer in answers
    ]
    assert [line["schema"] for line in lines] == [1, 1]
    secrets = ("alice", "#bob", "A Person", OSLO, PYONGYANG, "eyJ")
    assert [secret for secret in secrets if secret in text] == []
    assert isinstance(world.records[0], DecisionRecord)
