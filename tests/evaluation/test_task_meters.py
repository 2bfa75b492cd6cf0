"""The metrics of one task: of predictions, and each of its own best constant."""

import math

import pytest
import torch
from torchmetrics.classification import MultilabelF1Score

from plait.core.errors import NonFiniteError
from plait.evaluation.task_meters import ConstantMeters, TaskMeters
from plait.tasks import Classification, MultiLabel, Regression

HOURS = torch.tensor([[40.0], [40.0], [40.0], [0.0], [10.0], [math.nan]])


def test_each_metric_has_the_constant_that_is_best_for_it() -> None:
    task = Regression("hours")
    meters = ConstantMeters(task, task.summarise(HOURS), "cpu")
    meters.update(torch.zeros(6, 1), HOURS, None)
    found = meters.compute()
    known = HOURS[:5, 0]
    assert found["mae"] == pytest.approx(float((known - 40).abs().mean()))
    assert found["rmse"] == pytest.approx(float(known.std(correction=0)))


def test_yes_for_every_label_is_the_constant_for_f1() -> None:
    task = MultiLabel("y", labels=2, metrics={"f1": MultilabelF1Score(2, ignore_index=-1)})
    target = torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    meters = ConstantMeters(task, task.summarise(target), "cpu")
    meters.update(torch.zeros(4, 2), target, None)
    assert meters.compute()["f1"] == pytest.approx(2 * 0.25 / 1.25)


@pytest.mark.parametrize("task", [Regression("y"), Classification("y", classes=2)])
def test_a_prediction_that_is_nan_is_refused_where_there_is_a_label(task) -> None:
    width = 2 if isinstance(task, Classification) else 1
    prediction = torch.zeros(3, width)
    prediction[1] = math.nan
    target = torch.zeros(3).long() if width == 2 else torch.zeros(3, 1)
    with pytest.raises(NonFiniteError, match="predictions of task 'y' are NaN"):
        TaskMeters(task, "cpu").update(prediction, target, None)
    target[1] = task.missing
    meters = TaskMeters(task, "cpu")
    meters.update(prediction, target, None)
    assert all(map(math.isfinite, meters.compute().values()))
