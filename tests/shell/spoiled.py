"""A configuration that somebody has spoiled, and what the check says of it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from plugin.shell.check import CheckFailed, check


def problems_after(file: Path, change: Callable[[str], str]) -> list[str]:
    """Change the text of a good configuration, and return the problems that it has then, without the file's name."""
    text = file.read_text()
    changed = change(text)
    assert changed != text
    file.write_text(changed)
    with pytest.raises(CheckFailed) as caught:
        check(file)
    return [problem.removeprefix(f"{file}: ") for problem in caught.value.problems]


def problems_with(file: Path, old: str, new: str) -> list[str]:
    """Put one text in the place of another, where that stands first."""
    return problems_after(file, lambda text: text.replace(old, new, 1))
