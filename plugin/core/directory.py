"""The directory of conferences: which entry an alias belongs to. Never guesses: two that overlap are an error."""

from dataclasses import dataclass, replace

from plugin.core.facts import Conference


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternEntry:
    """An entry for every alias that `pattern` (glob: `*`, `?`) covers whole; each alias is a conference by itself."""

    pattern: str
    conference: Conference


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """`exact` maps each canonical alias to its conference; several aliases may lead to one."""

    exact: dict[str, Conference]
    patterns: tuple[PatternEntry, ...]

    def find(self, alias: str) -> Conference | None:
        """Find the entry of a canonical alias. A conference found by pattern is named by its alias."""
        if alias in self.exact:
            return self.exact[alias]
        for entry in self.patterns:
            if glob_covers(entry.pattern, alias):
                return replace(entry.conference, name=alias)
        return None

    def entry_name(self, alias: str) -> str:
        """Return the name of an alias's entry as the configuration writes it, empty where there is none.

        For logs: what a pattern covers was dialled, and may be somebody's address.
        """
        if alias in self.exact:
            return self.exact[alias].name
        return next((entry.pattern for entry in self.patterns if glob_covers(entry.pattern, alias)), "")


def glob_covers(pattern: str, alias: str) -> bool:
    """Say whether `*` (any run) and `?` (any one) cover the whole alias.

    Callers choose the alias, so this takes time by the product of the lengths and no more, which a regular expression
    does not promise.
    """
    at, star, resume = 0, -1, 0
    here = 0
    while here < len(alias):
        if at < len(pattern) and pattern[at] == "*":
            star, resume, at = at, here, at + 1
        elif at < len(pattern) and pattern[at] in (alias[here], "?"):
            at, here = at + 1, here + 1
        elif star >= 0:
            # Only the last star can help: what an earlier one could take, this one can as well.
            resume += 1
            at, here = star + 1, resume
        else:
            return False
    return pattern[at:].strip("*") == ""


def globs_overlap(one: str, other: str) -> bool:
    """Say whether some text is covered by both patterns; a pattern without wildcards is an exact alias.

    Walks the pairs of positions that some common text can reach, so it is exact, and bounded by their product.
    """
    todo, seen = [(0, 0)], set()
    while todo:
        i, j = todo.pop()
        if (i, j) in seen:
            continue
        seen.add((i, j))
        if i == len(one) and j == len(other):
            return True
        todo.extend(_steps(one, other, i=i, j=j))
    return False


def _steps(one: str, other: str, *, i: int, j: int) -> list[tuple[int, int]]:
    a = one[i] if i < len(one) else ""
    b = other[j] if j < len(other) else ""
    steps = []
    if a == "*":
        steps.append((i + 1, j))  # the star covers nothing more
        if b:
            steps.append((i, j + 1))  # the star covers what b covers
    if b == "*":
        steps.append((i, j + 1))
        if a:
            steps.append((i + 1, j))
    if a and b and "*" not in (a, b) and (a == b or "?" in (a, b)):
        steps.append((i + 1, j + 1))
    return steps
