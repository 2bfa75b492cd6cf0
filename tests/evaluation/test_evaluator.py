"""Sums of losses and metrics; tests/evaluation/test_evaluate.py has them for whole models."""

import math

import pytest
import torch
from torchmetrics.classification import BinaryAUROC

from plait.core import Batch
from plait.core.errors import ConfigError, NonFiniteError
from plait.evaluation.evaluator import Evaluation, Evaluator
from plait.tasks import Binary, Regression
from tests.engine.garbage import left_behind

SIZE = Regression("size")
CLICKS = torch.tensor([[0.0], [1.0], [0.0], [1.0]])


def test_losses_are_means_over_all_labels() -> None:
    evaluator = Evaluator({"size": SIZE}, "cpu")
    evaluator.add_losses({"size": 1.0}, {"size": 1.0})
    evaluator.add_losses({"size": 4.0}, {"size": 2.0})
    found = evaluator.finish()
    assert found.losses == {"size": 3.0}
    assert found.counts == {"size": 3.0}


def test_metrics_are_of_all_that_was_added() -> None:
    evaluator = Evaluator({"size": SIZE}, "cpu", statistics={"size": SIZE.summarise(torch.ones(2))})
    for labels in (torch.tensor([[1.0]]), torch.tensor([[2.0], [math.nan]])):
        (part,) = Batch.of(labels, {"size": labels}, [SIZE]).parts
        evaluator.add({"size": torch.zeros(len(labels), 1)}, part)
    found = evaluator.finish()
    assert found.metrics["size"]["mae"] == 1.5
    assert found.trivial["size"]["mae"] == 0.5
    assert found.higher_is_better == {"size": {"mae": False, "rmse": False}}


def test_no_prediction_outlives_the_evaluation() -> None:
    """Metrics that keep all predictions hold themselves."""
    task = Binary("click")
    statistics = {"click": task.summarise(CLICKS)}
    (part,) = Batch.of(torch.zeros(4, 1), {"click": CLICKS}, [task]).parts
    with left_behind() as found:
        evaluator = Evaluator({"click": task}, "cpu", statistics=statistics)
        evaluator.add({"click": torch.arange(4.0)[:, None]}, part)
        assert evaluator.finish().metrics["click"]["auroc"] == 0.75
        del evaluator
    assert [each for each in found if isinstance(each, BinaryAUROC)], "it holds itself no more"
    assert not [each for each in found if isinstance(each, torch.Tensor) and each.dim()]


def test_a_loss_that_is_nan_is_an_error() -> None:
    with pytest.raises(NonFiniteError, match="task 'size' are NaN"):
        Evaluator({"size": SIZE}, "cpu").add_losses({"size": math.nan}, {"size": 1.0})


def test_statistics_of_an_unknown_task() -> None:
    with pytest.raises(ConfigError, match="sise"):
        Evaluator({"size": SIZE}, "cpu", statistics={"sise": torch.zeros(2)})


def test_the_evaluation_of_some_tasks_keeps_the_metrics_over_several() -> None:
    whole = Evaluation(
        {"size": 1.0, "kind": 2.0},
        {"size": {"mae": 1.0}, "kind": {"accuracy": 0.5}},
        {},
        {"size": 3.0, "kind": 0.0},
        one_class={"kind": "no"},
        all_right={"both": 0.25},
    )
    assert whole.only(["size", "kind"]) == whole
    assert whole.only(["size"]) == Evaluation(
        {"size": 1.0}, {"size": {"mae": 1.0}}, {}, {"size": 3.0}, all_right={"both": 0.25}
    )
