"""What a head gives, decoded: against softmax, argmax and the logistic function by hand."""

import pytest
import torch

from plait.core.errors import NonFiniteError
from plait.tasks import (
    BaseTask,
    Classification,
    DenseRegression,
    MultiLabel,
    Regression,
    Segmentation,
    Tagging,
)

AXES = [
    (Classification("y", classes=3), (4, 3), 1),
    (Segmentation("y", classes=3), (4, 3, 2, 5), 1),
    (Tagging("y", classes=3), (4, 7, 3), 2),
]


@pytest.mark.parametrize(("task", "shape", "axis"), AXES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_classes(task: BaseTask, shape: tuple[int, ...], axis: int, dtype: torch.dtype) -> None:
    logits = torch.randn(shape).to(dtype)
    found = task.decode(logits)
    exact = logits.double()
    expected = exact.exp() / exact.exp().sum(axis, keepdim=True)
    assert torch.equal(found.value, logits.float().argmax(axis))
    assert found.probabilities is not None
    torch.testing.assert_close(found.probabilities.double(), expected, atol=1e-6, rtol=0)


def test_labels_and_their_names() -> None:
    task = MultiLabel("tags", labels=3, names=["a", "b", "c"])
    found = task.decode(torch.tensor([[1.0, -1.0, 2.0], [-1.0, -2.0, -3.0]]))
    assert found.value.tolist() == [[True, False, True], [False, False, False]]
    assert found.named() == [["a", "c"], []]
    assert found.probabilities is not None
    assert found.probabilities[0, 0].item() == pytest.approx(1 / (1 + 2.718281828**-1))


def test_numbers_have_no_probabilities() -> None:
    numbers = torch.randn(3, 2)
    for task, each in ((Regression("y", outputs=2), numbers), (DenseRegression("y"), numbers)):
        found = task.decode(each)
        assert found.probabilities is None
        assert torch.equal(found.value, each)
        assert found.named() == each.tolist()


def test_padding_has_no_tag() -> None:
    task = Tagging("pos", classes=2, names=["noun", "verb"], ignore_index=9)
    mask = torch.tensor([[True, True, False]])
    found = task.decode(torch.tensor([[[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]]), mask)
    assert found.value.tolist() == [[0, 1, 9]]
    assert found.named() == [["noun", "verb", None]]


def test_nan_is_no_class() -> None:
    with pytest.raises(NonFiniteError, match="task 'y' are NaN"):
        Classification("y", classes=2).decode(torch.tensor([[0.0, torch.nan]]))
