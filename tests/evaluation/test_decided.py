import pytest
import torch
from torch import Tensor

from plait.evaluation.decided import Decided
from plait.tasks import (
    Binary,
    Classification,
    MultiLabel,
    Regression,
    Segmentation,
    Tagging,
)
from plait.tasks.base import BaseTask


def only(task: BaseTask, *batches: tuple[Tensor, Tensor]) -> str:
    watch = Decided(task)
    for prediction, target in batches:
        watch.update(*task.select(prediction, target))
    return watch.only()


def logits(classes: list[int], number: int = 3) -> Tensor:
    return torch.nn.functional.one_hot(torch.tensor(classes), number).float()


def test_a_class_that_is_predicted_everywhere_is_named() -> None:
    task = Classification("y", classes=3, names=["a", "b", "c"])
    labels = torch.tensor([0, 1, 2])
    assert only(task, (logits([1, 1, 1]), labels)) == "b"
    assert only(Classification("y", classes=3), (logits([1, 1, 1]), labels)) == "1"
    assert only(task, (logits([1, 1, 0]), labels)) == ""


def test_batches_are_seen_together() -> None:
    task = Classification("y", classes=3)
    first, second = (logits([1, 1]), torch.tensor([1, 1])), (logits([1]), torch.tensor([0]))
    assert only(task, first) == ""  # as the labels
    assert only(task, first, second) == "1"
    assert only(task, first, second, (logits([0]), torch.tensor([0]))) == ""


def test_labels_that_are_missing_count_for_nothing() -> None:
    task = Classification("y", classes=3)
    assert only(task, (logits([1, 1, 2]), torch.tensor([0, 1, -100]))) == "1"
    assert only(task, (logits([1, 1]), torch.tensor([1, -100]))) == ""
    assert only(task, (logits([1, 1]), torch.tensor([-100, -100]))) == ""
    assert Decided(task).only() == ""


@pytest.mark.parametrize(
    ("task", "prediction", "target", "expected"),
    [
        (
            Segmentation("m", classes=2, names=["clear", "defect"]),
            torch.tensor([1.0, 0.0]).reshape(1, 2, 1, 1).expand(1, 2, 2, 2),
            torch.tensor([[[0, 0], [0, 1]]]),
            "clear",
        ),
        (Tagging("t", classes=3), logits([2, 2, 2])[None], torch.tensor([[2, 0, -100]]), "2"),
        (Binary("b"), torch.tensor([[-1.0], [-9.0]]), torch.tensor([0.0, 1.0]), "no"),
        (Binary("b"), torch.tensor([[-1.0], [9.0]]), torch.tensor([0.0, 1.0]), ""),
        (
            MultiLabel("l", labels=2),
            torch.tensor([[-1.0, -1.0], [-1.0, -1.0]]),
            torch.tensor([[0.0, torch.nan], [0.0, 1.0]]),
            "no",
        ),
        (
            MultiLabel("l", labels=2),
            torch.tensor([[1.0, -1.0], [-1.0, -1.0]]),
            torch.tensor([[0.0, torch.nan], [0.0, 1.0]]),
            "",
        ),
        (
            MultiLabel("l", labels=2),  # the one yes is where there is no label
            torch.tensor([[-1.0, 1.0], [-1.0, -1.0]]),
            torch.tensor([[0.0, torch.nan], [0.0, 1.0]]),
            "no",
        ),
        (Regression("n"), torch.ones(2, 1), torch.tensor([[0.0], [1.0]]), ""),
    ],
)
def test_each_kind_of_task_has_its_classes(
    task: BaseTask, prediction: Tensor, target: Tensor, expected: str
) -> None:
    assert only(task, (prediction, target)) == expected
