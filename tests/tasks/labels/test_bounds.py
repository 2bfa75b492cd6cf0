"""Labels that are bounds, as `Regression(bounded=True)` takes them."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from plait.core.errors import ConfigError, DataError, PlaitError, ShapeError
from plait.evaluation.task_meters import ConstantMeters, TaskMeters
from plait.tasks import Regression
from plait.tasks.labels.bounds import check_bounds, exact, nearest, stated
from tests.tasks.kinds import ERRORS

INF, NAN = math.inf, math.nan
# 4; more than 10; less than 0.5; missing; between 1 and 3
LABELS = torch.tensor([[4.0, 4.0], [10.0, INF], [-INF, 0.5], [NAN, NAN], [1.0, 3.0]])


def drawn(seed: int, rows: int = 8, outputs: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """Predictions and targets `[B, K]` with NaN, and which sign each has: -1 "<", 0 "=", 1 ">"."""
    generator = torch.Generator().manual_seed(seed)
    shape = (rows, outputs)
    prediction, target = torch.randn(2, *shape, generator=generator, dtype=torch.float64)
    target[torch.rand(shape, generator=generator) < 0.3] = NAN
    return prediction, target, torch.randint(-1, 2, shape, generator=generator)


def as_bounds(target: Tensor, sign: Tensor) -> Tensor:
    missing = target.isnan()
    low = target.where((sign >= 0) | missing, -INF)
    return torch.stack([low, target.where((sign <= 0) | missing, INF)], dim=-1)


def chemprop(prediction: Tensor, target: Tensor, sign: Tensor) -> Tensor:
    """Its BoundedMSE: where the target is "<t" and the prediction below t, it counts as t."""
    counted = torch.where((prediction < target) & (sign == -1), target, prediction)
    counted = torch.where((counted > target) & (sign == 1), target, counted)
    there = ~target.isnan()
    return (counted[there] - target[there]).square().mean()


@given(seed=st.integers(0, 10**6))
def test_the_squared_error_is_that_of_chemprop(seed: int) -> None:
    prediction, target, sign = drawn(seed)
    target[0, 0] = 1.0
    one, other = (prediction.clone().requires_grad_() for _ in range(2))
    task = Regression("y", outputs=2, bounded=True, mean=0.0, scale=1.0)
    bounds = as_bounds(target, sign)
    loss, expected = task.loss(one, bounds), chemprop(other, target, sign)
    torch.testing.assert_close(loss, expected)
    found, right = (torch.autograd.grad(*each)[0] for each in ((loss, one), (expected, other)))
    torch.testing.assert_close(found, right)
    torch.testing.assert_close(task.loss(one, bounds, count=task.count(bounds)), loss)


@given(seed=st.integers(0, 10**6), error=st.sampled_from(ERRORS), weighted=st.booleans())
def test_exact_labels_are_those_of_a_task_without_bounds(
    seed: int, error: Any, weighted: bool
) -> None:
    prediction, target, sign = drawn(seed)
    target[0, 0] = 1.0
    weights = torch.rand(8) if weighted else None
    options: Any = {"outputs": 2, "error": error, "mean": 0.5, "scale": 2.0}
    plain, bounded = Regression("y", **options), Regression("y", bounded=True, **options)
    bounds = as_bounds(target, torch.zeros_like(sign))
    assert torch.equal(bounded.valid(bounds), plain.valid(target))
    assert bounded.count(bounds, weights) == plain.count(target, weights)
    one, other = (prediction.clone().requires_grad_() for _ in range(2))
    losses = bounded.loss(one, bounds, weights), plain.loss(other, target, weights)
    assert torch.equal(*losses)
    assert torch.equal(
        torch.autograd.grad(losses[0], one)[0], *torch.autograd.grad(losses[1], other)
    )
    for mine, theirs in zip(
        bounded.select(prediction, bounds), plain.select(prediction, target), strict=True
    ):
        assert torch.equal(mine, theirs)
    torch.testing.assert_close(bounded.summarise(bounds), plain.summarise(target), equal_nan=True)


@pytest.mark.parametrize("error", ERRORS)
def test_within_its_bounds_a_prediction_costs_and_moves_nothing(error: Any) -> None:
    task = Regression("y", bounded=True, error=error, mean=0.0, scale=3.0)
    inside = torch.tensor([[1e30], [0.5], [-7.0], [10.0], [1.0]], requires_grad=True)
    labels = LABELS[[1, 2, 2, 1, 4]].unsqueeze(1)
    loss = task.loss(inside, labels)
    loss.backward()
    assert loss.item() == 0
    assert inside.grad is not None
    assert not inside.grad.any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_predictions_of_any_precision_are_met_at_their_own_number(dtype: torch.dtype) -> None:
    task = Regression("y", bounded=True, mean=0.0, scale=0.3)
    prediction = torch.tensor([[10.1], [11.7]], dtype=dtype)
    assert task.loss(prediction, LABELS[[1, 1]].unsqueeze(1)).item() == 0


def test_missing_labels_leave_gradients_as_they_are() -> None:
    task = Regression("y", bounded=True, mean=0.0, scale=1.0)
    prediction = torch.zeros(5, 1, requires_grad=True)
    task.loss(prediction, LABELS.unsqueeze(1)).backward()
    assert prediction.grad is not None
    # 2 e / n of: 4; more than 10; less than 0.5; missing; between 1 and 3
    assert prediction.grad.flatten().tolist() == pytest.approx([-8 / 4, -20 / 4, 0, 0, -2 / 4])


def test_what_a_label_states() -> None:
    torch.testing.assert_close(
        exact(LABELS), torch.tensor([4.0, NAN, NAN, NAN, NAN]), equal_nan=True
    )
    torch.testing.assert_close(
        stated(LABELS), torch.tensor([4.0, 10.0, 0.5, NAN, 2.0]), equal_nan=True
    )
    at = nearest(torch.full((1, 5), 2.0), LABELS.unsqueeze(0))
    torch.testing.assert_close(at, torch.tensor([[4.0, 10.0, 0.5, NAN, 2.0]]), equal_nan=True)


def test_the_unit_is_that_of_the_numbers_which_labels_state() -> None:
    task, plain = Regression("y", bounded=True), Regression("y")
    task.fit_labels(LABELS.unsqueeze(1))
    plain.fit_labels(torch.tensor([4.0, 10.0, 0.5, 2.0]))
    assert task.unit is not None
    assert plain.unit is not None
    assert (task.unit.mean, task.unit.scale) == (plain.unit.mean, plain.unit.scale)


def test_metrics_and_constants_read_exact_labels_alone() -> None:
    task = Regression("y", bounded=True, mean=0.0, scale=1.0)
    labels = torch.cat([LABELS, torch.tensor([[8.0, 8.0]])]).unsqueeze(1)
    prediction = torch.zeros(6, 1)
    meters = TaskMeters(task, "cpu")
    meters.update(prediction, labels, None)
    assert meters.compute() == {"mae": 6.0, "rmse": pytest.approx(math.sqrt(40))}
    constant = ConstantMeters(task, task.summarise(labels), "cpu")
    constant.update(prediction, labels, None)
    assert constant.compute() == {"mae": 2.0, "rmse": 2.0}
    assert task.show(labels[0], prediction[0]) == ([4.0], [0.0])
    assert task.show(labels[1], prediction[1]) == (None, [0.0])


def test_without_an_exact_label_metrics_are_undefined() -> None:
    task = Regression("y", bounded=True, mean=0.0, scale=1.0)
    meters = TaskMeters(task, "cpu")
    meters.update(torch.zeros(2, 1), LABELS[1:3].unsqueeze(1), None)
    assert all(map(math.isnan, meters.compute().values()))


WRONG: list[tuple[Any, type[PlaitError], str]] = [
    ([[[1.0, 1.0]], [[3.0, 1.0]]], DataError, r"found \(3, 1\) in row 2 of the batch"),
    ([[[1.0, NAN]]], DataError, r"found \(1, nan\) in row 1"),
    ([[[INF, INF]]], DataError, r"found \(inf, inf\) in row 1"),
    ([[[-INF, -INF]]], DataError, r"found \(-inf, -inf\)"),
    ([[[-INF, INF]]], DataError, r"one of them finite.*found \(-inf, inf\)"),
    ([[[1, 2]]], DataError, r"must be floats.*found torch\.int64"),
    ([[1.0, 2.0]], ShapeError, r"bounded and must be \[B, 1, 2\].*found \[1, 2\]"),
    ([[[1.0, 2.0, 3.0]]], ShapeError, r"\[B, 1, 2\].*found \[1, 1, 3\]"),
]


@pytest.mark.parametrize(("labels", "error", "text"), WRONG)
def test_what_is_no_pair_of_bounds_is_refused(
    labels: Any, error: type[PlaitError], text: str
) -> None:
    with pytest.raises(error, match=text):
        check_bounds("y", torch.tensor(labels), 1)
    with pytest.raises(error, match=text):
        Regression("y", bounded=True).count(torch.tensor(labels))


def test_bounds_need_an_axis_of_their_own() -> None:
    task = Regression("y", bounded=True)
    with pytest.raises(ShapeError, match=r"head gives \[3, 1\].*\[3, 1\]; being bounded"):
        task.loss(torch.zeros(3, 1), torch.zeros(3, 1))
    with pytest.raises(ConfigError, match="cannot be `bounded` and one `vector`"):
        Regression("y", outputs=2, vector=True, bounded=True)
