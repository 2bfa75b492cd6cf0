"""The step ahead, against a copy of the optimizer that takes it."""

import copy
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError
from plait.training.virtual_step import virtual_step

Make = Callable[[Iterable[Any]], torch.optim.Optimizer]

OPTIMIZERS: dict[str, Make] = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.1),
    "SGD, decay": lambda p: torch.optim.SGD(p, lr=0.1, weight_decay=0.2),
    "SGD, momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
    "SGD, dampening": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.8, dampening=0.3),
    "SGD, nesterov": lambda p: torch.optim.SGD(
        p, lr=0.1, momentum=0.8, nesterov=True, weight_decay=0.1
    ),
    "SGD, lr in a tensor": lambda p: torch.optim.SGD(p, lr=torch.tensor(0.1), momentum=0.5),
    "Adam": lambda p: torch.optim.Adam(p, lr=0.01),
    "Adam, decay": lambda p: torch.optim.Adam(p, lr=0.01, weight_decay=0.1, eps=1e-3),
    "AdamW": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1, betas=(0.8, 0.95)),
}


def parameters() -> list[nn.Parameter]:
    return [nn.Parameter(torch.randn(shape, dtype=torch.float64)) for shape in ((3, 2), (4,))]


def in_training(make: Make, steps: int) -> tuple[torch.optim.Optimizer, list[nn.Parameter]]:
    """An optimizer of two groups after some steps, the second at another rate."""
    both = parameters()
    optimizer = make([{"params": both[:1]}, {"params": both[1:]}])
    optimizer.param_groups[1]["lr"] = optimizer.param_groups[1]["lr"] * 2
    for _ in range(steps):
        step(optimizer, both, [torch.randn_like(p) for p in both])
    return optimizer, both


def step(optimizer: torch.optim.Optimizer, both: list[nn.Parameter], at: list[Tensor]) -> None:
    for parameter, gradient in zip(both, at, strict=True):
        parameter.grad = gradient.clone()
    optimizer.step()
    optimizer.zero_grad()


every_optimizer = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=list(OPTIMIZERS))
before_and_in_training = pytest.mark.parametrize("steps", [0, 1, 5])


@every_optimizer
@before_and_in_training
def test_leads_where_the_optimizer_goes_and_changes_nothing(make: Make, steps: int) -> None:
    optimizer, both = in_training(make, steps)
    gradient = [torch.randn_like(p) for p in both]
    state = copy.deepcopy(optimizer.state_dict())
    values = [parameter.detach().clone() for parameter in both]
    new, _ = virtual_step(optimizer, both, both, gradient)
    torch.testing.assert_close(list(both), [nn.Parameter(v) for v in values], rtol=0, atol=0)
    torch.testing.assert_close(optimizer.state_dict(), state, rtol=0, atol=0)
    assert not any(each.requires_grad for each in new)
    step(optimizer, both, gradient)
    for ahead, real in zip(new, both, strict=True):
        torch.testing.assert_close(ahead, real.detach(), rtol=1e-12, atol=1e-14)


@every_optimizer
@before_and_in_training
def test_the_slope_is_that_of_finite_differences(make: Make, steps: int) -> None:
    optimizer, both = in_training(make, steps)
    gradient = [torch.randn_like(p) for p in both]
    width = 1e-6
    _, slope = virtual_step(optimizer, both, both, gradient)
    up, _ = virtual_step(optimizer, both, both, [g + width for g in gradient])
    down, _ = virtual_step(optimizer, both, both, [g - width for g in gradient])
    for found, high, low in zip(slope, up, down, strict=True):
        torch.testing.assert_close(found, (high - low) / (2 * width), rtol=1e-5, atol=1e-8)


def test_the_slope_of_sgd_is_exactly_the_learning_rate() -> None:
    optimizer, both = in_training(OPTIMIZERS["SGD, momentum"], 3)
    _, slope = virtual_step(optimizer, both, both, [torch.zeros_like(p) for p in both])
    assert set(slope[0].flatten().tolist()) == {-0.1}
    assert set(slope[1].flatten().tolist()) == {-0.2}


def test_a_gradient_of_zero_in_the_first_step_of_adam_has_a_finite_slope() -> None:
    both = parameters()
    optimizer = torch.optim.Adam(both, lr=0.01, eps=1e-4)
    new, slope = virtual_step(optimizer, both, both, [torch.zeros_like(p) for p in both])
    torch.testing.assert_close(list(new), [p.detach() for p in both])
    torch.testing.assert_close(slope[0], torch.full_like(both[0], -0.01 / 1e-4))


def test_starts_from_the_values_that_it_is_given() -> None:
    both = parameters()
    optimizer = torch.optim.SGD(both, lr=0.5)
    new, _ = virtual_step(
        optimizer, both, [p + 1 for p in both], [torch.ones_like(p) for p in both]
    )
    torch.testing.assert_close(list(new), [p.detach() + 0.5 for p in both])


def test_a_parameter_that_the_optimizer_does_not_hold_stays() -> None:
    both = parameters()
    optimizer = torch.optim.SGD(both[:1], lr=0.5)
    new, slope = virtual_step(optimizer, both, both, [torch.ones_like(p) for p in both])
    assert torch.equal(new[1], both[1])
    assert not slope[1].any()
    assert slope[0].all()


class Own(torch.optim.SGD):
    """Might step in another way."""


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: torch.optim.RMSprop(p), "SGD, Adam and AdamW of torch.optim; found RMSprop"),
        (lambda p: Own(p), "SGD, Adam and AdamW of torch.optim; found Own"),
        (lambda p: torch.optim.SGD(p, lr=0.1, maximize=True), "not known for SGD with `maximize`"),
        (lambda p: torch.optim.AdamW(p, amsgrad=True), "not known for AdamW with `amsgrad`"),
    ],
)
def test_what_it_does_not_know_is_refused(make: Make, message: str) -> None:
    both = parameters()
    with pytest.raises(ConfigError, match=message):
        virtual_step(make(both), both, both, [torch.zeros_like(p) for p in both])
