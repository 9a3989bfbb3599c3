"""One join as the page shows it: the person, the questions that were asked, the decisions, and what became of it."""

from dataclasses import dataclass
from datetime import datetime

from plugin.core.record import DecisionRecord, Step
from plugin.shell.demo.attempts import Attempt
from plugin.shell.demo.client import NoTicket, Ticket
from plugin.shell.demo.node import Joined, Outcome, TurnedAway
from plugin.shell.demo.people import Fate, Person

TICKET = "ticket"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One exchange with the service, as the one who asked saw it. `verdict` is what they made of the answer.

    `told` is what the answer said to the person. `steps` are the service's own, from its records and spans.
    """

    asker: str
    name: str
    verdict: str
    problem: str
    decision_id: str
    milliseconds: float
    told: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Where the platform put the caller: into a room, or `turned_away_at` a question or prompt."""

    room: str | None
    role: str | None
    display_name: str
    admitted_by_fallback: bool
    turned_away_at: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """A card of the page. `person` None = somebody who is not of the demo asked; `end` None = still under way.

    `attempt` is what was chosen on the page, None where nobody chose.
    """

    number: int
    began_at: datetime
    person: Person | None
    attempt: Attempt | None = None
    questions: tuple[Question, ...] = ()
    records: tuple[DecisionRecord, ...] = ()
    decisive: DecisionRecord | None = None
    end: End | None = None
    is_as_expected: bool | None = None


def ticket_question(answer: Ticket | NoTicket, *, milliseconds: float) -> Question:
    """Return the web client's exchange of proofs for a ticket."""
    match answer:
        case Ticket():
            return _exchange(TICKET, milliseconds=milliseconds)
        case NoTicket(decision_id=decision_id, messages=messages):
            return _exchange("refused", decision_id=decision_id, told=messages, milliseconds=milliseconds)


def failed_question(problem: str, *, milliseconds: float) -> Question:
    """Return an exchange that the web client could not finish."""
    return _exchange("failed", problem=problem, milliseconds=milliseconds)


def _exchange(
    verdict: str, *, problem: str = "", decision_id: str = "", told: tuple[str, ...] = (), milliseconds: float
) -> Question:
    return Question(
        asker="web client",
        name="v1/tickets",
        verdict=verdict,
        problem=problem,
        decision_id=decision_id,
        milliseconds=milliseconds,
        told=told,
    )


def node_questions(outcome: Outcome) -> tuple[Question, ...]:
    """Return what the conferencing node asked."""
    return tuple(
        Question(
            asker="conferencing node",
            name=asked.question,
            verdict=asked.reading.verdict.value,
            problem=asked.reading.problem,
            decision_id=str(asked.reading.remarks.get("decision_id", "")),
            milliseconds=asked.milliseconds,
            told=tuple(str(text) for key, text in asked.reading.result.items() if key == "reject_reason"),
        )
        for asked in outcome.asked
    )


def end_of(outcome: Outcome) -> End:
    """Return where the caller is now."""
    match outcome:
        case Joined():
            return End(
                room=outcome.room,
                role=outcome.role,
                display_name=outcome.display_name,
                admitted_by_fallback=outcome.admitted_by_fallback,
                turned_away_at="",
                reason="",
            )
        case TurnedAway():
            return End(
                room=None,
                role=None,
                display_name="",
                admitted_by_fallback=False,
                turned_away_at=outcome.at,
                reason=outcome.reason,
            )


def decisive(records: tuple[DecisionRecord, ...]) -> DecisionRecord | None:
    """Return the decision that made the fate: the first refusal, or else the one that chose the room."""
    refusals = [record for record in records if record.outcome == "deny"]
    return next(iter([*refusals, *records]), None)


def is_as_expected(expected: Fate | None, *, record: DecisionRecord | None, end: End) -> bool | None:
    """Compare what happened with the table. Whoever got in because an answer failed did not get in as expected."""
    if expected is None:
        return None
    if record is None or end.admitted_by_fallback:
        return False
    happened = (record.outcome, record.zone, end.role)
    codes = [mark.code for mark in record.reasons]
    return happened == (expected.outcome, expected.zone, expected.role) and expected.reason.code in codes
