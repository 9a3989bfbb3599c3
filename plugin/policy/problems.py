"""What is wrong with a bundle: every problem at once, each with its file and line."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing to mend. `line` None = the file as a whole."""

    file: str
    line: int | None
    message: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.message}"


class BundleProblems(Exception):
    """The bundle cannot be used."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(
            sorted(set(problems), key=lambda problem: (problem.file, problem.line or 0, str(problem)))
        )
        super().__init__("\n".join(map(str, self.problems)))
