"""What the doctor says: one line for each thing looked at, and advice where something is wrong."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """How it stands. Only a FAULT makes the command fail."""

    OK = "ok"
    WARNING = "warn"
    FAULT = "FAIL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing looked at. `subject` names it, `found` says what was got (and expected), `advice` what to do."""

    level: Level
    subject: str
    found: str
    advice: str = ""

    def __post_init__(self) -> None:
        if self.level is not Level.OK and not self.advice:
            raise ValueError(f"`{self.subject}` lacks advice")


def as_text(lines: Iterable[Line]) -> str:
    """Write a report, one thing after the other, its advice below it."""
    texts = []
    for line in lines:
        texts.append(f"{line.level.value:4} {line.subject}: {line.found}")
        if line.advice:
            texts.append(f"     -> {line.advice}")
    return "\n".join(texts)


def failed(lines: Iterable[Line]) -> bool:
    """Say whether anything is a fault."""
    return any(line.level is Level.FAULT for line in lines)
