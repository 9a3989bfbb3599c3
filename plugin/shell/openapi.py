"""The description of the JSON doors, in OpenAPI 3.1: `GET /openapi.json`.

`openapi.toml` is written by hand; what the code knows better (limits, words, examples of answers) it takes from here,
by name. It must never be a second truth: a name that the code does not have is an error at start.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from aiohttp import web

from plugin.core.alias import MAX_ALIAS
from plugin.core.decision import Allow, Capability, Decision, Deny, Redirect, StepUp, because
from plugin.core.reasons import Reason
from plugin.core.ticket import TICKET, UNTIL_PRESENTED
from plugin.core.transcript import VERSION, Purpose
from plugin.flow.challenges import LIFETIME
from plugin.jose.strict_json import MAX_DEPTH, MAX_DIGITS
from plugin.platforms import generic
from plugin.shell.generic_door import MAX_VALUES
from plugin.shell.http import MAX_BODY, MAX_PATH

SOURCE = Path(__file__).with_suffix(".toml")
_NAME = re.compile(r"\$([A-Z_]+)")
_EXPIRY = datetime(2026, 11, 24, 18, tzinfo=UTC)
_STEP_UP = StepUp(acr_values=("urn:acme:mfa",), max_age=28_800)


def routes() -> list[web.AbstractRouteDef]:
    """Return the one route. Nobody has to prove anything for it: the document holds no secret."""
    text = json.dumps(document())

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=text, content_type="application/json")

    return [web.get("/openapi.json", answer)]


def document() -> Mapping[str, object]:
    """Return the whole document."""
    values = _values()
    return {name: _fill(part, values=values) for name, part in tomllib.loads(SOURCE.read_text("utf-8")).items()}


def _values() -> dict[str, object]:
    """Every value that the document takes from the code."""
    allow = Allow(
        zone="core", capabilities=frozenset(Capability), reasons=(because(Reason.PERMITTED),), revisit_at=_EXPIRY
    )
    redirect = Redirect(
        zone="meetme",
        capabilities=frozenset({Capability.UNMUTE, Capability.SHOW_NAME}),
        reasons=(because(Reason.INNER_ZONE_REFUSED),),
        remedy=None,
        revisit_at=_EXPIRY,
    )
    return {
        "VERSION": version("vestibule"),
        "MAX_PATH": MAX_PATH,
        "MAX_BODY": MAX_BODY,
        "MAX_VALUES": MAX_VALUES,
        "MAX_DEPTH": MAX_DEPTH,
        "MAX_DIGITS": MAX_DIGITS,
        "MAX_ALIAS": MAX_ALIAS,
        "MAX_TOKEN": generic.MAX_TOKEN,
        "MAX_NAME": generic.MAX_NAME,
        "MAX_SHORT": generic.MAX_SHORT,
        "MAX_EVIDENCE": generic.MAX_EVIDENCE,
        "CHALLENGE_SECONDS": int(LIFETIME.total_seconds()),
        "TICKET_SECONDS": int(UNTIL_PRESENTED.total_seconds()),
        "TICKET_PATTERN": f"^{TICKET.pattern}$",
        "TRANSCRIPT_VERSION": VERSION,
        "PURPOSE": Purpose.JOIN.value,
        "CAPABILITIES": [capability.value for capability in Capability],
        "REASONS": [reason.code for reason in Reason],
        "DECISION_MEMBERS": list(_example(allow)),
        "EXAMPLE_ALLOW": _example(allow),
        "EXAMPLE_REDIRECT": _example(redirect),
        "EXAMPLE_DENY": _example(Deny(reasons=(because(Reason.STEP_UP),), remedy=_STEP_UP)),
    }


def _example(decision: Decision) -> dict[str, object]:
    return generic.write(decision, decision_id="dec_aebagbafaydqqcik", trace_id="4bf92f3577b34da6a3ce929d0e0e4736")


def _fill(node: object, *, values: Mapping[str, object]) -> object:
    """Put values in the place of their names: whole ones as they are, those within a sentence as text."""
    match node:
        case dict():
            return {name: _fill(part, values=values) for name, part in node.items()}
        case list():
            return [_fill(part, values=values) for part in node]
        case str():
            whole = _NAME.fullmatch(node)
            return values[whole[1]] if whole else _NAME.sub(lambda name: str(values[name[1]]), node)
    return node
