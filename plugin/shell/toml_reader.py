"""Reads TOML tables into values, and collects every problem under its key path instead of stopping at the first.

Used only while configuration is parsed. It opens secret files and nothing else, and it never puts a value that it
read from one into a problem.
"""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from plugin.core.address import IpNetwork, read_network
from plugin.core.stamp import Stamp
from plugin.shell.fetch import is_loopback
from plugin.shell.stamps import stamp

MISSING = object()
MAX_SECRET = 4096
# Of the secrets that machines keep for people.
LEAST_TOKEN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong, where: `file: key.path: message`, with an empty `key` for the file as a whole."""

    file: str
    key: str
    message: str

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.file, self.key, self.message)))


@dataclass(slots=True, kw_only=True)
class Problems:
    """The problems of one file. Its relative paths are relative to `folder`; `secrets` are the files that hold some.

    `seen` are the file and everything that it names, as each was just before it was read.
    """

    file: str
    folder: Path
    found: list[Problem] = field(default_factory=list)
    secrets: list[Path] = field(default_factory=list)
    seen: dict[Path, Stamp | None] = field(default_factory=dict)

    def add(self, key: str, message: str) -> None:
        self.found.append(Problem(file=self.file, key=key, message=message))

    def see(self, path: Path) -> Path:
        """Note a file that is about to be read."""
        self.seen.setdefault(path, stamp(path))
        return path


class Table:
    """One TOML table. Every reading method returns a usable value and notes a problem where there was none."""

    def __init__(self, values: Mapping[str, object], *, path: str, problems: Problems) -> None:
        self._values = values
        self.place = path
        self._read: set[str] = set()
        self.problems = problems

    def key(self, name: str) -> str:
        return f"{self.place}.{name}" if self.place else name

    def problem(self, name: str, message: str) -> None:
        self.problems.add(self.key(name), message)

    def has(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str, *, default: str | None = None, pattern: str = r".+", expected: str = "a text") -> str:
        """Read a text; without a default it is required."""
        value = self._take(name)
        if value is MISSING and default is not None:
            return default
        if not isinstance(value, str) or not re.fullmatch(pattern, value, re.DOTALL):
            self._wrong(name, value, expected=expected)
            return default or ""
        return value

    def choice(self, name: str, *, among: Iterable[str], default: str | None = None) -> str:
        """Read one word of these."""
        words = tuple(among)
        return self.text(name, default=default, pattern="|".join(words), expected=f"one of {', '.join(words)}")

    def choices(self, name: str, *, among: Iterable[str]) -> tuple[str, ...]:
        """Read a list of such words; an absent one reads as empty."""
        words = tuple(among)
        texts = self.texts(name, required=self.has(name))
        for unknown in sorted(set(texts) - set(words)):
            self.problem(name, f"got `{unknown}`, expected {', '.join(words)}")
        return texts

    def subject(self, name: str, *, issuers: Iterable[str]) -> str:
        """Read `issuer#subject` of a configured issuer."""
        text = self.text(name, expected="`issuer#subject`")
        self.check_subject(name, text, issuers=issuers)
        return text

    def check_subject(self, name: str, text: object, *, issuers: Iterable[str]) -> None:
        """Note a text that is not `issuer#subject` of a configured issuer. It names somebody, so it is not shown."""
        issuer, _, subject = text.partition("#") if isinstance(text, str) else ("", "", "")
        if text and (issuer not in issuers or not subject):
            expected = ", ".join(f"`{known}#...`" for known in sorted(issuers))
            self.problem(name, f"expected `issuer#subject` of a configured issuer: {expected}")

    def flag(self, name: str, *, default: bool) -> bool:
        value = self._take(name)
        if value is MISSING:
            return default
        if not isinstance(value, bool):
            self._wrong(name, value, expected="true or false")
            return default
        return value

    def optional_flag(self, name: str) -> bool | None:
        """Read a choice that counts as not made where it is absent."""
        return self.flag(name, default=False) if self.has(name) else None

    def texts(self, name: str, *, required: bool, expected: str = "a list of texts") -> tuple[str, ...]:
        """Read a list of non-empty texts without repetition."""
        value = self._take(name)
        if value is MISSING and not required:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            self._wrong(name, value, expected=expected)
            return ()
        if len(set(value)) != len(value):
            self.problem(name, f"got `{value}`, expected no repetition")
        if required and not value:
            self.problem(name, "got an empty list, expected at least one")
        return tuple(value)

    def text_or_texts(self, name: str) -> tuple[str, ...]:
        """Read one text, or a list of them."""
        if isinstance(self._values.get(name), str):
            return (self.text(name),)
        return self.texts(name, required=True, expected="a text or a list of texts")

    def number(self, name: str, *, default: int, least: int, most: int) -> int:
        value = self._take(name)
        if value is MISSING:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self._wrong(name, value, expected=f"a whole number from {least} to {most}")
            return default
        return value

    def url(self, name: str, *, plain: bool = False) -> str:
        """Read a URL that is https, or http on a loopback address. `plain` = http anywhere, for what is signed."""
        text = self.text(name, expected="an https URL")
        if not text:
            return ""
        try:
            parts = urlsplit(text)
            host = parts.hostname or ""
            _ = parts.port
        except ValueError:
            self.problem(name, f"got `{text}`, expected an https URL")
            return ""
        if parts.username or parts.password:
            self.problem(name, "got a URL with credentials in it, expected none")
        elif parts.query or parts.fragment or not host:
            self.problem(name, f"got `{text}`, expected a URL of scheme, host and path only")
        elif parts.scheme != "https" and not (parts.scheme == "http" and (plain or is_loopback(host))):
            self.problem(name, f"got `{text}`, expected https (http only on a loopback address)")
        return text

    def networks(self, name: str) -> tuple[IpNetwork, ...]:
        """Read a list of networks; an absent one reads as empty."""
        networks = []
        for text in self.texts(name, required=self.has(name)):
            try:
                networks.append(read_network(text))
            except ValueError:
                self.problem(name, f"got `{text}`, expected a network such as `192.0.2.0/24`")
        return tuple(networks)

    def mapping(self, name: str) -> Mapping[str, object]:
        """Read a table whose keys are data."""
        value = self._take(name)
        if value is MISSING:
            return {}
        if not isinstance(value, dict):
            self._wrong(name, value, expected="a table")
            return {}
        return value

    def table(self, name: str) -> "Table":
        """Read a table; an absent one reads as empty."""
        return type(self)(self.mapping(name), path=self.key(name), problems=self.problems)

    def tables(self, name: str) -> tuple["Table", ...]:
        """Read an array of tables; an absent one reads as empty."""
        value = self._take(name)
        if value is MISSING:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self._wrong(name, value, expected=f"tables written `[[{name}]]`")
            return ()
        return tuple(
            type(self)(item, path=f"{self.key(name)}[{index}]", problems=self.problems)
            for index, item in enumerate(value)
        )

    def path(self, name: str) -> Path:
        """Read a path, relative to the configuration file's folder."""
        return self.problems.see(self.problems.folder / self.text(name, expected="a path"))

    def paths(self, name: str) -> tuple[Path, ...]:
        """Read one path or a list of them."""
        return tuple(self.problems.see(self.problems.folder / text) for text in self.text_or_texts(name))

    def content(self, name: str) -> bytes | None:
        """Read the file that a key names; None, and a problem, where it cannot be read."""
        path = self.path(name)
        try:
            return path.read_bytes()
        except OSError as error:
            self.problem(name, f"cannot read `{self._values.get(name)}`: {error.strerror}")
            return None

    def secret(self, name: str, *, required: bool, least: int = 1) -> str | None:
        """Read a secret from the file that `<name>_file` names or the variable that `<name>_env` names."""
        if self.has(name):
            self._take(name)
            self.problem(name, f"got a secret in the configuration, expected `{name}_file` or `{name}_env`")
            return None
        if not self.has(f"{name}_file") and not self.has(f"{name}_env"):
            if required:
                self.problem(f"{name}_file", f"missing, expected `{name}_file` or `{name}_env`")
            return None
        if self.has(f"{name}_file"):
            content = self.content(f"{name}_file")
            if content is None:
                return None
            self.problems.secrets.append(self.path(f"{name}_file"))
            raw = content[: MAX_SECRET + 1].decode(errors="replace")
            source = f"{name}_file"
        else:
            raw = os.environ.get(self.text(f"{name}_env"), "")
            source = f"{name}_env"
        value = raw.rstrip("\r\n")
        if not least <= len(value) <= MAX_SECRET:
            self.problem(source, f"got a secret of {len(value)} characters, expected {least} to {MAX_SECRET}")
        return value

    def rest(self) -> Mapping[str, object]:
        """Read every key that nobody has read yet."""
        return {name: self._take(name) for name in list(self._values) if name not in self._read}

    def finish(self) -> None:
        """Note every key that nobody read: a misspelt setting must not be a silent one."""
        for name in self._values.keys() - self._read:
            known = ", ".join(f"`{key}`" for key in sorted(self._read))
            self.problem(name, f"unknown key, expected one of {known}")

    def _take(self, name: str) -> object:
        self._read.add(name)
        return self._values.get(name, MISSING)

    def _wrong(self, name: str, value: object, *, expected: str) -> None:
        got = "missing" if value is MISSING else f"got `{value}`"
        self.problem(name, f"{got}, expected {expected}")
