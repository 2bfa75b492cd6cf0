"""Where a training is, and what follows from it."""

import math

import pytest

from plait.training import State
from plait.training.options import TrainerOptions


def test_a_state_is_given_back_as_it_was() -> None:
    state = State(2, 7, 1, 1, 0.5, 1, {"a": {"mae": 2.0}}, seconds=3.5, warned=["gate"])
    again = State()
    again.load_state_dict(state.state_dict())
    assert again == state
    state.warned.append("other")
    state.best_metrics["a"]["mae"] = 1.0
    assert (again.warned, again.best_metrics) == (["gate"], {"a": {"mae": 2.0}}), "it is a copy"


@pytest.mark.parametrize(
    ("state", "steps", "share"),
    [(State(), 5, 0.0), (State(epoch=1, step=7), 5, 0.7), (State(epoch=1, step=7), None, 0.5)],
)
def test_progress_is_counted_in_steps_where_their_number_is_known(
    state: State, steps: int | None, share: float
) -> None:
    assert state.progress(2, steps) == share


@pytest.mark.parametrize(
    ("epoch", "best", "patience", "done"),
    [
        (2, 0, None, False),
        (3, 3, None, True),
        (2, 1, 1, True),
        (2, 1, 2, False),
        (2, 0, 1, False),  # nothing was evaluated
    ],
)
def test_the_training_ends_with_its_epochs_or_its_patience(
    epoch: int, best: int, patience: int | None, done: bool
) -> None:
    options = TrainerOptions(epochs=3, patience=patience)
    score = 0.5 if best else -math.inf
    assert State(epoch=epoch, best_epoch=best, best_score=score).done(options) == done


def test_only_a_higher_score_is_a_new_best() -> None:
    state, bests = State(), []
    for epoch, score in enumerate([-2.0, math.nan, -2.0, -1.0, -1.5], start=1):
        state.epoch = epoch
        if state.improve(score, {"a": {"mae": -score}}):
            bests.append(epoch)
    assert bests == [1, 4]
    assert (state.best_score, state.best_epoch, state.best_metrics) == (
        -1.0,
        4,
        {"a": {"mae": 1.0}},
    )


def test_steps_that_are_left_out_are_counted_for_each_task() -> None:
    state = State()
    for reason, tasks in (("nan", ("a",)), ("no label", ()), (None, ()), ("inf", ("b", "a"))):
        state.count_skipped(reason, tasks)
    assert state.skipped == 3
    assert state.broken == {"a": 2, "b": 1}
