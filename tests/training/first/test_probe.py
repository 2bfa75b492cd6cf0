"""Other labels and predictions are tried without a trace."""

import math

import pytest
import torch
from torch import Tensor

from plait.tasks import Classification, Regression, Task
from plait.tasks.heads import ScalarHead
from plait.training.first.probe import is_known, labels_count, predictions_count

PREDICTED = torch.tensor([[0.5], [1.0], [-2.0], [0.0]])
LABELS = torch.tensor([[1.0], [math.nan], [3.0], [-1.0]])


def task(loss: object) -> Task:
    return Task("own", head=lambda shape: ScalarHead(shape, 1), loss=loss)  # type: ignore[arg-type]


def squared(p: Tensor, y: Tensor) -> Tensor:
    return (p - y) ** 2


def test_plaits_own_losses_are_known() -> None:
    assert is_known(Classification("kind", classes=2))
    assert is_known(Regression("size"))
    assert not is_known(task(squared))

    class Mine(Regression):
        """A class of the user's own."""

    assert not is_known(Mine("size"))


@pytest.mark.parametrize(
    ("loss", "labels", "predictions"),
    [
        (squared, True, True),
        (lambda p, y: p**2, False, True),
        (lambda p, y: 0 * p + 1, False, False),
        (lambda p, y: 0 * p + y, True, False),
        (lambda p, y: (p.mean() - y.mean()).expand_as(p) ** 2, True, True),
        (lambda p, y: (p.abs() - 90).clamp_min(0) * y, False, True),  # flat where it is
        (lambda p, y: squared(p, y) + torch.rand(()), True, True),
        (lambda p, y: p**2 + torch.rand(()), False, True),
    ],
)
def test_what_a_loss_depends_on(loss: object, labels: bool, predictions: bool) -> None:
    before = torch.get_rng_state()
    assert labels_count(task(loss), PREDICTED, LABELS, None) is labels
    assert predictions_count(task(loss), PREDICTED, LABELS, None) is predictions
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("predicted", "labels"),
    [
        (PREDICTED, torch.full((4, 1), math.nan)),
        (PREDICTED, torch.tensor([[1.0], [math.nan], [math.nan], [math.nan]])),
        (PREDICTED, torch.full((4, 1), 2.0)),
        (torch.zeros(4, 1), LABELS),
    ],
    ids=["none", "one", "equal", "equal predictions"],
)
def test_where_it_cannot_be_told(predicted: Tensor, labels: Tensor) -> None:
    assert labels_count(task(squared), predicted, labels, None) is None


def test_labels_of_weight_0_are_left_where_they_are() -> None:
    """Else a loss that reads only where there are labels would seem to read them."""
    weights = torch.tensor([1.0, 0.0, 1.0, 1.0])
    labels = LABELS.nan_to_num(7.0)
    assert labels_count(task(lambda p, y: p**2), PREDICTED, labels, weights) is False
    assert labels_count(task(squared), PREDICTED, labels, weights) is True
