"""Constants by task: a summary of labels, joined over batches, and spread over a prediction."""

import pytest
import torch

from plait.core.errors import UnsupportedError
from plait.tasks import BaseTask, Classification, DenseRegression, MultiLabel, Regression
from plait.tasks.constants.predictable import Predictable


def test_by_default_no_constant_is_known() -> None:
    task = Predictable()
    task.name = "y"
    assert task.summarise(torch.zeros(2)) is None
    assert not task.all_equal(torch.zeros(2))
    with pytest.raises(UnsupportedError, match="task 'y' has no trivial predictor"):
        task.constant(torch.zeros(2))


EQUAL = [
    (Classification("y", classes=3), torch.tensor([1, 1, -100]), torch.tensor([1, 2, 1])),
    (MultiLabel("y", labels=2), torch.tensor([[1.0, 0.0]] * 3), torch.eye(2)),
    (Regression("y", outputs=2), torch.tensor([[1.0, 4.0], [1.0, 4.0]]), torch.eye(2)),
    (DenseRegression("y"), torch.ones(2, 1, 2, 2), torch.arange(8.0).reshape(2, 1, 2, 2)),
]


@pytest.mark.parametrize(("task", "same", "different"), EQUAL)
def test_labels_that_are_all_equal_are_known(
    task: BaseTask, same: torch.Tensor, different: torch.Tensor
) -> None:
    one, other = task.summarise(same), task.summarise(different)
    assert one is not None
    assert other is not None
    assert task.all_equal(one)
    assert task.all_equal(task.merge([one, one]))
    assert not task.all_equal(other)
    assert not task.all_equal(task.merge([one, other]))
