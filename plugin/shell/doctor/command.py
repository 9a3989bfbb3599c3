"""The command: which examinations are asked for, one after the other, each whatever the others found."""

import argparse
from collections.abc import Iterator

from plugin.shell.check import CheckFailed, check
from plugin.shell.doctor.report import Level, Line


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Declare the options of `vestibule doctor`."""


def examine(options: argparse.Namespace) -> Iterator[Line]:
    """Examine what is asked for, and say how each thing stands."""
    yield from configuration(options)


def configuration(options: argparse.Namespace) -> Iterator[Line]:
    """Say whether `serve` would start from this file."""
    try:
        checked = check(options.config)
    except CheckFailed as found:
        for problem in found.problems:
            yield Line(level=Level.FAULT, subject="configuration", found=problem, advice="correct it there")
        return
    yield Line(
        level=Level.OK,
        subject="configuration",
        found=f"{checked.config.file} has no problems, bundle {checked.bundle.revision[:12]}",
    )
