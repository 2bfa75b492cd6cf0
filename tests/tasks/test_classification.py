import math

import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score
from torch import Tensor
from torchmetrics.classification import MulticlassAUROC

from plait.core.errors import ConfigError, DataError, ShapeError
from plait.core.features import Features, FeatureShape
from plait.tasks import Classification


def test_the_loss_of_equal_logits_is_the_log_of_the_number_of_classes() -> None:
    task = Classification("y", classes=5)
    loss = task.loss(torch.zeros(3, 5), torch.tensor([1, -100, 4]))
    torch.testing.assert_close(loss.item(), math.log(5), rtol=1e-6, atol=0)


def test_class_weights_weigh_each_label_by_its_class() -> None:
    """Two labels at chance 3/4 and 1/4 of their class, weights 1 and 3."""
    task = Classification("y", classes=2, class_weights=[1.0, 3.0])
    logits = torch.tensor([[3.0, 1.0], [3.0, 1.0]]).log()
    target = torch.tensor([0, 1])
    expected = (1 * math.log(4 / 3) + 3 * math.log(4)) / 4
    torch.testing.assert_close(task.loss(logits, target).item(), expected, rtol=1e-6, atol=0)
    assert task.count(target) == 4


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int32, torch.int64, torch.bool])
def test_any_integer_type_gives_the_same_loss(dtype: torch.dtype) -> None:
    for task in (
        Classification("y", classes=2),
        Classification("y", classes=2, class_weights=[1.0, 2.0]),
    ):
        logits, target = torch.randn(4, 2), torch.tensor([0, 1, 1, 0])
        assert task.count(target.to(dtype)) == task.count(target)
        assert task.loss(logits, target.to(dtype)) == task.loss(logits, target)
        assert torch.equal(task.summarise(target.to(dtype)), task.summarise(target))


def test_a_byte_is_not_taken_for_a_missing_label() -> None:
    """-100 in eight bits is 156."""
    task = Classification("y", classes=200)
    target = torch.tensor([156, 3], dtype=torch.uint8)
    assert task.count(target) == 2
    assert task.summarise(target).nonzero().flatten().tolist() == [3, 156]


def test_many_classes_fit_small_labels() -> None:
    task = Classification("y", classes=200, class_weights=[1.0] * 200)
    assert task.count(torch.tensor([5, 100], dtype=torch.int8)) == 2


@pytest.mark.parametrize("wrong", [-1, 3, -99, 10**6])
def test_labels_outside_the_range_are_refused(wrong: int) -> None:
    task = Classification("breed", classes=3)
    message = rf"labels of task 'breed' must be 0\.\.2 or -100 \(missing\); found {wrong}\."
    with pytest.raises(DataError, match=message):
        task.count(torch.tensor([0, -100, wrong, 2]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.complex64])
def test_labels_that_are_no_whole_numbers_are_refused(dtype: torch.dtype) -> None:
    task = Classification("breed", classes=3)
    with pytest.raises(DataError, match=rf"task 'breed' must be whole numbers; found {dtype}"):
        task.count(torch.zeros(2, dtype=dtype))


@pytest.mark.parametrize(
    ("prediction", "target", "expected"),
    [((2, 4), (2,), [2, 3]), ((3, 3), (2,), [2, 3])],
)
def test_shapes_that_do_not_fit_are_refused(prediction, target, expected) -> None:
    task = Classification("breed", classes=3)
    with pytest.raises(ShapeError) as caught:
        task.loss(torch.zeros(prediction), torch.zeros(target, dtype=torch.long))
    message = str(caught.value)
    assert "'breed'" in message
    assert f"need predictions {expected}; the head gives {list(prediction)}" in message


