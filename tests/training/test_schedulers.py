"""Which scheduler steps when."""

import pytest
import torch
from torch.optim.lr_scheduler import ExponentialLR, ReduceLROnPlateau

from plait.training.schedulers import advance


def optimizer() -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)


def rate(made: torch.optim.Optimizer) -> float:
    return float(made.param_groups[0]["lr"])


def test_a_scheduler_steps_after_each_optimizer_step() -> None:
    made = optimizer()
    scheduler = ExponentialLR(made, 0.5)
    made.step()
    rates = []
    for score in (None, None, 0.7, None):
        advance(scheduler, score)
        rates.append(rate(made))
    assert rates == [0.5, 0.25, 0.25, 0.125]


@pytest.mark.parametrize("mode", ["min", "max"])
def test_a_plateau_is_one_of_the_score_whatever_the_mode(mode: str) -> None:
    made = optimizer()
    scheduler = ReduceLROnPlateau(made, mode, factor=0.5, patience=0, threshold_mode="abs")
    rates = []
    for score in (0.1, None, 0.2, None, 0.2, 0.3, 0.25):
        advance(scheduler, score)
        rates.append(rate(made))
    assert rates == [1, 1, 1, 1, 0.5, 0.5, 0.25]


def test_there_may_be_no_scheduler() -> None:
    advance(None)
    advance(None, 0.5)
