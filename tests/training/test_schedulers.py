"""Which scheduler steps when, and which rates a training of another length has."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler
from torch.optim.lr_scheduler import ExponentialLR, ReduceLROnPlateau

from plait.core.errors import ConfigError
from plait.training.schedulers import Rates

LENGTH = 12  # steps of a whole training

# What depends on nothing but the step, and what is made for a length.
STEADY: dict[str, Callable[[torch.optim.Optimizer], Any]] = {
    "exponential": lambda made: ExponentialLR(made, 0.9),
    "step": lambda made: lr_scheduler.StepLR(made, 3, gamma=0.3),
    "function": lambda made: lr_scheduler.LambdaLR(made, lambda step: 1 / (1 + step)),
    "product": lambda made: lr_scheduler.MultiplicativeLR(made, lambda step: 1 - 1 / (2 + step)),
    "cyclic": lambda made: lr_scheduler.CyclicLR(made, 0.1, 1.0, step_size_up=4),
    "restarts": lambda made: lr_scheduler.CosineAnnealingWarmRestarts(made, T_0=5),
    "warm-up, then decay": lambda made: lr_scheduler.SequentialLR(
        made,
        [lr_scheduler.LinearLR(made, 0.1, total_iters=4), ExponentialLR(made, 0.9)],
        milestones=[4],
    ),
    "chained": lambda made: lr_scheduler.ChainedScheduler(
        [lr_scheduler.ConstantLR(made, 0.1, total_iters=4), ExponentialLR(made, 0.9)]
    ),
}
OF_A_LENGTH: dict[str, Callable[[torch.optim.Optimizer, int], Any]] = {
    "one cycle": lambda made, steps: lr_scheduler.OneCycleLR(made, 2.0, total_steps=steps),
    "cosine": lambda made, steps: lr_scheduler.CosineAnnealingLR(made, T_max=steps),
    "polynomial": lambda made, steps: lr_scheduler.PolynomialLR(made, total_iters=steps),
    "function": lambda made, steps: lr_scheduler.LambdaLR(
        made, lambda step: 1 - step / (1 + steps)
    ),
}


def optimizer() -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0, momentum=0.9)


def rate(made: torch.optim.Optimizer) -> float:
    return float(made.param_groups[0]["lr"])


def stepped(made: torch.optim.Optimizer, rates: Rates, steps: int) -> list[dict[str, Any]]:
    """The options of the group after each step: some schedulers move the momentum, too."""
    found = []
    for _ in range(steps):
        made.step()
        rates.advance()
        found.append({key: value for key, value in made.param_groups[0].items() if key != "params"})
    return found


def test_a_scheduler_steps_after_each_optimizer_step() -> None:
    made = optimizer()
    rates = Rates(made, lambda each: ExponentialLR(each, 0.5), epochs=2)
    made.step()
    found = []
    for score in (None, None, 0.7, None):
        rates.advance(score)
        found.append(rate(made))
    assert found == [0.5, 0.25, 0.25, 0.125]


@pytest.mark.parametrize("mode", ["min", "max"])
def test_a_plateau_is_one_of_the_score_whatever_the_mode(mode: Any) -> None:
    made = optimizer()
    options: dict[str, Any] = {"factor": 0.5, "patience": 0, "threshold_mode": "abs"}
    rates = Rates(made, lambda each: ReduceLROnPlateau(each, mode, **options), epochs=2)
    found = []
    for score in (0.1, None, 0.2, None, 0.2, 0.3, 0.25):
        rates.advance(score)
        found.append(rate(made))
    assert found == [1, 1, 1, 1, 0.5, 0.5, 0.25]


def test_there_may_be_no_scheduler() -> None:
    made = optimizer()
    rates = Rates(made, None, epochs=1)
    rates.advance()
    rates.advance(0.5)
    assert rate(made) == 1
    assert rates.settings()["scheduler"] == {}


# --- resumed --------------------------------------------------------------------------------


def resumed(
    scheduler: Callable[[torch.optim.Optimizer], Any], short: Callable[..., Any], *, epochs: int
) -> list[dict[str, Any]]:
    """The groups of a training of 3 epochs of `short` and then of `epochs` of `scheduler`."""
    made = optimizer()
    first = Rates(made, short, epochs=3)
    stepped(made, first, 6)
    states = copy.deepcopy((made.state_dict(), first.state_dict()))
    again = optimizer()
    second = Rates(again, scheduler, epochs=epochs)
    again.load_state_dict(states[0])
    second.load_state_dict(states[1])
    return stepped(again, second, LENGTH - 6)


@pytest.mark.parametrize("epochs", [3, 6])
@pytest.mark.parametrize("name", STEADY)
def test_what_depends_on_the_step_alone_goes_on_to_the_last_bit(name: str, epochs: int) -> None:
    made = optimizer()
    whole = stepped(made, Rates(made, STEADY[name], epochs=epochs), LENGTH)
    assert resumed(STEADY[name], STEADY[name], epochs=epochs) == whole[6:]


@pytest.mark.parametrize("name", OF_A_LENGTH)
def test_of_another_length_the_rates_are_those_of_that_length(name: str) -> None:
    """From the step that was reached on; the first scheduler was made for 6 steps."""

    def long(each: torch.optim.Optimizer) -> Any:
        return OF_A_LENGTH[name](each, LENGTH)

    made = optimizer()
    whole = stepped(made, Rates(made, long, epochs=6), LENGTH)
    found = resumed(long, lambda each: OF_A_LENGTH[name](each, 6), epochs=6)
    assert found == whole[6:]


def test_a_plateau_goes_on_whatever_the_length() -> None:
    """It follows the scores: one that was reached before the end of the first training counts."""

    def plateau(made: torch.optim.Optimizer) -> Any:
        return ReduceLROnPlateau(made, "max", factor=0.5, patience=0)

    made = optimizer()
    first = Rates(made, plateau, epochs=2)
    for score in (0.5, 0.4):
        first.advance(score)
    assert rate(made) == 0.5
    again = optimizer()
    second = Rates(again, plateau, epochs=3)
    again.load_state_dict(made.state_dict())
    second.load_state_dict(first.state_dict())
    second.advance(0.45)  # below the best, 0.5
    assert rate(again) == 0.25


def test_of_another_length_a_scheduler_may_come_or_go() -> None:
    without, steady = None, STEADY["exponential"]
    assert [group["lr"] for group in resumed(without, steady, epochs=6)] == [1.0] * 6
    made = optimizer()
    whole = stepped(made, Rates(made, steady, epochs=6), LENGTH)
    found = resumed(steady, without, epochs=6)
    assert [group["lr"] for group in found] == [group["lr"] for group in whole[6:]]


# --- settings -------------------------------------------------------------------------------


def test_settings_are_those_before_the_first_step() -> None:
    made = optimizer()
    rates = Rates(made, STEADY["step"], epochs=6)
    before = copy.deepcopy(rates.settings())
    stepped(made, rates, 5)
    assert rates.settings() == before
    (group,) = before["optimizer"]
    assert (group["lr"], group["momentum"]) == (1.0, 0.9)
    assert (before["scheduler"]["step_size"], before["scheduler"]["gamma"]) == (3, 0.3)


def test_an_optimizer_that_has_trained_has_the_settings_of_its_first_step() -> None:
    """Made by hand and given twice, as the cells of a notebook do."""
    made = optimizer()
    first = Rates(made, STEADY["exponential"], epochs=6)
    stepped(made, first, 5)
    assert rate(made) < 1
    assert Rates(made, STEADY["exponential"], epochs=6).settings()["optimizer"][0]["lr"] == 1.0


@pytest.mark.parametrize(("steps", "ends"), [(4, False), (5, True), (None, False)])
def test_a_scheduler_that_ends_too_early_is_refused(steps: int | None, ends: bool) -> None:
    """12 steps: three epochs of 4."""
    rates = Rates(optimizer(), lambda each: OF_A_LENGTH["one cycle"](each, LENGTH), epochs=3)
    if not ends:
        rates.check(steps)
        return
    with pytest.raises(ConfigError, match=r"3 epochs x 5 = 15; found total_steps=12. Make it with"):
        rates.check(steps)


def test_a_scheduler_that_ends_within_a_stream_is_named() -> None:
    """Its length is known to nobody before."""
    made = optimizer()
    rates = Rates(made, lambda each: OF_A_LENGTH["one cycle"](each, 3), epochs=1)
    stepped(made, rates, 3)
    with pytest.raises(ConfigError, match=r"OneCycleLR cannot take step 4: .*Make it for"):
        rates.advance()
