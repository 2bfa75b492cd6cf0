"""The kinds with yes-or-no labels, `MultiLabel` and `Binary`, show what their base promises."""

import math

import pytest
import torch
from torch import Tensor
from torchmetrics.classification import BinaryF1Score

from plait.core.errors import DataError
from plait.tasks import Binary, MultiLabel
from plait.tasks.labels import YesNoLabels
from plait.tasks.labels.yes_no import probabilities

NAN = math.nan
TASKS = [Binary("y"), MultiLabel("y", labels=1)]
LABELS = torch.tensor([[1.0], [0.0], [NAN], [1.0]])


@pytest.mark.parametrize("task", TASKS)
def test_labels_are_zero_one_or_missing(task: YesNoLabels) -> None:
    assert task.valid(LABELS).tolist() == [[True], [True], [False], [True]]
    assert task.count(LABELS) == 3
    for wrong in (2.0, -1.0, 0.5, math.inf):
        with pytest.raises(DataError, match=rf"must be 0, 1 or NaN \(missing\); found {wrong}"):
            task.count(torch.tensor([[0.0], [NAN], [wrong]]))
    with pytest.raises(DataError, match=r"found torch\.complex64"):
        task.count(torch.ones(1, 1, dtype=torch.complex64))


@pytest.mark.parametrize("task", TASKS)
def test_the_constant_is_the_rate_of_yes_or_yes_where_that_is_best(task: YesNoLabels) -> None:
    summary = task.summarise(LABELS)
    assert summary.tolist() == [[2], [3]]
    assert task.constant(summary).sigmoid().item() == pytest.approx(2.5 / 4)
    assert task.constant(summary, BinaryF1Score()).sigmoid().item() > 0.99


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_class_weights_are_those_of_weighted_labels(label: float) -> None:
    """Twice the weight is the label twice."""
    twice = torch.tensor([1.0, 2.0] if label else [2.0, 1.0]).tolist()
    prediction = torch.randn(4, 1, dtype=torch.float64)
    more = LABELS[:, 0] == label
    seen, labels = (torch.cat([each, each[more]]) for each in (prediction, LABELS))
    expected = Binary("y").loss(seen, labels)
    weighted: list[YesNoLabels] = [
        Binary("y", class_weights=twice),
        MultiLabel("y", labels=1, class_weights=[twice]),
    ]
    for task in weighted:
        torch.testing.assert_close(task.loss(prediction, LABELS), expected)
        assert task.count(LABELS) == Binary("y").count(labels)


def test_equal_logits_are_equal_probabilities() -> None:
    """The logistic function of torch differs in the last bit with the position, which is a rank."""
    for logit in torch.linspace(-6, 6, 200):
        found: Tensor = probabilities(logit.expand(113, 1))
        assert torch.equal(found, found[:1].expand_as(found))
        torch.testing.assert_close(found[0, 0], logit.double().sigmoid())
