"""A bundle: an organisation's policies, compiled, or all that is wrong with them.

Compiling touches no disk. `plugin.shell.bundles` reads the folder, and runs this in a child process first, because
Cedar's native parser can end a process.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from fnmatch import fnmatchcase
from hashlib import sha256
from importlib.resources import files as package_files
from ipaddress import ip_network
from zoneinfo import ZoneInfo

import cedarpy
from cedarpy import pst

from plugin.core.decision import PolicyRef
from plugin.policy.addresses import AddressTable, address_table
from plugin.policy.caution import PolicySets
from plugin.policy.data import DATA, Data, read_data
from plugin.policy.durations import read_duration
from plugin.policy.lint import lint, read_clock
from plugin.policy.problems import BundleProblems, Problem
from plugin.policy.setting import Setting
from plugin.policy.statements import Statement, split
from plugin.policy.trees import walk

MAX_STATEMENTS = 1_000
MAX_CHARACTERS = {"*.cedar": 262_144, DATA: 4_194_304, "cases/*.toml": 262_144}  # country tables are large
# What isIpv4, isIpv6, isLoopback and isMulticast ask.
_KINDS_OF_ADDRESS = {"0.0.0.0/0", "::/0", "127.0.0.0/8", "::1/128", "224.0.0.0/4", "ff00::/8"}
_VOCABULARY = package_files("plugin.policy").joinpath("vocabulary.cedarschema").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One policy, as reasons speak of it. `message` is what the person may read, `text` the policy as it is written."""

    ref: PolicyRef
    message: str | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """`trees` and `rules` go by @id. `max_ages` are the durations that policies name, longest first.

    `named` are all the texts that policies name, `ranges` the networks that they name outright.
    """

    setting: Setting
    data: Data
    schema: cedarpy.Schema
    policies: PolicySets
    trees: Mapping[str, pst.Template]
    rules: Mapping[str, Rule]
    clocks: Mapping[str, ZoneInfo]
    max_ages: tuple[timedelta, ...]
    named: frozenset[str]
    ranges: AddressTable
    revision: str


def size_limit(name: str) -> int | None:
    """Return how many characters a file of this name may have; None = a bundle has no such file."""
    for pattern, limit in MAX_CHARACTERS.items():
        if fnmatchcase(name, pattern) and name.count("/") == pattern.count("/"):
            return limit
    return None


def compile_bundle(
    files: Mapping[str, str], *, setting: Setting, before: Callable[[Statement], None] = lambda _: None
) -> Bundle:
    """Compile the texts of a bundle, given by name. Raises BundleProblems with every problem there is.

    `before` hears of each statement just before the native parser gets it.
    """
    problems = _misfits(files)
    fit = {name: files[name] for name in sorted(files.keys() - {problem.file for problem in problems})}
    statements, faults = _split_all(fit)
    problems += faults
    data, faults = read_data(fit[DATA], setting=setting) if DATA in fit else (None, [])
    problems += faults
    if data is None:
        raise BundleProblems(problems)
    schema = cedarpy.Schema.from_str(_schema(setting, data))
    policies = _Policies(schema=schema, setting=setting, problems=problems)
    for statement in statements:
        before(statement)
        policies.add(statement)
    policies.refuse_emptiness()
    if problems:
        raise BundleProblems(problems)
    return Bundle(
        setting=setting,
        data=data,
        schema=schema,
        policies=PolicySets(policies.trees),
        trees=policies.trees,
        rules=policies.rules,
        clocks=_clocks(policies.trees),
        max_ages=_max_ages(policies.trees),
        named=_named(policies.trees),
        ranges=_ranges(policies.trees),
        revision=_revision(files),
    )


def _misfits(files: Mapping[str, str]) -> list[Problem]:
    problems = [] if DATA in files else [Problem(file=DATA, line=None, message="missing")]
    for name, text in files.items():
        limit = size_limit(name)
        if limit is None:
            message = f"unexpected file, expected {', '.join(MAX_CHARACTERS)}"
            problems.append(Problem(file=name, line=None, message=message))
        elif len(text) > limit:
            message = f"{len(text)} characters, expected at most {limit}"
            problems.append(Problem(file=name, line=None, message=message))
    return problems


def _split_all(files: Mapping[str, str]) -> tuple[list[Statement], list[Problem]]:
    statements: list[Statement] = []
    problems: list[Problem] = []
    for name, text in files.items():
        if name.endswith(".cedar"):
            found, faults = split(name, text)
            statements += found
            problems += faults
    if len(statements) > MAX_STATEMENTS:
        message = f"{len(statements)} policies, expected at most {MAX_STATEMENTS}"
        problems.append(Problem(file="*.cedar", line=None, message=message))
    return statements[:MAX_STATEMENTS], problems


