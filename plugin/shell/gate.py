"""Whether the doors are open: there is a house to ask while serving, and none while starting or draining.

A house is replaced in one step: a question goes on in the one that it has entered.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from plugin.core.reasons import Reason
from plugin.flow.admission import Admission
from plugin.flow.challenges import Challenges
from plugin.flow.enrolment import Enrolment
from plugin.flow.exchange import Exchange
from plugin.flow.keeping import Keeping
from plugin.flow.logout import Logout
from plugin.flow.registrar import Registrar
from plugin.flow.sign_in import SignIns
from plugin.platforms.pexip_rooms import PexipRooms
from plugin.ports import Clock, Store
from plugin.shell.config import Config
from plugin.shell.store_check import StoreCheck
from plugin.shell.strain import Pulse, expected_wait


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Everything that answering needs, wired by `shell.wiring` from one configuration."""

    config: Config
    admission: Admission
    exchange: Exchange
    challenges: Challenges
    origin: str
    enrolment: Enrolment
    sign_ins: SignIns
    keeping: Keeping
    registrar: Registrar
    logout: Logout
    rooms: PexipRooms
    store: Store
    clock: Clock
    store_check: StoreCheck


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How what decides stands to what the files say. `generation` 1 = the configuration of the start.

    `problems` are why the last one that was read has been refused; empty = it is the one that decides.
    """

    generation: int = 1
    loaded_at: datetime | None = None
    refused_at: datetime | None = None
    problems: tuple[str, ...] = ()

    @property
    def is_current(self) -> bool:
        """Say whether the last configuration that was read is the one that decides."""
        return not self.problems


@dataclass(slots=True, kw_only=True)
class Gate:
    """Shut while `house` is None: then every question is answered with an explicit refusal.

    `config` is what the doors tell askers apart by: that of the house, also before it opens and after it has shut.
    `refused` is told the name of the lane in which a question was refused because there are too many.
    """

    config: Config
    house: House | None = None
    standing: Standing = Standing()
    pulse: Pulse = field(default_factory=lambda: Pulse(monotonic=time.monotonic))
    refused: Callable[[str], None] = lambda _: None

    def open(self, house: House) -> None:
        """Lead every question from now on to this house."""
        self.config = house.config
        self.house = house


@dataclass(slots=True, kw_only=True)
class Lane:
    """A way through the gate for one kind of asker, who cannot crowd the others out.

    An answer that comes late is worse than none: a platform has stopped waiting by then, which Pexip takes for a yes.
    So a question is refused at once where the time that it has waited for us, and that its turns would take now, comes
    to more than `patience` seconds: what is left might not do for an answer. The less a lane matters, the sooner it
    gives way: a crowd in it keeps itself out long before it costs a join its answer.

    `most` may be under way, for a crowd that comes in one lap of the event loop has not been measured yet.
    """

    gate: Gate
    name: str
    most: int
    patience: float
    answering: int = 0

    @contextmanager
    def enter(self, *, waited: float) -> Iterator[House | Reason]:
        """Yield the house for one question that has `waited` so many seconds for us, or why there is none for it."""
        house = self.gate.house
        if house is None:
            yield Reason.NOT_SERVING
            return
        wait = waited + expected_wait(self.gate.pulse, store=house.store)
        if self.answering >= self.most or wait > self.patience:
            self.gate.refused(self.name)
            yield Reason.OVERLOADED
            return
        self.answering += 1
        try:
            yield house
        finally:
            self.answering -= 1
