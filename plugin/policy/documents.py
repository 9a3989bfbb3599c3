"""Reads the TOML files of a bundle, and says where in them each problem stands."""

import re
import tomllib
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from plugin.policy.problems import Problem

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One file, and what is wrong with it so far."""

    file: str
    text: str
    problems: list[Problem] = field(default_factory=list)

    def read(self) -> "Entry | None":
        """Parse the whole; None where it is not TOML."""
        try:
            return Entry(document=self, table=tomllib.loads(self.text))
        except ValueError as error:  # of which TOMLDecodeError is one
            self.problem(f"not TOML: {error}")
        except RecursionError:
            self.problem("arrays or tables are nested too deeply")
        return None

    def problem(self, message: str, *, near: str | None = None) -> None:
        """Note a problem. `near` is a piece of the text that leads to its line."""
        found = near and re.search(rf"(?<![\w.-]){re.escape(near)}(?![\w./-])", self.text)
        line = self.text.count("\n", 0, found.start()) + 1 if found else None
        self.problems.append(Problem(file=self.file, line=line, message=" ".join(message.split())))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One table of a document, under `path`. `case` is the example case that it belongs to."""

    document: Document
    table: dict[str, object]
    path: str = ""
    case: str = ""

    def problem(self, message: str, *, near: str) -> None:
        """Note a problem with a key or a value of this table."""
        told = f"case `{self.case}`: {message}" if self.case else message
        self.document.problem(told, near=self.case or near)

    def refuse_unknown(self, *known: str) -> None:
        """Note every key that means nothing."""
        for key in sorted(self.table.keys() - set(known)):
            self.problem(f"unknown key `{self.path}{key}`, expected {', '.join(sorted(known))}", near=key)

    def value(self, key: str, kind: type[T], *, default: T) -> T:
        """Take a value of one kind (TOML knows no subclasses), the default where there is none."""
        value = self.table.get(key, default)
        if type(value) is kind:
            return value
        self.problem(f"`{self.path}{key}` is of type {type(value).__name__}, expected {kind.__name__}", near=key)
        return default

    def strings(self, key: str) -> tuple[str, ...]:
        """Take a list of names without repetition."""
        names = self.value(key, list, default=[])
        if not all(isinstance(name, str) and name for name in names):
            self.problem(f"`{self.path}{key}` is not a list of names", near=key)
            return ()
        for name in sorted(name for name, times in Counter(names).items() if times > 1):
            self.problem(f"`{self.path}{key}` names `{name}` twice", near=name)
        return tuple(names)

    def names(self, key: str, *, among: Collection[str]) -> tuple[str, ...]:
        """Take a list of names that are all known."""
        return tuple(name for name in self.strings(key) if self._is_known(name, key=key, among=among))

    def name(self, key: str, *, among: Collection[str]) -> str | None:
        """Take a known name; None where there is none."""
        name = self.value(key, str, default="")
        return name if key in self.table and self._is_known(name, key=key, among=among) else None

    def _is_known(self, name: str, *, key: str, among: Collection[str]) -> bool:
        if name not in among:
            self.problem(f"`{self.path}{key}`: unknown `{name}`, expected one of {', '.join(sorted(among))}", near=name)
        return name in among

    def entry(self, key: str) -> "Entry":
        """Take a table."""
        table = self.value(key, dict, default={})
        return Entry(document=self.document, table=table, path=f"{self.path}{key}.", case=self.case)

    def cases(self) -> Iterator["Entry"]:
        """Take each `[[case]]` by its name."""
        for table in self.value("case", list, default=[]):
            name = table.get("name") if isinstance(table, dict) else None
            if isinstance(name, str) and name:
                yield Entry(document=self.document, table=table, case=name)
            else:
                self.problem("a case without `name`", near="case")
