"""What tests need from outside: real programs and foreign files. Missing at home = skipped; missing in CI = failed."""

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.idp_adapters.foreign import glewlwyd
from tests.idp_adapters.foreign import provider as foreign
from tests.vectors import shared_folder

REPOSITORY = Path(__file__).resolve().parents[1]
NOTHING_MAY_BE_MISSING = os.environ.get("VESTIBULE_REQUIRE_COMPONENTS") == "1"
PROGRAM_FOLDERS = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])  # where Debian keeps servers


def _program(name: str) -> Callable[[], str | None]:
    return lambda: None if shutil.which(name, path=PROGRAM_FOLDERS) else f"no `{name}` on the path"


def _package(name: str) -> Callable[[], str | None]:
    return lambda: None if find_spec(name) else f"package `{name}` is not installed: make .venv/installed-bench"


def _modules(folder: str) -> Callable[[], str | None]:
    is_installed = (REPOSITORY / folder / "node_modules").is_dir
    return lambda: None if is_installed() else f"its modules are not installed: npm ci --prefix {folder}"


# Component -> says what is missing, or None.
COMPONENTS: dict[str, Callable[[], str | None]] = {
    "atheris": _package("atheris"),
    "gunicorn": _package("gunicorn"),
    "glewlwyd": glewlwyd.why_missing,
    "haproxy": _program("haproxy"),
    "cc": _program("cc"),
    "axe-core": _modules("tests/shell/demo/axe"),
    "chromium": _program("chromium"),
    "cjpeg": _program("cjpeg"),
    "curl": _program("curl"),
    "logrotate": _program("logrotate"),
    "nginx": _program("nginx"),
    "node-oidc-provider": foreign.why_missing,
    "openssl": _program("openssl"),
    "prometheus": _program("prometheus"),
    "pytest-iam": _package("pytest_iam"),
    "strace": _program("strace"),
    "swtpm": _program("swtpm_setup"),
    "tpm2-tools": _program("tpm2_quote"),
    "xxd": _program("xxd"),
}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("component"):
        (name,) = marker.args
        missing = COMPONENTS[name]()
        if missing:
            pytest.skip(f"component `{name}`: {missing}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if NOTHING_MAY_BE_MISSING and report.skipped and not hasattr(report, "wasxfail"):
        _fail(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if NOTHING_MAY_BE_MISSING and report.skipped:
        _fail(report)
    return report


def _fail(report: pytest.TestReport | pytest.CollectReport) -> None:
    reason = report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longreprtext
    report.outcome = "failed"
    report.longrepr = f"{reason} (VESTIBULE_REQUIRE_COMPONENTS=1: nothing may be skipped)"


@pytest.fixture
def shared() -> Path:
    return shared_folder()


@pytest.fixture
def foreign_provider() -> Iterator[foreign.ForeignProvider]:
    """A provider of its own for each test, since tests stop it and change its keys."""
    with foreign.ForeignProvider() as provider:
        yield provider
