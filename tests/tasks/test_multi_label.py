import math

import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score
from torch import Tensor
from torchmetrics.classification import MultilabelAUROC

from plait.core.errors import ConfigError, DataError, ShapeError
from plait.core.features import Features, FeatureShape
from plait.tasks import MultiLabel

NAN = math.nan


def test_the_loss_at_even_odds_is_log_two() -> None:
    task = MultiLabel("y", labels=2)
    target = torch.tensor([[1.0, NAN], [0.0, 1.0]])
    torch.testing.assert_close(task.loss(torch.zeros(2, 2), target).item(), math.log(2))
    assert task.count(target) == 3


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.float64, torch.bfloat16])
def test_any_type_of_zeros_and_ones_gives_the_same_loss(dtype: torch.dtype) -> None:
    task = MultiLabel("y", labels=3)
    prediction, target = torch.randn(2, 3), torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]])
    assert task.count(target.to(dtype)) == 6
    assert task.loss(prediction, target.to(dtype)) == task.loss(prediction, target)
    assert torch.equal(task.select(prediction, target.to(dtype))[1], target.long())
    assert torch.equal(task.summarise(target.to(dtype)), task.summarise(target))


@pytest.mark.parametrize("wrong", [2.0, -1.0, 0.5, math.inf])
def test_labels_other_than_zero_and_one_are_refused(wrong: float) -> None:
    with pytest.raises(DataError, match=rf"'y' must be 0, 1 or NaN \(missing\); found {wrong}"):
        MultiLabel("y", labels=2).count(torch.tensor([[0.0, NAN], [1.0, wrong]]))


def test_shapes_and_options_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"task 'y': the head gives \[2, 3\].*\[2, 1\]"):
        MultiLabel("y", labels=3).loss(torch.zeros(2, 3), torch.zeros(2, 1))
    with pytest.raises(ConfigError, match="`labels` of task 'y' must be at least 1; found 0"):
        MultiLabel("y", labels=0)


def scores(task: MultiLabel, prediction: Tensor, target: Tensor) -> dict[str, float]:
    metrics = task.new_metrics()
    for rows in torch.arange(len(target)).chunk(3):
        for metric in metrics.values():
            metric.update(*task.select(prediction[rows], target[rows]))
    return {name: metric.compute().item() for name, metric in metrics.items()}


@pytest.mark.parametrize("small", [False, True], ids=["any logits", "logits between 0 and 1"])
@pytest.mark.parametrize("labels", [1, 3])
def test_the_metrics_are_those_of_scikit_learn(small: bool, labels: int) -> None:
    """A logit above 0 is a yes, also where all logits of a batch look like probabilities."""
    task = MultiLabel("y", labels=labels)
    prediction, target = torch.randn(30, labels), (torch.rand(30, labels) < 0.6).float()
    if small:
        prediction = prediction.sigmoid() * 0.4 + 0.05
    target[torch.rand(30, labels) < 0.2] = NAN
    there = ~target.isnan()
    decided = (prediction > 0).float()
    each = [
        f1_score(target[there[:, k], k], decided[there[:, k], k], zero_division=0.0)
        for k in range(labels)
    ]
    assert scores(task, prediction, target) == pytest.approx(
        {"accuracy": accuracy_score(target[there], decided[there]), "f1": sum(each) / labels}
    )


def test_metrics_that_rank_are_given_one_scale() -> None:
    """Batches of small and of large logits: probabilities of the same logit must agree."""
    task = MultiLabel("y", labels=2, metrics={"auroc": MultilabelAUROC(2, ignore_index=-1)})
    prediction = torch.tensor([0.1, 0.2, 0.3, -7.0, 7.0, 0.4]).view(6, 1).expand(6, 2)
    target = torch.tensor([0.0, 0.0, 0.0, 0.0, 1.0, 1.0]).view(6, 1).expand(6, 2)
    assert scores(task, prediction, target) == {"auroc": 1.0}


def test_examples_without_any_label_are_left_out() -> None:
    task = MultiLabel("y", labels=2)
    target = torch.tensor([[NAN, NAN], [1.0, NAN], [0.0, 1.0]])
    prediction, labels = task.select(torch.zeros(3, 2), target, torch.tensor([1.0, 1.0, 0.0]))
    assert labels.tolist() == [[1, -1]]
    assert prediction.tolist() == [[0.5, 0.5]]


@pytest.mark.parametrize("rate", [0.6, 0.4])
def test_the_trivial_predictor_is_the_majority_of_each_label(rate: float) -> None:
    task = MultiLabel("y", labels=2)
    yes = torch.arange(10) < 10 * rate
    target = torch.stack([yes, ~yes], dim=1).float()
    target = torch.cat([target, torch.full((1, 2), NAN)])
    summary = task.summarise(target)
    assert summary.tolist() == [[10 * rate, 10 * (1 - rate)], [10, 10]]
    constant = task.spread(task.constant(summary), torch.zeros(11, 2))
    assert constant.shape == (11, 2)
    assert (constant[0] > 0).tolist() == [rate > 0.5, rate < 0.5]
    assert scores(task, constant, target)["accuracy"] == pytest.approx(0.6)
    weights = torch.zeros(11)
    weights[0] = 0.5
    assert task.summarise(target, weights).tolist() == [[1, 0], [1, 1]]


def test_the_trivial_predictor_is_finite_without_a_yes() -> None:
    task = MultiLabel("y", labels=1)
    constant = task.spread(task.constant(task.summarise(torch.zeros(3, 1))), torch.zeros(1, 1))
    assert bool(constant.isfinite().all())
    assert bool((constant < 0).all())


def test_each_label_has_weights_of_its_own() -> None:
    task = MultiLabel("y", labels=2, class_weights=[(1, 1), (0.5, 4)])
    target = torch.tensor([[1.0, 1.0], [0.0, NAN], [NAN, 0.0]])
    assert task.label_weights(target, None).tolist() == [[1, 4], [1, 0], [0, 0.5]]
    assert task.count(target) == 6.5
    with pytest.raises(ConfigError, match="`class_weights` of task 'y' must have a pair for each"):
        MultiLabel("y", labels=2, class_weights=[(1, 1)])
    with pytest.raises(ConfigError, match="must have 2 numbers, of no and of yes; found 1"):
        MultiLabel("y", labels=1, class_weights=[[1.0]])


def test_the_head_gives_one_logit_per_label() -> None:
    head = MultiLabel("y", labels=4, hidden=[5]).build_head(FeatureShape(((6,),)))
    assert [p.shape for p in head.parameters()] == [(5, 6), (5,), (4, 5), (4,)]
    assert head(Features((torch.randn(2, 6),))).shape == (2, 4)


def test_the_labels_that_hold_are_named() -> None:
    task = MultiLabel("y", labels=3, names=["red", "round", "ripe"])
    logits = torch.tensor([1.0, -1.0, 0.5])
    assert task.show(torch.tensor([0.0, 1.0, torch.nan]), logits) == (["round"], ["red", "ripe"])
    assert task.show(torch.full((3,), torch.nan), logits) == (None, ["red", "ripe"])
    assert MultiLabel("y", labels=3).show(torch.zeros(3), logits) == ([], ["0", "2"])
    with pytest.raises(ConfigError, match="`names` of task 'y' must be 2, one per label; found 1"):
        MultiLabel("y", labels=2, names=["a"])
