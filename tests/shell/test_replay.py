"""`vestibule replay`: every recorded decision judged by another bundle, and what cannot be judged said out loud."""

import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from plugin.flow.ledger import write_line
from plugin.shell.cli import main
from plugin.shell.replay import DIFFERENT, INCOMPLETE, SAME, replay
from tests.flow.recorded import RECORD
from tests.policy.people import example
from tests.shell.world import REPOSITORY, World, opened

POLICIES = REPOSITORY / "deploy" / "policies"
KEY = "a-pseudonym-key-of-the-tests"
RECORDS = f'[records]\nlog = "decisions.jsonl"\npseudonym_key_env = "{KEY.upper().replace("-", "_")}"\n'


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setenv(KEY.upper().replace("-", "_"), KEY)
    async with opened(tmp_path, telemetry=RECORDS) as world:
        yield world


def other_bundle(folder: Path, *, added: str = "", removed: str = "") -> Path:
    """Write the shipped bundle with a policy more, or words less."""
    bundle = folder / "other"
    bundle.mkdir()
    (bundle / "data.toml").write_text((POLICIES / "data.toml").read_text())
    text = (POLICIES / "admission.cedar").read_text()
    assert removed in text
    (bundle / "admission.cedar").write_text(text.replace(removed, "") + added)
    return bundle


def replayed(world: World, bundle: Path, *, log: Path | None = None) -> int:
    config = world.folder / "vestibule.toml"
    return main(
        ["replay", str(log or world.folder / "decisions.jsonl"), "--bundle", str(bundle), "--config", str(config)]
    )


async def join(world: World, who: str = "alice", **claims: object) -> str:
    proofs = await world.proofs("budget", token=world.token(who, **claims), device=world.authority.device(who))
    return str((await world.join(proofs))["decision_id"])


async def test_the_same_bundle_treats_nobody_differently(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    await join(world)
    await join(world, acr=None)
    await world.join({"conference": "townhall"})

    code = replayed(world, POLICIES)

    assert code == SAME
    assert capsys.readouterr().out.startswith("3 same, 0 different")


async def test_whom_another_bundle_names_is_found_by_their_pseudonym(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    hers, _ = await join(world), await join(world, "carol")
    forbid = f'@id("not-her") forbid (principal == User::"{world.acme.url}#alice", action, resource);'

    code = replayed(world, other_bundle(world.folder, added=forbid))

    first, last = capsys.readouterr().out.splitlines()
    assert code == DIFFERENT
    assert first.startswith(f"{hers} 2026-11-24T12:00:00+00:00 budget {world.records[0].person}: allow core [")
    assert "-> deny (forbidden, not-her admission.cedar:" in first
    assert "alice" not in first
    assert last.startswith("1 same, 1 different")


async def test_a_group_that_nobody_asked_for_then_counts_now(world: World) -> None:
    await join(world, groups=["staff", "contractors"])
    forbid = '@id("none") forbid (principal in Group::"contractors", action, resource);'

    assert replayed(world, other_bundle(world.folder, added=forbid)) == DIFFERENT


async def test_replay_foretells_what_the_service_does_with_the_bundle(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    decision = await join(world, acr=None)
    bundle = other_bundle(
        world.folder, removed='    && principal.auth has mfaAge && principal.auth.mfaAge <= duration("8h")'
    )

    replayed(world, bundle)

    said = capsys.readouterr().out.splitlines()[0]
    (world.folder / "second").mkdir()
    async with opened(world.folder / "second", bundle=str(bundle)) as changed:
        await join(changed, acr=None)
        record = changed.records[-1]
    assert said.startswith(decision)
    assert f"-> {record.outcome} {record.zone} [{' '.join(record.capabilities)}]" in said


async def test_bad_lines_are_named_by_number_and_skipped(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    await join(world)
    log = world.folder / "decisions.jsonl"
    good = log.read_bytes()
    later = good.replace(b'"schema":1', b'"schema":2')
    log.write_bytes(b"alice@example.com\n" + good + b"{}\n" + later + b"x" * 2_000_000 + b"\n" + good + good[:100])

    code = replayed(world, POLICIES)

    *bad, last = capsys.readouterr().out.splitlines()
    assert code == INCOMPLETE
    assert [line.partition(f"{log}:")[2].partition(":")[0] for line in bad] == ["1", "3", "4", "5", "7"]
    assert last.startswith("2 same, 0 different")
    assert last.endswith("5 bad lines")
    assert "alice@example.com" not in "".join(bad)


async def test_records_of_another_key_are_not_judged_where_names_matter(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await join(world)
    forbid = f'@id("not-her") forbid (principal == User::"{world.acme.url}#alice", action, resource);'
    monkeypatch.setenv(KEY.upper().replace("-", "_"), KEY[::-1])

    assert replayed(world, other_bundle(world.folder, added=forbid)) == INCOMPLETE


async def test_what_cannot_be_read_is_incomplete(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert replayed(world, world.folder / "missing") == INCOMPLETE
    assert replayed(world, POLICIES, log=world.folder / "missing") == INCOMPLETE
    assert "cannot be read" in capsys.readouterr().err


def test_a_long_log_is_read_in_bounded_memory(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as file:
        for _ in range(20):
            file.write(write_line(RECORD) * 1_000)
    counts = Counter[str]()
    bundle = example()

    tracemalloc.start()
    lines = sum(1 for _ in replay(log, bundle=bundle, pseudonym=str, counts=counts))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (lines, counts["without facts"]) == (0, 20_000)
    assert most < 2_000_000 < log.stat().st_size
