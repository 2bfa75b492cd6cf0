"""The best constant of each metric: no other constant does better on the labels."""

import pytest
import torch
from torchmetrics import Metric
from torchmetrics.regression import (
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogError,
    WeightedMeanAbsolutePercentageError,
)

from plait.tasks import MeanDistance
from plait.tasks.constants.best_number import best_number

METRICS = [
    MeanAbsoluteError(),
    MeanAbsolutePercentageError(),
    MeanSquaredError(),
    MeanSquaredLogError(),
    WeightedMeanAbsolutePercentageError(),
]


def score(metric: Metric, constant: torch.Tensor, labels: torch.Tensor) -> float:
    measured = metric.clone().set_dtype(torch.float64)
    measured.update(constant.expand_as(labels), labels)
    return measured.compute().item()


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: type(metric).__name__)
def test_no_other_constant_is_better(metric: Metric) -> None:
    labels = torch.rand(41, 1).double() ** 3 * 20 + 0.5
    best = best_number(labels, metric)
    reached = score(metric, best, labels)
    for other in torch.linspace(0, 21, 400).double():
        assert score(metric, other, labels) >= reached - 1e-9


def test_no_other_point_is_nearer() -> None:
    """Also where most labels are the same point, on which the search lands."""
    for labels in (torch.randn(30, 2).double() ** 3, torch.tensor([[1.0, 2.0]] * 4 + [[9.0, 9.0]])):
        metric = MeanDistance()
        best = best_number(labels, metric)
        reached = score(metric, best, labels)
        for step in 0.05 * torch.randn(200, 2).double():
            assert score(metric, best + step, labels) >= reached - 1e-6


def test_missing_labels_are_left_out() -> None:
    nan = torch.nan
    labels = torch.tensor([[1.0, nan, nan], [3.0, nan, 8.0], [11.0, nan, 2.0]])
    assert best_number(labels).tolist() == [5.0, 0.0, 5.0]
    assert best_number(labels, MeanAbsoluteError()).tolist() == [3.0, 0.0, 2.0]
    assert best_number(labels, MeanAbsolutePercentageError())[1] == 0.0
    assert best_number(labels, MeanDistance()).tolist() == [0.0, 0.0, 0.0]
    assert best_number(labels[:0]).tolist() == [0.0, 0.0, 0.0]
