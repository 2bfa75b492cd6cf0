"""Sums over the labels of the first epoch."""

import pytest
import torch

from plait.core.batch import Batch
from plait.core.errors import DataError
from plait.tasks import Classification, Regression
from plait.training.labels import LabelStatistics

TASKS = {"kind": Classification("kind", classes=3), "size": Regression("size")}
KIND = torch.tensor([0, 2, 2, -100, 1, 2])
SIZE = torch.tensor([[1.0], [2.0], [4.0], [torch.nan], [torch.nan], [torch.nan]])


def batch(start: int, stop: int) -> Batch:
    targets = {"kind": KIND[start:stop], "size": SIZE[start:stop]}
    return Batch.of(torch.zeros(stop - start, 1), targets, TASKS.values())


def test_the_sums_are_those_of_all_labels_at_once() -> None:
    parts, whole = LabelStatistics(TASKS), LabelStatistics(TASKS)
    parts.add([batch(0, 2), batch(2, 4)])
    parts.add([batch(4, 6)])
    whole.add([batch(0, 6)])
    assert parts.masses == whole.masses == {"kind": 5.0, "size": 3.0}
    assert parts.statistics.keys() == {"kind", "size"}
    for name, task in TASKS.items():
        expected = task.summarise({"kind": KIND, "size": SIZE}[name], None)
        torch.testing.assert_close(parts.statistics[name], expected)
        torch.testing.assert_close(whole.statistics[name], expected)


def test_a_task_that_never_has_a_label_is_named() -> None:
    labels = LabelStatistics(TASKS)
    labels.add([batch(3, 5)])
    with pytest.raises(DataError, match="task size had no valid label in the whole first epoch"):
        labels.check()
    labels.add([batch(0, 1)])
    labels.check()


def test_labels_of_no_task_are_named_with_it() -> None:
    labels, again = LabelStatistics(TASKS), LabelStatistics(TASKS)
    targets = {"kind": KIND, "weight": SIZE, "row": KIND}
    labels.add([Batch.of(torch.zeros(6, 1), targets, TASKS.values()).to("cpu")])
    again.load_state_dict(labels.state_dict())
    for each in (labels, again):
        with pytest.raises(
            DataError, match=r"task size had .* of no task were there: weight, row\."
        ):
            each.check()


def test_the_sums_are_given_back_as_they_were() -> None:
    labels, again = LabelStatistics(TASKS), LabelStatistics(TASKS)
    labels.add([batch(0, 4)])
    again.load_state_dict(labels.state_dict())
    for each in (labels, again):
        each.add([batch(4, 6)])
    assert again.masses == labels.masses
    for name, found in again.statistics.items():
        assert torch.equal(found, labels.statistics[name])
