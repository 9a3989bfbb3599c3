"""The library that makes system calls of a real service kill it or fail."""

import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def stumble(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("stumble") / "stumble.so"
    source = Path(__file__).with_name("stumble.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True, timeout=120)
    return library
