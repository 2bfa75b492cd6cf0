"""Labels that are read once, and again as soon as somebody has written to them.

tests/data/test_table_loader.py has the batches, against those of torch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from plait.core.label_table import LabelTable
from plait.data import InMemory, loader
from plait.data.collate import Collation
from plait.data.counted_labels import CountedLabels
from plait.tasks import BaseTask, Binary, Classification, Regression
from tests.operations import Operations

ROWS = 7
TASKS: tuple[BaseTask, ...] = (
    *(Binary(f"yes{number}") for number in range(9)),
    *(Classification(f"kind{number}", classes=2) for number in range(8)),
    Regression("size"),
)


def drawn() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    found = {}
    for task in TASKS:
        labels = torch.randint(2, (ROWS,), generator=generator)
        found[task.name] = labels if isinstance(task, Classification) else labels.float()
    return found


def table() -> InMemory:
    return InMemory(torch.zeros(ROWS, 2), drawn())


def test_the_labels_of_a_row_are_known_where_none_is_missing() -> None:
    data = table()
    found = CountedLabels.of(data, TASKS)
    assert found.labels_of_row == {task.name: 1.0 for task in TASKS}
    assert isinstance(found.targets, LabelTable)
    data.targets["kind3"][2] = -100
    assert CountedLabels.of(data, TASKS).labels_of_row is None


@pytest.mark.parametrize("weights", [[0.5, 2.0], [1.0, 1.0]])
def test_weighted_labels_are_counted_batch_by_batch(weights: list[float]) -> None:
    tasks = tuple(Binary(f"yes{n}", class_weights=weights) for n in range(9))
    data = InMemory(torch.zeros(ROWS, 2), {task.name: drawn()[task.name] for task in tasks})
    assert CountedLabels.of(data, tasks).labels_of_row is None


def test_labels_that_are_as_they_were_are_not_read_again() -> None:
    batches = loader(table(), batch_size=ROWS, shuffle=True, tasks=TASKS)
    counts = []
    for _ in range(3):
        with Operations() as operations:
            list(batches)
        counts.append(operations.count)
    assert counts[0] > counts[1] == counts[2]
    assert counts[1] < len(TASKS)


def in_place(data: InMemory) -> None:
    data.targets["yes3"][1] = torch.nan


def in_place_of_one_alone(data: InMemory) -> None:
    data.targets["size"][1] = torch.nan


def in_place_of_a_view(data: InMemory) -> None:
    data.targets["yes3"].detach().view(-1)[1:2].fill_(torch.nan)


def another_tensor(data: InMemory) -> None:
    data.targets["yes3"] = data.targets["yes3"].masked_fill(torch.arange(ROWS) == 1, torch.nan)


CHANGES: list[Callable[[InMemory], Any]] = [
    in_place,
    in_place_of_one_alone,
    in_place_of_a_view,
    another_tensor,
]


@pytest.mark.parametrize("change", CHANGES)
def test_labels_that_were_written_to_are_read_again(change: Callable[[InMemory], Any]) -> None:
    data = table()
    batches = loader(data, batch_size=ROWS, shuffle=False, tasks=TASKS)
    (before,) = batches
    change(data)
    (after,) = batches
    name = "size" if change is in_place_of_one_alone else "yes3"
    assert (before.counts[name], after.counts[name]) == (ROWS, ROWS - 1)
    assert after.parts[0].targets[name].isnan().tolist() == [False, True] + [False] * (ROWS - 2)


def test_labels_in_memory_of_numpy_are_read_in_each_epoch() -> None:
    arrays: Any = {name: labels.numpy().copy() for name, labels in drawn().items()}
    data = InMemory(torch.zeros(ROWS, 2), arrays)
    batches = loader(data, batch_size=ROWS, shuffle=False, tasks=TASKS)
    (before,) = batches
    arrays["yes3"][1] = np.nan
    (after,) = batches
    assert (before.counts["yes3"], after.counts["yes3"]) == (ROWS, ROWS - 1)


def test_labels_of_inference_have_no_version_and_are_read_in_each_epoch() -> None:
    with torch.inference_mode():
        data = table()
    assert not CountedLabels.of(data, TASKS).holds(data, TASKS)


def test_other_labels_and_other_tasks_are_read() -> None:
    data = table()
    batches = loader(data, batch_size=ROWS, shuffle=False, tasks=TASKS)
    (before,) = batches
    del data.targets["kind5"]
    data.targets["kind"] = torch.zeros(ROWS)
    (after,) = batches
    assert set(before.counts) - set(after.counts) == {"kind5"}
    assert after.parts[0].foreign == ("kind",)
    batches.collate_fn = Collation(TASKS[:3])
    (last,) = batches
    assert list(last.counts) == [task.name for task in TASKS[:3]]
