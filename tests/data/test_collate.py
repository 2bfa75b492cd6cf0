"""From examples to pairs, and to counted batches."""

import math
import pickle
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from plait.core.batch import Batch
from plait.core.errors import DataError
from plait.data import Collation, InMemory, as_batch, collate
from plait.tasks import Classification, Regression

TASKS = [Classification("kind", classes=3), Regression("size")]
INPUTS = torch.randn(5, 2)
TARGETS = {
    "kind": torch.tensor([0, -100, 2, 1, 1]),
    "size": torch.tensor([[1.0], [math.nan], [math.nan], [2.0], [math.nan]]),
    "other": torch.zeros(5),
}
WEIGHTS = {"kind": torch.tensor([1.0, 1.0, 0.5, 0.0, 0.0])}


def test_a_missing_label_is_its_tasks_missing_value() -> None:
    items = [
        ({"image": torch.ones(2), "age": 3}, {"y": 1, "z": math.nan}),
        ({"image": torch.zeros(2), "age": 4}, {"y": -100, "z": 0.5}),
    ]
    inputs, targets = collate(items)
    assert inputs["image"].tolist() == [[1, 1], [0, 0]]
    assert inputs["age"].tolist() == [3, 4]
    assert targets["y"].tolist() == [1, -100]
    assert targets["z"].isnan().tolist() == [True, False]


@pytest.mark.parametrize("other", [{"y": 1}, {"y": 1, "z": 2, "x": 3}, {"y": 1, "Z": 2}, {}])
def test_examples_with_other_labels_are_refused(other: dict[str, int]) -> None:
    items = [(torch.zeros(1), {"y": 1, "z": 2}), (torch.zeros(1), other)]
    with pytest.raises(DataError, match="the same label names") as caught:
        collate(items)
    assert f"found ['y', 'z'] and {sorted(other)}" in str(caught.value)
    assert "Give a missing label as NaN or the task's ignore_index" in str(caught.value)


def test_a_collation_counts_the_labels_of_its_tasks() -> None:
    data = InMemory(INPUTS, TARGETS)
    batch = Collation(TASKS)([data[index] for index in range(5)])
    (part,) = batch.parts
    assert batch.counts == {"kind": 4.0, "size": 2.0}
    assert part.tasks == ("kind", "size")
    assert torch.equal(part.inputs, INPUTS)


def test_a_collation_serves_a_strangers_loader() -> None:
    collation = pickle.loads(pickle.dumps(Collation(TASKS)))
    loading = DataLoader(InMemory(INPUTS, TARGETS), batch_size=2, collate_fn=collation)
    counts = [batch.counts for batch in loading]
    assert counts == [{"kind": 1.0, "size": 1.0}, {"kind": 2.0, "size": 1.0}, {"kind": 1.0}]


def test_labels_that_break_their_rule_are_refused_by_the_collation() -> None:
    with pytest.raises(DataError, match="task 'kind'"):
        Collation(TASKS)([(torch.zeros(2), {"kind": torch.tensor(3)})])


def test_a_batch_is_made_of_what_any_loader_yields() -> None:
    pair = as_batch([INPUTS, TARGETS], TASKS)
    assert pair.counts == {"kind": 4.0, "size": 2.0}
    assert as_batch(pair, TASKS) is pair
    weighted = as_batch((INPUTS, TARGETS, WEIGHTS), TASKS)
    assert weighted.counts == {"kind": 1.5, "size": 2.0}
    assert weighted.parts[0].weights.keys() == {"kind"}


@pytest.mark.parametrize("item", [INPUTS, (INPUTS,), (INPUTS, TARGETS, {}, 1), "text", None])
def test_anything_else_is_refused(item: Any) -> None:
    with pytest.raises(DataError, match=r"a loader must yield \(inputs, {task: labels}\)"):
        as_batch(item, TASKS)


def test_labels_of_no_task_are_refused_with_the_nearest_name() -> None:
    with pytest.raises(DataError, match=r"found kinds; tasks: kind, size.*Did you mean 'kind'"):
        as_batch((INPUTS, {"kinds": TARGETS["kind"]}), TASKS)
    empty = as_batch((INPUTS, {"size": torch.full((5, 1), math.nan)}), TASKS)
    assert isinstance(empty, Batch)
    assert empty.counts == {}, "a task without a valid label is absent, and no error"


@pytest.mark.parametrize(
    ("example", "found"),
    [
        (torch.zeros(3), "found Tensor"),
        ((torch.zeros(3), 1), r"found \(Tensor, int\)"),
        ((torch.zeros(3), {"y": 0}, {"y": 1.0}), r"found \(Tensor, dict, dict\)"),
        ({"x": 1}, "found dict"),
    ],
)
def test_an_example_is_a_pair(example: Any, found: str) -> None:
    with pytest.raises(DataError, match=rf"must be \(inputs, {{task: label}}\); {found}"):
        collate([example, example])


def test_examples_that_do_not_stack_are_named() -> None:
    ragged: list[Any] = [(torch.zeros(n), {"y": 0}) for n in (2, 3)]
    with pytest.raises(DataError, match=r"the inputs .* found \[2\], \[3\]. .*`collate_fn`"):
        collate(ragged)
    with pytest.raises(DataError, match=r"the labels 'y' .* found \[1\], \[2\]"):
        collate([(torch.zeros(2), {"y": torch.zeros(n)}) for n in (1, 2)])
    with pytest.raises(DataError, match=r"the inputs .* found object"):
        collate([(object(), {"y": 0})] * 2)
