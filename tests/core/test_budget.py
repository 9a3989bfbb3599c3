"""Shares of the time: whatever steps take, in whatever order, something is left to write down and to answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.core.budget import (
    ANSWER,
    ANSWER_SECONDS,
    DEVICE,
    IDENTITY,
    JUDGE,
    JUDGE_AND_WRITE,
    RESPONDER_SECONDS,
    TICKET,
    TRACE,
    WRITE,
    Budget,
    Share,
)
from tests.fakes import HandWatch

PROOFS = [TICKET, TRACE, DEVICE, IDENTITY]
ROUNDING = 1e-9


def begun(watch: HandWatch, *, waited: float = 0.0) -> Budget:
    return Budget(arrived=watch() - waited, monotonic=watch)


def take(watch: HandWatch, budget: Budget, *, share: Share, part: float = 1.0) -> None:
    watch.seconds += budget.share(share) * part


@given(st.lists(st.tuples(st.sampled_from(PROOFS), st.floats(0, 1)), max_size=12))
def test_proofs_never_take_what_judging_and_writing_need(steps: list[tuple[Share, float]]) -> None:
    watch = HandWatch()
    budget = begun(watch)

    for share, part in steps:
        take(watch, budget, share=share, part=part)

    assert budget.left() >= JUDGE_AND_WRITE + ANSWER - ROUNDING


@given(st.lists(st.sampled_from([*PROOFS, JUDGE, WRITE]), max_size=12), st.floats(0, ANSWER_SECONDS - ANSWER))
def test_no_step_takes_what_the_answer_needs(steps: list[Share], waited: float) -> None:
    watch = HandWatch()
    budget = begun(watch, waited=waited)

    for share in steps:
        take(watch, budget, share=share)

    assert budget.left() >= ANSWER - ROUNDING


def test_a_person_can_be_proven_behind_a_device_that_hung() -> None:
    watch = HandWatch()
    budget = begun(watch)

    take(watch, budget, share=DEVICE)

    assert budget.share(IDENTITY) > JUDGE_AND_WRITE


def test_a_responder_that_hangs_is_given_up_before_its_step_is() -> None:
    assert begun(HandWatch()).share(DEVICE) > RESPONDER_SECONDS


def test_what_a_question_has_waited_is_gone() -> None:
    assert begun(HandWatch(), waited=2.0).left() == pytest.approx(ANSWER_SECONDS - 2.0)


@pytest.mark.parametrize("share", [*PROOFS, JUDGE, WRITE])
def test_where_nothing_is_left_no_step_gets_anything(share: Share) -> None:
    budget = begun(HandWatch(), waited=60)

    assert (budget.left(), budget.share(share)) == (0.0, 0.0)
