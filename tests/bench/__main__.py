"""`make bench`: Vestibule beside a constant and beside a Flask server, and where the time of a decision goes.

Nothing is written to the tree. It fails where an answer was wrong or a span was lost. How fast is fast enough is the
reader's to say.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

from tests.bench import contest, report
from tests.bench.processes import separate_cores


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    options.add_argument("--rounds", type=int, default=5, help="rounds of which medians are taken; default: 5")
    options.add_argument("--requests", type=int, default=1000, help="questions of each stage; default: 1000")
    chosen = options.parse_args()
    results = asyncio.run(_compete(rounds=chosen.rounds, size=chosen.requests))
    sys.stdout.write(report.table(results))
    return 1 if report.faults(results) else 0


async def _compete(*, rounds: int, size: int) -> dict[str, contest.Result]:
    servers, load = separate_cores()
    os.sched_setaffinity(0, load)
    with tempfile.TemporaryDirectory() as folder:
        async with contest.opened(Path(folder), cores=servers) as everybody:
            await everybody.round(max(size // 5, 20), counts=False)
            for number in range(rounds):
                sys.stderr.write(f"round {number + 1} of {rounds}\n")
                await everybody.round(size, counts=True)
            return everybody.results


if __name__ == "__main__":
    sys.exit(main())
