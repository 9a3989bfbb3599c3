"""Fuzzing guided by coverage for a few seconds. Runs are counted and the seed is fixed: it is the same each time."""

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
RUNS = 50_000
HANG_GUARD = 120


@pytest.mark.component("atheris")
def test_nothing_but_refused_leaves_the_verifier_and_nothing_is_accepted(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.jose.fuzz", tmp_path, f"-runs={RUNS}", "-seed=1", "-max_len=4096"]
    artifacts = f"-artifact_prefix={tmp_path}/"

    done = subprocess.run(
        [*command, artifacts], cwd=REPOSITORY, capture_output=True, text=True, timeout=HANG_GUARD, check=False
    )

    assert done.returncode == 0, done.stderr[-4000:]
    assert f"Done {RUNS} runs" in done.stderr
