"""`vestibule replay`: who would be treated differently by another bundle, judged from the records of decisions.

Only the judge is asked: what a platform could not honour, or the store could not keep, is counted and not compared. It
reads line by line, so a log may be of any length. Nothing is written but what it prints, and nobody is named in that.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from plugin.core.decision import Decision, Deny
from plugin.core.reasons import Reason
from plugin.core.record import DecisionRecord
from plugin.core.seen_facts import SeenFacts
from plugin.flow import tracing
from plugin.flow.ledger import pseudonym
from plugin.policy.bundle import Bundle
from plugin.policy.judge import judge
from plugin.policy.problems import BundleProblems
from plugin.policy.recollection import Forgotten, Pseudonym, recall
from plugin.shell.bundles import load_bundle
from plugin.shell.check import CheckFailed, prepare
from plugin.shell.records import BadLine, read_log
from plugin.shell.wiring import pseudonym_key

SAME, DIFFERENT, INCOMPLETE = 0, 1, 2
"""The exit codes. INCOMPLETE wins: what could not be judged may be different."""
PROGRESS_EVERY = 1_000
# What kept somebody out although the policies had admitted them.
_NOT_THE_POLICIES = {
    reason.code
    for reason in (
        Reason.PLATFORM_CANNOT_HONOUR,
        Reason.ROOM_UNKNOWN,
        Reason.STORE_UNAVAILABLE,
        Reason.DEADLINE,
    )
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `vestibule replay`."""
    parser.add_argument("log", metavar="LOG", type=Path, help="the decision log, `[records] log`")
    parser.add_argument(
        "--bundle",
        type=Path,
        required=True,
        help="the folder of the other bundle; exit code 0 = nobody would be treated differently, 1 = somebody, "
        "2 = not everything could be judged",
    )


def main(options: argparse.Namespace) -> int:
    """Replay a log, and print who would be treated differently."""
    try:
        checked = prepare(options.config)
        bundle = load_bundle(options.bundle, setting=checked.bundle.setting)
    except CheckFailed as failed:
        return _cannot(failed.problems)
    except BundleProblems as found:
        return _cannot(tuple(map(str, found.problems)))
    key = pseudonym_key(checked.config.pseudonym_key)
    counts = Counter[str]()
    try:
        for line in replay(options.log, bundle=bundle, pseudonym=partial(pseudonym, key=key), counts=counts):
            sys.stdout.write(line + "\n")
    except CheckFailed as failed:
        return _cannot(failed.problems)
    sys.stdout.write(", ".join(f"{counts[name]} {name}" for name in COUNTED) + "\n")
    if counts["not judged"] or counts["bad lines"]:
        return INCOMPLETE
    return DIFFERENT if counts["different"] else SAME


COUNTED = ("same", "different", "refused by platform or store", "without facts", "not judged", "bad lines")


def replay(log: Path, *, bundle: Bundle, pseudonym: Pseudonym, counts: Counter[str]) -> Iterator[str]:
    """Judge each decision of a log anew, count how it comes out, and return a line for each that is different."""
    for number, record in enumerate(read_log(log), start=1):
        _show_progress(number, counts=counts)
        if isinstance(record, BadLine):
            counts["bad lines"] += 1
            yield f"{log}:{record.number}: {record.problem}, skipped"
        elif record.facts is None:
            counts["without facts"] += 1
        else:
            yield from _compare(record, record.facts, bundle=bundle, pseudonym=pseudonym, counts=counts)


def _compare(
    record: DecisionRecord, seen: SeenFacts, *, bundle: Bundle, pseudonym: Pseudonym, counts: Counter[str]
) -> Iterator[str]:
    try:
        decision = judge(bundle, recall(seen, bundle=bundle, pseudonym=pseudonym, judged_by=record.bundle))
    except (Forgotten, ValueError, KeyError):
        counts["not judged"] += 1
        yield f"{record.decision_id}: not judged: written under another pseudonym key, or not as a record is"
        return
    capabilities = () if isinstance(decision, Deny) else tuple(sorted(one.value for one in decision.capabilities))
    zone = None if isinstance(decision, Deny) else decision.zone
    if (record.zone, record.capabilities) == (zone, capabilities):
        counts["same"] += 1
    elif record.outcome == tracing.DENY and {mark.code for mark in record.reasons[:1]} & _NOT_THE_POLICIES:
        counts["refused by platform or store"] += 1
    else:
        counts["different"] += 1
        yield _difference(record, decision, capabilities=capabilities)


def _difference(record: DecisionRecord, decision: Decision, *, capabilities: tuple[str, ...]) -> str:
    zone = None if isinstance(decision, Deny) else decision.zone
    before = _said(record.outcome, zone=record.zone, capabilities=record.capabilities)
    after = _said(tracing.outcome(decision), zone=zone, capabilities=capabilities)
    policies = [f"{one.id} {one.file}:{one.line}" for because in decision.reasons for one in because.policies]
    why = ", ".join((*(because.reason.code for because in decision.reasons), *policies))
    who = record.person or record.trunk or record.principal or "nobody"
    return (
        f"{record.decision_id} {record.decided_at.isoformat()} {record.conference} {who}: {before} -> {after} ({why})"
    )


def _said(outcome: str, *, zone: str | None, capabilities: tuple[str, ...]) -> str:
    return " ".join(filter(None, (outcome, zone, f"[{' '.join(capabilities)}]" if zone else "")))


def _show_progress(number: int, *, counts: Counter[str]) -> None:
    if number % PROGRESS_EVERY == 0 and sys.stderr.isatty():
        sys.stderr.write(f"\r{number} decisions, {counts['different']} different")
        sys.stderr.flush()


def _cannot(problems: tuple[str, ...]) -> int:
    sys.stderr.write("".join(f"{problem}\n" for problem in problems))
    return INCOMPLETE
