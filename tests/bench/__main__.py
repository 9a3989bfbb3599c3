"""`make bench`: Vestibule beside a constant and a Flask server, where a decision's time goes, and what a flood does.

Nothing is written to the tree. It fails where an answer was wrong or a span was lost. How fast is fast enough is the
reader's to say.
"""

import argparse
import asyncio
import logging
import os
import sys
import tempfile
from pathlib import Path

from plugin.shell.logs import JsonLines
from plugin.shell.wiring import utc_now
from tests.bench import contest, formats, household, report
from tests.bench.flood import Wave, ready
from tests.bench.ladder import Ladder, Rung
from tests.bench.processes import separate_cores
from tests.bench.tally import Tally, tallies
from tests.jose.garbage import GARBAGE


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    options.add_argument("--rounds", type=int, default=5, help="rounds of which medians are taken; default: 5")
    options.add_argument("--requests", type=int, default=1000, help="questions of each stage; default: 1000")
    options.add_argument("--flood", type=int, default=100_000, help="bad tokens of each kind; default: 100000")
    chosen = options.parse_args()
    servers, load = separate_cores()
    os.sched_setaffinity(0, servers)
    with tempfile.TemporaryDirectory() as folder:
        counted, rungs = asyncio.run(_look_inside(Path(folder), people=max(chosen.requests // 20, 5)))
    proofs = formats.measure(times=chosen.requests)
    waves = asyncio.run(_flood(chosen.flood))
    os.sched_setaffinity(0, load)
    with tempfile.TemporaryDirectory() as folder:
        results = asyncio.run(_compete(Path(folder), servers=servers, rounds=chosen.rounds, size=chosen.requests))
    flood = report.flood(waves)
    steps = report.ladder(rungs) + report.ladder(proofs, of="a proof in each format")
    sys.stdout.write("\n".join((report.tally(counted), steps, flood, report.table(results))))
    return 1 if report.faults(results) or report.flood_faults(waves) else 0


async def _look_inside(folder: Path, *, people: int) -> tuple[list[Tally], list[Rung]]:
    async with household.furnished(folder) as everything:
        counted = await tallies(everything)
        keys = await everything.keys.keys(household.ACME, key_id=None)
        _log_to(folder / "ladder.log")
        return counted, await Ladder(everything, people=people, keys=keys).climb()


async def _flood(size: int) -> list[Wave]:
    async with ready(clock=utc_now) as flood:
        return [await flood.wave(kind, size=size) for kind in GARBAGE]


def _log_to(file: Path) -> None:
    """Log as the service does, to a file."""
    handler = logging.FileHandler(file)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


async def _compete(folder: Path, *, servers: set[int], rounds: int, size: int) -> dict[str, contest.Result]:
    async with contest.opened(folder, cores=servers) as everybody:
        await everybody.round(max(size // 5, 20), counts=False)
        for number in range(rounds):
            sys.stderr.write(f"round {number + 1} of {rounds}\n")
            await everybody.round(size, counts=True)
        return everybody.results


if __name__ == "__main__":
    sys.exit(main())
