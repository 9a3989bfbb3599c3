"""The joins so far, and the pages that want to hear of each change.

It listens to the service's ledger and to the players. It takes no part in any decision.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from itertools import count

from plugin.core.record import DecisionRecord, Step
from plugin.ports import Clock
from plugin.shell.demo.attempts import Attempt
from plugin.shell.demo.joins import TICKET, End, Join, Question, decisive, is_as_expected
from plugin.shell.demo.people import Person

KEPT = 60

Changes = asyncio.Queue[Join | None]


class Feed:
    """Joins by number, in the order in which they began; the oldest fall out.

    `ticket_steps` tells the steps of the exchange that a trace began with.
    """

    def __init__(self, clock: Clock, *, ticket_steps: Callable[[str], tuple[Step, ...]]) -> None:
        self._clock = clock
        self._ticket_steps = ticket_steps
        self._numbers = count(1)
        self._joins: dict[int, Join] = {}
        self._under_way: set[int] = set()
        self._unclaimed: dict[str, DecisionRecord] = {}
        self._listeners: set[Changes] = set()

    @property
    def joins(self) -> tuple[Join, ...]:
        return tuple(self._joins.values())

    def begin(self, person: Person, *, attempt: Attempt | None = None) -> Join:
        """Show that somebody is about to join."""
        join = Join(number=next(self._numbers), began_at=self._clock(), person=person, attempt=attempt)
        self._under_way.add(join.number)
        self._show(join)
        return join

    def finish(self, join: Join, *, person: Person, questions: tuple[Question, ...], end: End) -> Join:
        """Show how it went. Its decisions are those whose ids came back in the answers to its questions."""
        claimed = [self._unclaimed.pop(question.decision_id, None) for question in questions]
        records = tuple(record for record in claimed if record)
        record = decisive(records)
        finished = replace(
            join,
            questions=tuple(self._with_steps(question, records=records) for question in questions),
            records=records,
            decisive=record,
            end=end,
            is_as_expected=is_as_expected(person.expected, record=record, end=end),
        )
        self._under_way.discard(join.number)
        self._show(finished)
        self._show_strangers()
        return finished

    def record(self, record: DecisionRecord) -> None:
        """Hear of a decision from the ledger. Whose it is shows when its id comes back in an answer."""
        self._unclaimed[record.decision_id] = record
        self._show_strangers()

    def subscribe(self) -> Changes:
        """Return a queue of changed joins; None = there will be no more."""
        changes: Changes = asyncio.Queue()
        self._listeners.add(changes)
        return changes

    def unsubscribe(self, changes: Changes) -> None:
        self._listeners.discard(changes)

    def close(self) -> None:
        """Let every listener go."""
        for changes in self._listeners:
            changes.put_nowait(None)

    def _with_steps(self, question: Question, *, records: tuple[DecisionRecord, ...]) -> Question:
        """Add a question's steps. One that was answered with a ticket has no record, but the join's trace."""
        of_this = [record.steps for record in records if record.decision_id == question.decision_id]
        if question.verdict == TICKET:
            of_this = [self._ticket_steps(record.trace_id) for record in records]
        return replace(question, steps=next(iter(of_this), ()))

    def _show_strangers(self) -> None:
        """Show decisions that none of the players can have asked for: somebody else is trying the service."""
        if self._under_way:
            return
        for record in self._unclaimed.values():
            number, began_at = next(self._numbers), record.decided_at
            self._show(Join(number=number, began_at=began_at, person=None, records=(record,), decisive=record))
        self._unclaimed.clear()

    def _show(self, join: Join) -> None:
        self._joins[join.number] = join
        while len(self._joins) > KEPT:
            del self._joins[next(iter(self._joins))]
        for changes in self._listeners:
            changes.put_nowait(join)
