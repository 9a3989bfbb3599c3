"""`vestibule explain`: how one decision came about, and what would have changed it.

What was done is told from the record. What each room answered and what would change is asked of the judge anew, about
the recorded facts; where the bundle is another one by now, that is said first. It opens the store read-only.
"""

import argparse
import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec

from plugin.core.decision import Decision
from plugin.core.facts import Facts
from plugin.core.record import DecisionRecord
from plugin.core.seen_facts import Missing, SeenDevice, SeenIdentity
from plugin.flow.ledger import pseudonym
from plugin.policy.alternatives import would_change
from plugin.policy.bundle import Bundle
from plugin.policy.explain import Account
from plugin.policy.judge import judge
from plugin.policy.recollection import Forgotten, recall
from plugin.shell.check import Checked, CheckFailed, prepare
from plugin.shell.decide_report import Told, as_text, explain, tell
from plugin.shell.records import find_in_log, find_in_store
from plugin.shell.wiring import pseudonym_key

BAR = 40
CHANGED = "the bundle has changed since: what follows is what the present one says of the same facts"
UNCHANGED = "the same bundle as then"
FORGOTTEN = (
    "not judged again: the record was written under another pseudonym key, and the policies name people or groups"
)
NO_FACTS = "not judged again: there was nothing to judge"
OTHERWISE = "the record says otherwise: the platform could not honour this, or it could not be written down"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `vestibule explain`."""
    parser.add_argument("decision", metavar="DECISION", help="the id of a decision, `dec_...`")
    parser.add_argument("--log", type=Path, help="look in this decision log, not in the store")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def report(options: argparse.Namespace) -> str:
    """Explain a decision, and return what there is to print. Raises CheckFailed."""
    if not re.fullmatch(r"dec_[a-z2-7]{16}", options.decision):
        raise CheckFailed((f"got `{options.decision[:40]!a}`, expected the id of a decision, `dec_...`",))
    checked = prepare(options.config)
    if options.log:
        record = find_in_log(options.log, decision_id=options.decision)
    else:
        record = find_in_store(checked.config.store_url, decision_id=options.decision)
    if record is None:
        raise CheckFailed((f"{options.decision}: no such decision, or it was kept no longer",))
    told = explanation(record, checked=checked)
    return json.dumps(told, indent=2) if options.json else "\n".join(_lines(told))


def explanation(record: DecisionRecord, *, checked: Checked) -> Told:
    """Tell everything about a decision."""
    return {
        "decision": _decision(record),
        "steps": _steps(record),
        "findings": _findings(record),
        "texts": {"person": record.told, "host": record.host_notice, "staff": _staff(record)},
        **_again(record, checked=checked),
    }


def _decision(record: DecisionRecord) -> Told:
    names = ("decision_id", "platform", "location", "phase", "conference", "outcome", "zone", "principal", "person")
    told: Told = {name: getattr(record, name) for name in names}
    return {
        **told,
        "capabilities": list(record.capabilities),
        "decided_at": record.decided_at.isoformat(),
        "trace_id": record.trace_id,
        "bundle": record.bundle,
        "deadline": record.deadline,
    }


def _steps(record: DecisionRecord) -> list[Told]:
    whole = record.deadline * 1000
    return [
        {
            "step": step.name,
            "outcome": step.outcome,
            "began": round(step.began, 3),
            "milliseconds": round(step.milliseconds, 3),
            "part_of_deadline": round(step.milliseconds / whole, 6) if whole else None,
        }
        for step in record.steps
    ]


def _findings(record: DecisionRecord) -> Told:
    seen = record.facts
    if seen is None:
        return {}
    return {
        "identity": _finding(seen.identity, gap=seen.identity_gap),
        "device": _finding(seen.device, gap=seen.device_gap),
        "place": msgspec.to_builtins(seen.place, order="deterministic"),
        "trunk": seen.trunk.name if seen.trunk else None,
    }


def _finding(proven: SeenIdentity | SeenDevice | None, *, gap: Missing | None) -> Told:
    # As JSON has it: lists, and moments as text.
    plain: Told = msgspec.json.decode(msgspec.json.encode(proven if proven else gap, order="deterministic"))
    return {"finding": "proven" if proven else "gap", **plain}


def _staff(record: DecisionRecord) -> list[Told]:
    return [
        {"code": mark.code, "message": mark.message, "policies": list(mark.policies), "detail": mark.detail}
        for mark in record.reasons
    ]


def _again(record: DecisionRecord, *, checked: Checked) -> Told:
    bundle = checked.bundle
    if record.facts is None:
        return {"judged_again": NO_FACTS}
    key = pseudonym_key(checked.config.pseudonym_key)
    try:
        facts = recall(record.facts, bundle=bundle, pseudonym=partial(pseudonym, key=key), judged_by=record.bundle)
    except Forgotten:
        return {"judged_again": FORGOTTEN}
    account = Account()
    decision = judge(bundle, facts, account=account)
    told = tell(decision, bundle=bundle)
    agrees = (told["zone"], told["capabilities"]) == (record.zone, list(record.capabilities))
    return {
        "judged_again": UNCHANGED if record.bundle == bundle.revision else CHANGED,
        "but": "" if agrees or record.bundle != bundle.revision else OTHERWISE,
        "rooms": explain(decision, account, conference=facts.conference)["rooms"],
        "policies": _policies(decision, bundle=bundle),
        "would_change_if_they": _changes(facts, bundle=bundle),
    }


def _policies(decision: Decision, *, bundle: Bundle) -> list[Told]:
    names = {policy.id: None for because in decision.reasons for policy in because.policies}
    rules = [bundle.rules[name] for name in names]
    return [{"policy": f"{rule.ref.id} {rule.ref.file}:{rule.ref.line}", "text": rule.text} for rule in rules]


def _changes(facts: Facts, *, bundle: Bundle) -> list[Told]:
    found = []
    for one in would_change(bundle, facts):
        told = tell(one.decision, bundle=bundle)
        then = {name: told[name] for name in ("decision", "zone", "capabilities")}
        found.append({"change": one.change, **then})
    return found


def _lines(told: Told) -> Iterator[str]:
    """Write it for a terminal: the steps as bars, the policies as they stand in their files."""
    steps, policies = told["steps"], told.get("policies", [])
    yield as_text({name: told[name] for name in ("decision", "findings", "texts")})
    yield "steps:"
    if isinstance(steps, list):
        yield from map(_bar, steps)
    yield as_text({name: told[name] for name in ("judged_again", "but", "rooms") if told.get(name)})
    if isinstance(policies, list):
        for policy in policies:
            yield f"{policy['policy']}:"
            yield from (f"    {line}" for line in _printable(policy["text"]))
    changes = told.get("would_change_if_they")
    if isinstance(changes, list):
        yield "would change if they:" if changes else "no change of one fact would change it"
        yield from map(_change, changes)


def _change(told: Told) -> str:
    can = told["capabilities"]
    names = f", may {', '.join(can)}" if isinstance(can, list) and can else ""
    zone = f" in {told['zone']}" if told["zone"] else ""
    return f"  {told['change']}: {told['decision']}{zone}{names}"


def _bar(step: Told) -> str:
    began, took, part = step["began"], step["milliseconds"], step["part_of_deadline"]
    if not isinstance(began, float) or not isinstance(took, float) or not isinstance(part, float):
        return f"  {step['step']}"
    scale = BAR * part / took if took else 0.0
    bar = " " * min(BAR - 1, int(began * scale)) + "#" * max(1, min(BAR, round(took * scale)))
    head = f"  {step['step']:9}{step['outcome']:12}{took:9.2f} ms {part:7.2%}"
    return f"{head}  |{bar[:BAR]:{BAR}}|"


def _printable(text: object) -> list[str]:
    # A policy may hold what a terminal would obey.
    return [line if line.isprintable() else ascii(line) for line in str(text).splitlines()]
