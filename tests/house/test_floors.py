"""The floors: import-linter keeps its contracts here, and breaks one for each import that points up."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
LINTER = Path(sys.executable).with_name("lint-imports")
UP = {
    "core/facts.py": "import plugin.policy.judge",
    "policy/judge.py": "import plugin.ports",
    "jose/verify.py": "import plugin.policy.setting",
    "ports.py": "import plugin.flow.ledger",
    "flow/ledger.py": "import plugin.stores.sqlite",
    "platforms/generic.py": "import plugin.flow.ledger",
    "attestation/x509.py": "import plugin.shell.config",
    "stores/sqlite.py": "import plugin.platforms.generic",
    "core/alias.py": "import cryptography",
    "policy/seat.py": "import asyncio",
    "shell/registry.py": "import idp_adapters.oidc",
    "../idp_adapters/oidc.py": "import plugin.policy.setting",
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    # The copy's own packages come first, before those that are installed.
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [str(LINTER), "--no-cache", "--no-logo"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("floors")
    for name in ("plugin", "idp_adapters"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", folder)
    return folder


def test_every_import_points_down(copy: Path):
    ran = lint(copy)

    assert (ran.returncode, " 0 broken" in ran.stdout) == (0, True), ran.stdout


@pytest.mark.parametrize(("file", "statement"), UP.items(), ids=UP)
def test_an_import_that_points_up_is_found(copy: Path, file: str, statement: str):
    source = copy / "plugin" / file
    text = source.read_text()
    source.write_text(f"{text}\n{statement}\n")

    ran = lint(copy)
    source.write_text(text)

    assert (ran.returncode, " BROKEN\n" in ran.stdout) == (1, True), ran.stdout
