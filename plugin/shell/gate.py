"""Whether the doors are open: there is a house to ask while serving, and none while starting or draining."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from plugin.core.reasons import Reason
from plugin.flow.admission import Admission
from plugin.flow.challenges import Challenges
from plugin.flow.exchange import Exchange
from plugin.flow.registrar import Registrar
from plugin.platforms.pexip_rooms import PexipRooms
from plugin.ports import Clock
from plugin.shell.store_check import StoreCheck


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Everything that answering needs, wired by `shell.wiring`."""

    admission: Admission
    exchange: Exchange
    challenges: Challenges
    registrar: Registrar
    rooms: PexipRooms
    clock: Clock
    store_check: StoreCheck
    pseudonym: Callable[[str], str]


@dataclass(slots=True)
class Gate:
    """Shut while `house` is None: then every question is answered with an explicit refusal."""

    house: House | None = None


@dataclass(slots=True, kw_only=True)
class Lane:
    """A way through the gate for one kind of asker, who cannot crowd the others out.

    Answering takes a few milliseconds of one processor. With more than `most` under way, the last of them would be
    answered after a platform has stopped waiting, which Pexip takes for a yes: so the next is refused at once.
    """

    gate: Gate
    most: int
    answering: int = 0

    @contextmanager
    def enter(self) -> Iterator[House | Reason]:
        """Yield the house for one question, or why there is none for it."""
        if self.gate.house is None:
            yield Reason.NOT_SERVING
            return
        if self.answering >= self.most:
            yield Reason.OVERLOADED
            return
        self.answering += 1
        try:
            yield self.gate.house
        finally:
            self.answering -= 1
