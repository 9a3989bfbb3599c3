"""Loads a bundle from its folder.

Cedar's native parser can end the process that it runs in, so everything is compiled in a child process first. Run as
a module, this file is that child: it must never do more than compile what it is given.
"""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from plugin.core.directory import Directory
from plugin.policy.bundle import MAX_CHARACTERS, Bundle, compile_bundle, size_limit
from plugin.policy.cases import check_case, read_cases
from plugin.policy.problems import BundleProblems, Problem
from plugin.policy.setting import Setting
from plugin.policy.statements import Statement

MAX_FILES = 500
_SECONDS = 30
_MEMORY = 2**30
_CHILD = "plugin.shell.bundles"


def load_bundle(folder: Path, *, setting: Setting) -> Bundle:
    """Read and compile. Raises BundleProblems. Blocks for a second or so: not for the event loop."""
    return _compile(read_folder(folder), setting=setting)


def run_cases(folder: Path, *, setting: Setting, directory: Directory) -> list[tuple[str, tuple[str, ...]]]:
    """Return each example case by name, with what differs from what it expects. Raises BundleProblems."""
    files = read_folder(folder)
    bundle = _compile(files, setting=setting)
    cases = read_cases(files, bundle=bundle, directory=directory)
    return [(case.name, check_case(bundle, case)) for case in cases]


def read_folder(folder: Path) -> dict[str, str]:
    """Read the files of a bundle, by name. Raises BundleProblems.

    Hidden files are left alone (Kubernetes keeps versions in some), and so is what explains the bundle (`*.md`).
    Anything else that is no part of a bundle is a problem: it might be a policy under a misspelt name.
    """
    files: dict[str, str] = {}
    problems: list[Problem] = []
    try:
        paths = list(_find(folder))
    except OSError as error:
        raise BundleProblems([Problem(file=str(folder), line=None, message=_cannot_read(error))]) from None
    if len(paths) > MAX_FILES:
        message = f"{len(paths)} files, expected at most {MAX_FILES}"
        raise BundleProblems([Problem(file=str(folder), line=None, message=message)])
    for path in paths:
        name = path.relative_to(folder).as_posix()
        try:
            files[name] = _read(path, root=folder.resolve(), limit=size_limit(name))
        except OSError as error:
            problems.append(Problem(file=name, line=None, message=_cannot_read(error)))
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            problems.append(Problem(file=name, line=line, message="not UTF-8"))
        except ValueError as error:
            problems.append(Problem(file=name, line=None, message=str(error)))
    if problems:
        raise BundleProblems(problems)
    return files


def _find(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.suffix == ".md":
            continue
        if path.name == "cases" and path.is_dir():
            yield from (case for case in sorted(path.iterdir()) if not case.name.startswith("."))
        else:
            yield path


def _read(path: Path, *, root: Path, limit: int | None) -> str:
    """Read one file. Raises ValueError where it has no business in a bundle, OSError where it cannot be read."""
    if limit is None:
        raise ValueError(f"unexpected file, expected {', '.join(MAX_CHARACTERS)}")
    real = Path(os.path.realpath(path, strict=True))  # Path.resolve raises RuntimeError for a loop
    if not real.is_relative_to(root):
        raise ValueError("a link that leads out of the folder")
    if not real.is_file():
        raise ValueError("not a file")
    with real.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"larger than {limit} bytes")
    return content.decode()


def _cannot_read(error: OSError) -> str:
    return f"cannot be read: {(error.strerror or 'unknown error').lower()}"


def _compile(files: Mapping[str, str], *, setting: Setting) -> Bundle:
    """Compile in a child process, and where that survived, here."""
    order = json.dumps({"files": dict(files), "setting": _tell(setting)})
    try:
        child = subprocess.run(  # noqa: S603 - this very interpreter, with arguments of our own
            [sys.executable, "-P", "-m", _CHILD],
            input=order.encode(),
            capture_output=True,
            timeout=_SECONDS,
            env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise BundleProblems([_casualty(late.stdout, f"takes longer than {_SECONDS} s to compile")]) from None
    if child.returncode != 0:
        raise BundleProblems([_casualty(child.stdout, f"the compiler ended with status {child.returncode}")])
    return compile_bundle(files, setting=setting)


def _tell(setting: Setting) -> dict[str, object]:
    return {
        "zones": setting.zones,
        "inside": sorted(setting.inside),
        "house": sorted(setting.house),
        "orgs": sorted(setting.orgs),
        "issuers": dict(setting.issuers),
        "room_systems": sorted(setting.room_systems),
    }


def _casualty(output: bytes | None, message: str) -> Problem:
    """Blame the statement that the child had last: it says each before it touches it."""
    said = (output or b"").splitlines()
    if not said:
        return Problem(file=".", line=None, message=message)
    file, line = json.loads(said[-1])
    return Problem(file=file, line=line, message=message)


def _say(statement: Statement) -> None:
    sys.stdout.write(json.dumps([statement.file, statement.line]) + "\n")
    sys.stdout.flush()


def _compile_in_child() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    order = json.load(sys.stdin)
    told = order["setting"]
    setting = Setting(
        zones=tuple(told["zones"]),
        inside=frozenset(told["inside"]),
        house=frozenset(told["house"]),
        orgs=frozenset(told["orgs"]),
        issuers=told["issuers"],
        room_systems=frozenset(told["room_systems"]),
    )
    try:
        compile_bundle(order["files"], setting=setting, before=_say)
    except BundleProblems:
        return  # the parent finds the same, alive


if __name__ == "__main__":
    _compile_in_child()
