"""Ridge and logistic regression with the strength from the data."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from plait.experiments.linear_models import ALPHAS, Solution, logistic, ridge

GENERATOR = torch.Generator().manual_seed(0)


def draw(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=GENERATOR, dtype=torch.float64)


def closed_form(x: Tensor, y: Tensor, alpha: float) -> tuple[Tensor, float]:
    """Ridge with a free intercept, by least squares on stacked rows."""
    mean_x, mean_y = x.mean(0), y.mean()
    stacked = torch.cat([x - mean_x, math.sqrt(alpha) * torch.eye(x.shape[1], dtype=x.dtype)])
    wanted = torch.cat([y - mean_y, y.new_zeros(x.shape[1])])
    found = torch.from_numpy(np.linalg.lstsq(stacked.numpy(), wanted.numpy(), rcond=None)[0])
    return found, float(mean_y - mean_x @ found)


def left_out(x: Tensor, y: Tensor, alpha: float) -> float:
    """The error of each row by the model of all others, one fit for each."""
    total = 0.0
    for row in range(len(x)):
        rest = torch.arange(len(x)) != row
        weight, bias = closed_form(x[rest], y[rest], alpha)
        total += float((x[row] @ weight + bias - y[row]) ** 2)
    return total


def test_ridge_is_the_closed_form_at_the_strength_that_leaves_one_out_best() -> None:
    x = draw(30, 4)
    y = x @ torch.tensor([1.0, -2, 0, 0.5], dtype=torch.float64) + 3 + 2 * draw(30)
    solution = ridge(x, y[:, None], torch.ones(30, 1, dtype=torch.float64))
    best = min(ALPHAS.tolist(), key=lambda alpha: left_out(x, y, alpha))
    weight, bias = closed_form(x, y, best)
    torch.testing.assert_close(solution.weight[0], weight, rtol=1e-6, atol=1e-8)
    assert float(solution.bias) == pytest.approx(bias)


def test_missing_labels_are_left_out_of_each_output() -> None:
    x, y = draw(40, 3), draw(40, 2)
    mass = torch.ones(40, 2, dtype=torch.float64)
    mass[:15, 0] = 0
    broken = y.masked_fill(mass == 0, math.nan)
    both = ridge(x, broken, mass)
    for number, rows in ((0, slice(15, None)), (1, slice(None))):
        alone = ridge(x[rows], y[rows, number : number + 1], mass[rows, number : number + 1])
        torch.testing.assert_close(both.weight[number], alone.weight[0])


@pytest.mark.parametrize("rows", [1, 2, 9])
def test_equal_or_few_labels_give_their_mean(rows: int) -> None:
    solution = ridge(
        draw(rows, 3), torch.full((rows, 1), 2.5).double(), torch.ones(rows, 1).double()
    )
    assert not bool(solution.weight.any())
    assert float(solution.bias) == 2.5


def test_more_inputs_than_rows() -> None:
    x = draw(20, 60)
    y = x[:, :1] + 0.1 * draw(20, 1)
    solution = ridge(x, y, torch.ones(20, 1, dtype=torch.float64))
    assert bool(solution.weight.isfinite().all())


def test_logistic_regression_is_at_a_minimum() -> None:
    """The gradient of its objective is 0, up to what the strength adds."""
    x = draw(300, 3)
    y = (x[:, 0] + draw(300) > 0).long()
    solution = logistic(x, y, torch.ones(300, dtype=torch.float64), 2)
    probability = (x @ solution.weight.T + solution.bias).softmax(1)[:, 1]
    assert float((probability - y).mean()) == pytest.approx(0, abs=1e-4)  # the intercept is free
    slope = ((probability - y)[:, None] * x).sum(0)
    ratio = -slope / (solution.weight[1] - solution.weight[0])
    torch.testing.assert_close(ratio, ratio.mean().expand(3), rtol=0.05, atol=0.05)


def test_strong_signals_are_penalised_less_than_noise() -> None:
    x = draw(200, 20)
    clear = logistic(x, (x[:, 0] > 0).long(), torch.ones(200).double(), 2)
    noise = logistic(x, (draw(200) > 0).long(), torch.ones(200).double(), 2)
    assert clear.weight.abs().max() > 20 * noise.weight.abs().max()


def test_missing_labels_and_classes() -> None:
    x = draw(90, 2)
    y = x[:, 0].sign().long() + 1  # classes 0 and 2; 1 and 3 never occur
    mass = torch.ones(90, dtype=torch.float64)
    mass[::3] = 0
    solution = logistic(x, y.where(mass > 0, -100), mass, 4)
    logits = x @ solution.weight.T + solution.bias
    assert bool((logits.argmax(1) == y).double().mean() > 0.9)
    assert float(logits.softmax(1)[:, [1, 3]].max()) < 0.2


@pytest.mark.parametrize(("labels", "classes"), [([1, 1, 1], 3), ([0], 2), ([0, 1], 2)])
def test_one_class_or_a_row_or_two(labels: list[int], classes: int) -> None:
    y = torch.tensor(labels)
    solution = logistic(draw(len(y), 2), y, torch.ones(len(y), dtype=torch.float64), classes)
    assert bool(solution.weight.isfinite().all())
    assert int(solution.bias.argmax()) == labels[0]


def test_constant_inputs_get_no_weight() -> None:
    x = torch.cat([draw(50, 1), torch.full((50, 1), 3.0)], dim=1).double()
    mass = torch.ones(50, dtype=torch.float64)
    for solution in (
        ridge(x, x[:, :1], mass[:, None]),
        logistic(x - torch.tensor([0.0, 3.0]), (x[:, 0] > 0).long(), mass, 2),
    ):
        torch.testing.assert_close(solution.weight[:, 1], torch.zeros(len(solution.bias)).double())


def test_several_labels_of_yes_and_no() -> None:
    one = Solution(torch.tensor([[0.0, 1], [2, 5]]), torch.tensor([1.0, 4]))
    joined = Solution.of_yes_no([one, one])
    assert joined.weight.tolist() == [[2, 4], [2, 4]]
    assert joined.bias.tolist() == [3, 3]