@pytest.mark.parametrize(
    ("target", "way"),
    [((2, 1), r"`labels\.squeeze\(1\)`"), ((2, 3), r"`labels\.argmax\(1\)` if they are one-hot")],
)
def test_labels_of_another_shape_are_told_the_conversion(target: tuple[int, ...], way: str) -> None:
    task = Classification("breed", classes=3)
    with pytest.raises(ShapeError, match=rf"'breed' are .* one class for each .* Write {way}"):
        task.loss(torch.zeros(2, 3), torch.zeros(target, dtype=torch.long))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": 1}, "`classes` of task 'y' must be at least 2; found 1"),
        ({"classes": 3, "class_weights": [1, 2]}, "must have 3 numbers, one per class; found 2"),
        ({"classes": 2, "class_weights": [1, -1]}, "must be finite and not negative"),
        ({"classes": 2, "class_weights": [1, math.nan]}, "must be finite and not negative"),
        ({"classes": 2, "weight": 0}, "`weight` of task 'y' must be positive"),
    ],
)
def test_bad_options_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Classification("y", **options)


def scores(task: Classification, prediction: Tensor, target: Tensor) -> dict[str, float]:
    """The metrics over three batches."""
    metrics = task.new_metrics()
    for rows in torch.arange(len(target)).chunk(3):
        for metric in metrics.values():
            metric.update(*task.select(prediction[rows], target[rows]))
    return {name: metric.compute().item() for name, metric in metrics.items()}


def test_the_metrics_are_those_of_scikit_learn() -> None:
    task = Classification("y", classes=4, ignore_index=9)
    prediction, target = torch.randn(40, 4), torch.randint(4, (40,))
    target[::5] = 9
    there = target != 9
    decided = prediction.argmax(dim=1)[there]
    found = scores(task, prediction, target)
    assert found == pytest.approx(
        {
            "accuracy": accuracy_score(target[there], decided),
            "f1": f1_score(target[there], decided, average="macro"),
        }
    )


def test_the_trivial_predictor_is_the_majority_class() -> None:
    task = Classification("y", classes=3)
    train = [torch.tensor([0, 2, 2, -100]), torch.tensor([2, 1, -100, -100])]
    summary = sum(task.summarise(target) for target in train)
    assert summary.tolist() == [1, 1, 3]
    constant = task.spread(task.constant(summary), torch.zeros(4, 3))
    assert constant.shape == (4, 3)
    torch.testing.assert_close(constant[0].exp(), torch.tensor([0.2, 0.2, 0.6]))
    target = torch.tensor([2, 2, 0, 1])
    assert scores(task, constant, target)["accuracy"] == 0.5


def test_the_trivial_predictor_is_finite_without_a_class() -> None:
    task = Classification("y", classes=3)
    constant = task.spread(task.constant(task.summarise(torch.tensor([1, 1]))), torch.zeros(1, 3))
    assert bool(constant.isfinite().all())
    assert constant.argmax().item() == 1


def test_labels_without_weight_are_in_no_statistic() -> None:
    task = Classification("y", classes=3)
    weights = torch.tensor([0.0, 0.5, 2.0, 0.0])
    assert task.summarise(torch.tensor([0, 1, 2, 2]), weights).tolist() == [0, 1, 1]


def test_other_metrics_take_the_place_of_the_default_ones() -> None:
    task = Classification("y", classes=2, metrics={"auroc": MulticlassAUROC(2)})
    prediction = torch.tensor([[2.0, -2.0], [1.0, -1.0], [-3.0, 3.0]])
    assert scores(task, prediction, torch.tensor([0, 0, 1])) == {"auroc": 1.0}


def test_the_head_gives_one_logit_per_class() -> None:
    shape = FeatureShape(((6, 4, 4),))
    for options, width in (({}, 6), ({"cells": 2}, 24)):
        head = Classification("y", classes=5, hidden=[7], **options).build_head(shape)
        assert [p.shape for p in head.parameters()] == [(7, width), (7,), (5, 7), (5,)]
        assert head(Features((torch.randn(2, 6, 4, 4),))).shape == (2, 5)
