"""The client as a platform's developers get it: from the wheel, as the package `vestibule`."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.shell.world import REPOSITORY

USE = """
import sys
import vestibule
from vestibule import Capability, Vestibule

Vestibule("https://vestibule.example.com", token="t" * 20, enforces={Capability.HOST})
assert not any(name == "plugin" or name.startswith("plugin.") for name in sys.modules)
print(vestibule.__file__)
"""


def run(*command: str, cwd: Path) -> str:
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(folder),
        str(REPOSITORY),
    ]
    built = subprocess.run(command, check=False, capture_output=True, text=True)
    if built.returncode and "hatchling" in built.stderr and "No matching distribution" in built.stderr:
        pytest.skip("offline: the build needs hatchling from a package index")
    assert built.returncode == 0, built.stderr
    (file,) = folder.glob("*.whl")
    return file


def test_the_wheel_has_what_the_service_reads(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    assert {"plugin/shell/openapi.toml", "plugin/policy/vocabulary.cedarschema"} <= set(names)


def test_the_wheel_has_the_client_once_and_typed(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    assert {"vestibule/__init__.py", "vestibule/client.py", "vestibule/py.typed"} <= set(names)
    assert not [name for name in names if name.startswith("plugin/client")]


def test_a_fresh_environment_imports_it_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", "--without-pip", "env", cwd=tmp_path)
    python = str(tmp_path / "env" / "bin" / "python")
    packages = Path(run(python, "-c", "import site; print(site.getsitepackages()[0])", cwd=tmp_path).strip())
    pip = (sys.executable, "-m", "pip", "--python", python)
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel), cwd=tmp_path)
    # What the client needs from others is borrowed from here; a borrowed folder's editable installs do not come along.
    (packages / "others.pth").write_text(f"{Path(pytest.__file__).parents[1]}\n")

    assert run(python, "-c", USE, cwd=tmp_path).strip() == str(packages / "vestibule" / "__init__.py")