def _schema(setting: Setting, data: Data) -> str:
    """Append what the vocabulary leaves open, so that a misspelt name is an error."""
    names = {"Zone": setting.zones, "Network": data.network_names, "Classification": data.classifications}
    # Cedar wants at least one name in an enum; nothing is ever called by the empty one.
    enums = (f"entity {kind} enum [{', '.join(map(_quoted, some or ('',)))}];" for kind, some in names.items())
    return "\n".join((_VOCABULARY, *enums))


def _quoted(name: str) -> str:
    return '"' + "".join(char if char.isalnum() else f"\\u{{{ord(char):x}}}" for char in name) + '"'


@dataclass(frozen=True, slots=True, kw_only=True)
class _Policies:
    """The policies that were parsed so far, and what is wrong with any of them."""

    schema: cedarpy.Schema
    setting: Setting
    problems: list[Problem]
    trees: dict[str, pst.Template] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)

    def add(self, statement: Statement) -> None:
        policy, faults = _parse(statement.text, schema=self.schema, setting=self.setting)
        if policy is not None and "id" in policy.annotations:
            name = policy.annotations["id"]
            if name in self.rules:
                taken = self.rules[name].ref
                faults.append(f"@id `{name}` is taken by {taken.file}:{taken.line}")
            ref = PolicyRef(id=name, file=statement.file, line=statement.line)
            self.rules[name] = Rule(ref=ref, message=policy.annotations.get("message"), text=statement.text)
            self.trees[name] = replace(policy, id=name)  # so that Cedar's reasons are our ids
        self.problems.extend(Problem(file=statement.file, line=statement.line, message=fault) for fault in faults)

    def refuse_emptiness(self) -> None:
        if not self.problems and not any(policy.effect == "permit" for policy in self.trees.values()):
            message = "no policy permits anything, expected at least one that does"
            self.problems.append(Problem(file="*.cedar", line=None, message=message))


def _parse(text: str, *, schema: cedarpy.Schema, setting: Setting) -> tuple[pst.Template | None, list[str]]:
    try:
        tree = cedarpy.policies_to_pst(text)
    except ValueError as error:
        return None, [_one_line(str(error))]
    if len(tree.static_policies) != 1 or tree.templates:
        return None, ["expected one policy, without `?principal` and `?resource`"]
    (policy,) = tree.static_policies.values()
    faults = [_one_line(error.error) for error in cedarpy.validate_policies(text, schema).errors]
    return policy, faults + list(lint(policy, setting=setting))


def _one_line(message: str) -> str:
    """Drop Cedar's number of the policy, which is always the first here."""
    return re.sub(r"^for policy `policy0`[,:] ", "", " ".join(message.split())).rstrip(".")


def _clocks(trees: Mapping[str, pst.Template]) -> dict[str, ZoneInfo]:
    names = {uid.id for uid in pst.entity_uids(trees) if uid.type.basename == "Clock"}
    return {name: zone for name in sorted(names) if (zone := read_clock(name))}


def _max_ages(trees: Mapping[str, pst.Template]) -> tuple[timedelta, ...]:
    ages = set()
    for tree in trees.values():
        for part in walk(tree):
            if isinstance(part, pst.UnaryOp) and part.op == "duration" and isinstance(part.arg, pst.StringLit):
                ages.add(read_duration(part.arg.value) // timedelta(seconds=1))
    return tuple(timedelta(seconds=age) for age in sorted(ages, reverse=True) if age > 0)


def _named(trees: Mapping[str, pst.Template]) -> frozenset[str]:
    texts = {part.value for tree in trees.values() for part in walk(tree) if isinstance(part, pst.StringLit)}
    return frozenset(texts | {uid.id for uid in pst.entity_uids(trees)})


def _ranges(trees: Mapping[str, pst.Template]) -> AddressTable:
    """Lay out what policies ask of an address by itself; none of it where none of them does."""
    literals: set[str] = set()
    asks = False
    for tree in trees.values():
        for part in walk(tree):
            asks |= isinstance(part, pst.GetAttr) and part.attr == "address"
            if isinstance(part, pst.UnaryOp) and part.op == "ip" and isinstance(part.arg, pst.StringLit):
                literals.add(part.arg.value)
    # Cedar takes the address of a network with bits behind its prefix.
    networks = [(text, ip_network(text, strict=False)) for text in sorted(literals | _KINDS_OF_ADDRESS)]
    return address_table(networks if asks else [])


def _revision(files: Mapping[str, str]) -> str:
    digest = sha256()
    for text in (_VOCABULARY, *(part for name in sorted(files) for part in (name, files[name]))):
        # The length before each part keeps one part's tail from becoming the next part's head.
        digest.update(len(text.encode()).to_bytes(8, "big") + text.encode())
    return digest.hexdigest()
