"""The example cases of a bundle, `cases/*.toml`: who asks, and what the answer has to be.

A `[[case]]` has a `name`, the facts (`plugin.policy.case_facts`), and what to `expect`: the `decision`, and if it
matters the `zone`, what the person `can` and `cannot` do there, the ids of policies it came `because` of, and the
`remedy` "step-up" with its `max_age` in seconds.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from plugin.core.decision import Allow, Capability, Decision, Deny, StepUp
from plugin.core.directory import Directory
from plugin.core.facts import Facts
from plugin.policy.bundle import Bundle
from plugin.policy.case_facts import KEYS, read_facts
from plugin.policy.documents import Document, Entry
from plugin.policy.judge import judge
from plugin.policy.problems import BundleProblems, Problem

_DECISIONS = ("allow", "deny", "redirect")
_CAPABILITIES = tuple(capability.value for capability in Capability)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What has to be so; None and empty = either way is right."""

    decision: str
    zone: str | None
    can: frozenset[Capability]
    cannot: frozenset[Capability]
    because: frozenset[str]
    step_up: bool
    max_age: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One example: these facts, this answer."""

    file: str
    name: str
    facts: Facts
    expectation: Expectation


def read_cases(files: Mapping[str, str], *, bundle: Bundle, directory: Directory) -> tuple[Case, ...]:
    """Read the cases among the files of a bundle. Raises BundleProblems with every problem there is."""
    problems: list[Problem] = []
    cases = []
    for file in sorted(file for file in files if file.startswith("cases/")):
        document = Document(file=file, text=files[file], problems=problems)
        top = document.read()
        if top is not None:
            top.refuse_unknown("case")
            cases += [_read_case(entry, bundle=bundle, directory=directory) for entry in top.cases()]
    if problems:
        raise BundleProblems(problems)
    return tuple(cases)


def check_case(bundle: Bundle, case: Case) -> tuple[str, ...]:
    """Judge a case and list what differs: nothing where the policies do what it says."""
    decision = judge(bundle, case.facts)
    return tuple(_differences(decision, case.expectation))


def _differences(decision: Decision, expected: Expectation) -> Iterator[str]:
    got = type(decision).__name__.lower()
    if got != expected.decision:
        yield f"got `{got}`, expected `{expected.decision}`"
    zone, can = (None, frozenset()) if isinstance(decision, Deny) else (decision.zone, decision.capabilities)
    if expected.zone is not None and zone != expected.zone:
        yield f"got zone `{zone}`, expected `{expected.zone}`"
    for missing in sorted(one.value for one in expected.can - can):
        yield f"cannot `{missing}`, expected to"
    for excess in sorted(one.value for one in expected.cannot & can):
        yield f"can `{excess}`, expected not to"
    ids = {policy.id for reason in decision.reasons for policy in reason.policies}
    for missing in sorted(expected.because - ids):
        yield f"not because of `{missing}`, got {', '.join(sorted(ids)) or 'no policy'}"
    remedy = None if isinstance(decision, Allow) else decision.remedy
    if expected.step_up and not isinstance(remedy, StepUp):
        yield "got no remedy, expected `step-up`"
    max_age = remedy.max_age if isinstance(remedy, StepUp) else None
    if expected.max_age not in (None, max_age):
        yield f"got max_age {max_age}, expected {expected.max_age}"


def _read_case(case: Entry, *, bundle: Bundle, directory: Directory) -> Case:
    case.refuse_unknown("name", "expect", *KEYS)
    return Case(
        file=case.document.file,
        name=case.case,
        facts=read_facts(case, bundle=bundle, directory=directory),
        expectation=_read_expectation(case.entry("expect"), bundle=bundle),
    )


def _read_expectation(expect: Entry, *, bundle: Bundle) -> Expectation:
    expect.refuse_unknown("decision", "zone", "can", "cannot", "because", "remedy", "max_age")
    if "decision" not in expect.table:
        expect.problem("nothing is expected, not even a `decision`", near="expect")
    return Expectation(
        decision=expect.name("decision", among=_DECISIONS) or "",
        zone=expect.name("zone", among=bundle.setting.zones),
        can=frozenset(map(Capability, expect.names("can", among=_CAPABILITIES))),
        cannot=frozenset(map(Capability, expect.names("cannot", among=_CAPABILITIES))),
        because=frozenset(expect.names("because", among=bundle.rules)),
        step_up=expect.name("remedy", among={"step-up"}) is not None,
        max_age=expect.value("max_age", int, default=0) if "max_age" in expect.table else None,
    )
