"""`vestibule decide`: what would be decided about one join, without a server.

The facts come from a file, in the words of a bundle's example case, and go to the judge and the bundle that `serve`
would use. It must never ask a network, open the store, or write anything.

Only the judge is asked: whether a proof would hold is among the facts; and what a platform cannot honour, or offers
instead of a refusal, is not looked at.
"""

import argparse
import json
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from plugin.core.facts import Facts
from plugin.core.finding import Proven
from plugin.flow.identity_proofs import assurances_of
from plugin.jose.strict_json import read_object
from plugin.policy.case_facts import KEYS, read_facts
from plugin.policy.documents import Document, Entry
from plugin.policy.explain import Account
from plugin.policy.judge import judge
from plugin.ports import Clock
from plugin.shell.check import Checked, CheckFailed, prepare
from plugin.shell.decide_report import as_text, explain, tell
from plugin.shell.wiring import utc_now

STANDARD_INPUT = "-"
MAX_BYTES = 64 * 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `vestibule decide`."""
    parser.add_argument("facts", metavar="FACTS.json", help=f"the facts of one join; {STANDARD_INPUT} = standard input")
    parser.add_argument(
        "--own-lists",
        action="store_true",
        help="a conference of the configuration keeps its lists; otherwise, as in a case, they name this one or nobody",
    )
    parser.add_argument("--explain", action="store_true", help="say who asks, what each room answers, and why")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def report(options: argparse.Namespace, *, clock: Clock = utc_now) -> str:
    """Decide, and return what there is to print. Raises CheckFailed with all that is wrong."""
    checked = prepare(options.config)
    facts = facts_of(options.facts, checked=checked, now=clock(), own_lists=options.own_lists)
    account = Account()
    decision = judge(checked.bundle, facts, account=account)
    told = tell(decision, bundle=checked.bundle)
    if options.explain:
        told["explanation"] = explain(decision, account, conference=facts.conference)
    return json.dumps(told, indent=2) if options.json else as_text(told)


def facts_of(name: str, *, checked: Checked, now: datetime, own_lists: bool = False) -> Facts:
    """Read the facts of one join from a file; without a moment of their own they are of `now`. Raises CheckFailed."""
    file, raw = _read(name)
    try:
        table = read_object(raw)
    except ValueError as error:
        raise CheckFailed((f"{file}: {error}",)) from None
    document = Document(file=file, text=raw.decode())
    table["now"] = _moment(table["now"]) if "now" in table else now
    entry = Entry(document=document, table=table)
    entry.refuse_unknown(*KEYS)
    facts = read_facts(entry, bundle=checked.bundle, directory=checked.directory, own_lists=own_lists)
    if document.problems:
        raise CheckFailed(tuple(map(str, document.problems)))
    # A case asks a provider of its own for a stronger sign-in; here it is the configured one.
    provider = checked.providers[facts.identity.value.issuer] if isinstance(facts.identity, Proven) else None
    return replace(facts, assurances=assurances_of(provider) if provider else ())


def _moment(value: object) -> object:
    """Read RFC 3339, which is all the JSON there is for a moment; what is none is left to be refused with the rest."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return value
    return moment if moment and moment.tzinfo else value


def _read(name: str) -> tuple[str, bytes]:
    """Read the file, and say what problems call it."""
    if name == STANDARD_INPUT:
        name, raw = "standard input", sys.stdin.buffer.read(MAX_BYTES + 1)
    else:
        try:
            with Path(name).open("rb") as file:
                raw = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise CheckFailed((f"{name}: cannot be read: {(error.strerror or 'unknown error').lower()}",)) from None
    if len(raw) > MAX_BYTES:
        raise CheckFailed((f"{name}: got more than {MAX_BYTES} bytes, expected the facts of one join",))
    return name, raw
