"""The measurements run, on a few questions: every answer is right and every span arrives. How fast is not asked."""

import os
from pathlib import Path

import pytest

from plugin.shell.wiring import utc_now
from tests.bench import contest, formats, household, questions, report
from tests.bench.flood import ready
from tests.bench.ladder import Ladder
from tests.bench.tally import tallies
from tests.jose.garbage import GARBAGE


@pytest.mark.component("gunicorn")
async def test_every_answer_is_right_and_every_span_arrives(tmp_path: Path) -> None:
    async with contest.opened(tmp_path, cores=os.sched_getaffinity(0)) as everybody:
        await everybody.round(40, counts=True)

    results = everybody.results
    assert report.faults(results) == []
    assert all(one.rate > 0 and one.cpu > 0 for one in results.values())
    assert list(results) == list(contest.STAGES)
    assert contest.WARM in report.table(results)


@pytest.mark.component("gunicorn")
async def test_a_server_that_never_looks_is_found_out(tmp_path: Path) -> None:
    async with contest.opened(tmp_path, cores=os.sched_getaffinity(0)) as everybody:
        everybody.patience = 0.1
        people = everybody.crowd.newcomers(20)
        asked = [questions.participant(who, ticket=contest.FORGED) for who in people]
        # It says the same to everybody, the one liar too, and traces nothing.
        await everybody.lap(contest.WARM, everybody.bare, asked, counts=True)

    assert report.faults(everybody.results) == [
        f"FAULT {contest.WARM}: 1 wrong answers",
        f"FAULT {contest.WARM}: 120 spans are missing",
    ]


async def test_every_step_of_the_ladder_takes_time(tmp_path: Path) -> None:
    async with household.furnished(tmp_path) as everything:
        keys = await everything.keys.keys(household.ACME, key_id=None)
        rungs = await Ladder(everything, people=2, keys=keys).climb()

    assert all(rung.microseconds > 0 for rung in rungs)


def test_a_proof_is_measured_in_each_format_beside_a_bare_signature() -> None:
    signature, *proofs = formats.measure(times=20)

    assert len(proofs) == 5
    assert all(proof.microseconds > 0 for proof in (signature, *proofs))


async def test_a_question_that_was_answered_is_not_put_to_cedar_again(tmp_path: Path) -> None:
    async with household.furnished(tmp_path) as everything:
        counted = {one.question: one for one in await tallies(everything)}

    assert {one.spans for one in counted.values()} == {6}
    assert counted["cold: a token and a device"].cedar == 5
    assert counted["warm: Pexip participant, again"].cedar == 0


async def test_a_flood_is_measured_beside_good_tokens() -> None:
    async with ready(clock=utc_now) as flood:
        waves = [await flood.wave(kind, size=100) for kind in GARBAGE]

    assert report.flood_faults(waves) == []
    assert all(one.bad > 0 and one.before > 0 and one.after > 0 for one in waves)
    assert "a key id each" in report.flood(waves)
