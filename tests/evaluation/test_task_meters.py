"""The metrics of one task: of predictions, and each of its own best constant."""

import math

import pytest
import torch
from torchmetrics.classification import BinaryAUROC, MultilabelF1Score

from plait.core.errors import ConfigError, NonFiniteError
from plait.evaluation.task_meters import ConstantMeters, TaskMeters
from plait.tasks import Classification, MultiLabel, Regression, Task

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


def test_a_task_of_ones_own_says_what_makes_probabilities() -> None:
    """Whatever the predictions are: logits that happen to be in 0..1 would pass for some."""
    options = {"head": lambda shape: torch.nn.Identity(), "loss": torch.nn.functional.mse_loss}
    area = {"auc": BinaryAUROC()}
    with pytest.raises(ConfigError, match=r"'click/auc' \(BinaryAUROC\) reads probabilities"):
        TaskMeters(Task("click", metrics=area, **options), "cpu")
    meters = TaskMeters(Task("click", metrics=area, activation=torch.sigmoid, **options), "cpu")
    logits, target = torch.tensor([0.1, 0.2, 0.3, -7.0, 7.0, 0.4]), torch.tensor([0, 0, 0, 0, 1, 1])
    for part in (slice(0, 3), slice(3, 6)):
        meters.update(logits[part], target[part], None)
    assert meters.compute() == {"auc": 1.0}
