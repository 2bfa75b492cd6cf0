"""A task of the user's own."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plait.core.errors import ConfigError, DataError, ShapeError
from plait.core.features import Features, FeatureShape
from plait.core.kinds import Kind
from plait.tasks import BaseTask, Task
from tests.tasks.kinds import no_head, squared


def gradient(loss: Tensor, prediction: Tensor) -> Tensor:
    return torch.autograd.grad(loss, prediction)[0]


def custom(**options: object) -> BaseTask:
    return Task("y", **{"head": no_head, "loss": squared, **options})


@pytest.mark.parametrize(
    "loss",
    [
        lambda p, y: (p.exp().log() - y.log()) ** 2,  # not finite at 0
        lambda p, y: F.binary_cross_entropy_with_logits(p, y, reduction="none"),
        lambda p, y: F.poisson_nll_loss(p, y, reduction="none"),
        lambda p, y: ((p - y) / y).abs(),
    ],
)
def test_a_missing_label_gives_no_gradient_in_any_loss(loss) -> None:
    target = torch.tensor([0.2, math.nan, 0.7])
    prediction = torch.tensor([0.3, -0.4, 0.5], requires_grad=True)
    task = custom(loss=loss)
    found = task.loss(prediction, target)
    expected = loss(prediction[[0, 2]], target[[0, 2]]).mean()
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(gradient(found, prediction), gradient(expected, prediction))


def test_its_own_rule_says_which_labels_are_there() -> None:
    """Labels `[B, 2]` of which each example has one count; -1 means missing."""
    task = custom(
        loss=lambda p, y: squared(p, y).sum(dim=1), valid=lambda labels: (labels >= 0).all(dim=1)
    )
    target = torch.tensor([[1.0, 2.0], [-1.0, 3.0], [0.0, 0.0]])
    prediction = torch.zeros(3, 2, requires_grad=True)
    assert task.count(target) == 2
    loss = task.loss(prediction, target)
    assert loss.item() == (1 + 4 + 0) / 2
    assert gradient(loss, prediction).tolist() == [[-1.0, -2.0], [0.0, 0.0], [0.0, 0.0]]


def test_a_missing_whole_number_gives_no_gradient_in_any_loss() -> None:
    """By its own rule 0 is missing, and the loss divides by the label."""
    task = custom(loss=lambda p, y: (p - 1 / y) ** 2, valid=lambda labels: labels > 0)
    prediction = torch.zeros(3, requires_grad=True)
    loss = task.loss(prediction, torch.tensor([0, 2, 4]))
    assert loss.item() == (1 / 4 + 1 / 16) / 2
    assert gradient(loss, prediction).tolist() == [0.0, -1 / 2, -1 / 4]


def test_an_infinite_loss_without_weight_does_not_count() -> None:
    task = custom(loss=lambda p, y: (y - p) / y)
    prediction, target = torch.tensor([1.0, 1.0]), torch.tensor([0.0, 2.0])
    assert task.loss(prediction, target, torch.tensor([0.0, 1.0])).item() == 0.5


def test_labels_may_be_a_structure() -> None:
    task = custom(
        loss=lambda p, y: (p - y["a"] - y["b"]) ** 2, valid=lambda labels: labels["a"] >= 0
    )
    target = {"a": torch.tensor([1.0, -1.0, 2.0]), "b": torch.tensor([1.0, 1.0, 1.0])}
    prediction = torch.tensor([2.0, 9.0, 0.0])
    assert task.count(target) == 2
    assert task.loss(prediction, target).item() == (0 + 9) / 2
    kept, labels = task.select(prediction, target)
    assert kept.tolist() == [2.0, 0.0]
    assert {key: value.tolist() for key, value in labels.items()} == {"a": [1, 2], "b": [1, 1]}
    with pytest.raises(DataError, match="Give the task its own `valid`"):
        custom().count(target)


def test_a_scalar_loss_needs_every_label_and_no_weights() -> None:
    task = custom(loss=lambda p, y: squared(p, y).mean())
    target, prediction = torch.tensor([1.0, 3.0]), torch.zeros(2)
    assert task.loss(prediction, target).item() == 5.0
    assert task.count(target) == 2
    with pytest.raises(ConfigError, match="the loss of task 'y' is a scalar"):
        task.loss(prediction, torch.tensor([1.0, math.nan]))
    with pytest.raises(ConfigError, match="the loss of task 'y' is a scalar"):
        task.loss(prediction, target, torch.ones(2))


def test_a_loss_of_another_shape_is_refused() -> None:
    task = custom(loss=lambda p, y: squared(p, y).sum(dim=1))
    with pytest.raises(ShapeError, match=r"task 'y' must be a scalar or .* \[3, 2\]; found \[3\]"):
        task.loss(torch.zeros(3, 2), torch.zeros(3, 2))


@pytest.mark.parametrize("target", [torch.tensor([1, 2]), torch.tensor([True, False])])
def test_whole_number_labels_are_never_missing(target: Tensor) -> None:
    assert custom().valid(target).tolist() == [True, True]


def test_its_head_is_made_from_the_shapes() -> None:
    shape = FeatureShape(((4,),))
    task = custom(head=lambda shape: nn.Linear(shape.channels(), 2))
    assert task.build_head(shape).weight.shape == (2, 4)
    assert Features((torch.zeros(1, 4),)).levels[-1].shape == (1, 4)


def test_it_says_what_its_predictions_and_labels_are() -> None:
    task = custom(kind=Kind("numbers"), geometry="point")
    assert (task.kind, task.geometry) == (Kind("numbers"), "point")
    assert (custom().kind, custom().geometry) == (Kind("other"), "other")
    with pytest.raises(ConfigError, match="Did you mean 'point'"):
        custom(geometry="pont")


def test_a_scalar_loss_with_a_known_count_asks_no_more() -> None:
    """The count says that no label is missing; else the labels are looked at."""
    task = custom(loss=lambda p, y: squared(p, y).mean())
    target, prediction = torch.tensor([1.0, 3.0]), torch.zeros(2)
    assert task.loss(prediction, target, count=2.0).item() == 5.0
    missing = torch.tensor([1.0, math.nan])
    with pytest.raises(ConfigError, match="the loss of task 'y' is a scalar"):
        task.loss(prediction, missing, count=1.0)
