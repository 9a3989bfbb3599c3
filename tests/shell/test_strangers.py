"""Strangers' connections: the one that has been quiet for longest has to go, and is told no."""

from plugin.shell.strangers import Strangers
from tests.fakes import HandWatch


class Caller:
    """A connection that remembers whether it was turned away."""

    def __init__(self) -> None:
        self.was_turned_away = False

    def turn_away(self) -> None:
        self.was_turned_away = True


def met(watch: HandWatch, *, number: int, most: int = 3) -> tuple[Strangers, list[Caller]]:
    strangers, callers = Strangers(monotonic=watch, most=most, seconds=5), [Caller() for _ in range(number)]
    for caller in callers:
        strangers.add(caller)
        watch.seconds += 1
    return strangers, callers


def turned_away(callers: list[Caller]) -> list[bool]:
    return [caller.was_turned_away for caller in callers]


def test_one_too_many_takes_the_place_of_the_longest_quiet() -> None:
    strangers, callers = met(HandWatch(), number=4)

    assert turned_away(callers) == [True, False, False, False]
    assert len(strangers) == 3


def test_whoever_has_asked_something_goes_last() -> None:
    strangers, callers = met(HandWatch(), number=3)

    strangers.hear(callers[0])
    strangers.add(Caller())

    assert turned_away(callers) == [False, True, False]


def test_whoever_says_nothing_whole_for_too_long_has_to_go() -> None:
    watch = HandWatch()
    strangers, callers = met(watch, number=3)
    strangers.hear(callers[0])
    watch.seconds += 3.5

    strangers.turn_away_quiet()

    assert turned_away(callers) == [False, True, False]


def test_a_platform_that_has_shown_its_credentials_is_no_stranger_any_more() -> None:
    watch = HandWatch()
    strangers, callers = met(watch, number=3)
    strangers.forget(callers[0])
    watch.seconds += 60

    strangers.hear(callers[0])
    strangers.turn_away_quiet()

    assert turned_away(callers) == [False, True, True]
    assert len(strangers) == 0


def test_whoever_hangs_up_makes_room() -> None:
    strangers, callers = met(HandWatch(), number=3)

    strangers.forget(callers[1])
    strangers.add(Caller())

    assert turned_away(callers) == [False, False, False]
