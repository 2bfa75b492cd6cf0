"""A metric on resamples from its sums, against the metric on the examples of each."""

import math

import pytest
import torch
from torchmetrics import MeanAbsoluteError, Metric
from torchmetrics.classification import (
    BinaryAUROC,
    BinaryF1Score,
    MulticlassCohenKappa,
    MulticlassF1Score,
)
from torchmetrics.regression import MeanSquaredError, PearsonCorrCoef, R2Score
from torchmetrics.wrappers import MinMaxMetric

from plait.evaluation.meter import Meter
from plait.evaluation.unit_sums import UnitSums
from plait.tasks.labels.class_metrics import MeanIoU

UNITS = 6


def classes(rows: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(rows, 3).softmax(dim=1), torch.randint(3, (rows,))


def yes_or_no(rows: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.rand(rows), torch.randint(2, (rows,))


def numbers(rows: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(rows).double(), torch.randn(rows).double()


@pytest.mark.parametrize(
    ("metric", "made"),
    [
        (MulticlassF1Score(3, average="macro"), classes),
        (MeanIoU(3), lambda rows: (torch.randint(3, (rows,)), torch.randint(3, (rows,)))),
        (BinaryF1Score(), yes_or_no),
        (MeanAbsoluteError(), numbers),
        (MeanSquaredError(squared=False), numbers),
    ],
)
def test_sums_of_units_are_the_metric_of_their_examples(metric: Metric, made) -> None:
    sums = UnitSums(Meter("m", metric.clone(), "cpu"))
    pieces: list[list[tuple[torch.Tensor, torch.Tensor]]] = [[] for _ in range(UNITS)]
    for unit in (0, 2, 5, 3, 2):  # one without examples, one in two pieces
        pieces[unit].append(made(4))
        sums.add(unit, *pieces[unit][-1])
    sums.add(1, *(each[:0] for each in made(1)))
    counts = torch.randint(3, (5, UNITS)).double()
    counts[-1] = torch.tensor([0, 4, 0, 0, 2, 0])  # those without examples
    found = sums.compute(counts)
    for draw, times in enumerate(counts.long().tolist()):
        meter = Meter("m", metric.clone(), "cpu")
        for own, often in zip(pieces, times, strict=True):
            for piece in own * often:
                meter.update(*piece)
        assert found[draw] == pytest.approx(meter.compute(), rel=1e-12, nan_ok=True)
    assert math.isnan(found[-1])


@pytest.mark.parametrize(
    ("metric", "sums"),
    [
        (MeanAbsoluteError(), True),
        (MulticlassF1Score(3), True),
        (BinaryAUROC(), False),  # keeps all scores
        (PearsonCorrCoef(), False),  # keeps means
        (R2Score(), False),  # asks whether all labels are equal
        (MulticlassCohenKappa(3), False),  # asks which classes there are
        (MeanAbsoluteError() + MeanSquaredError(), False),  # keeps nothing itself
        (MinMaxMetric(MeanAbsoluteError()), False),
    ],
)
def test_what_keeps_sums_alone(metric: Metric, sums: bool) -> None:
    assert Meter("m", metric, "cpu").sums is sums


def test_without_an_example_nothing_is_defined() -> None:
    sums = UnitSums(Meter("m", MeanAbsoluteError(), "cpu"))
    assert all(map(math.isnan, sums.compute(torch.ones(3, UNITS).double())))
