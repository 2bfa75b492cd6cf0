"""Batches that are cut by index, against those of torch's loader."""

import random
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Subset

from plait.core.batch import Batch
from plait.core.errors import DataError
from plait.core.label_table import LabelTable
from plait.data import InMemory, loader
from plait.data.collate import Collation
from plait.data.table_loader import TableLoader, counting
from plait.tasks import Binary, Classification, Regression, Survival
from plait.training.feed import Feed
from tests.operations import Operations

ROWS = 23


def tasks() -> list[Any]:
    return [
        Regression("size", mean=0.0, scale=1.0),
        Regression("place", outputs=3, vector=True, mean=0.0, scale=1.0),
        Regression("three", outputs=3, mean=0.0, scale=1.0),
        Classification("kind", classes=4),
        Binary("yes"),
        Binary("weighted", class_weights=[0.5, 1.5]),
        Survival("life", cuts=[0.2, 0.5]),
    ]


def data(missing: str = "", foreign: bool = False) -> InMemory:
    generator = torch.Generator().manual_seed(3)
    yes = (torch.rand(ROWS, 1, generator=generator) > 0.5).float()
    targets = {
        "size": torch.randn(ROWS, 1, generator=generator),
        "place": torch.randn(ROWS, 3, generator=generator),
        "three": torch.randn(ROWS, 3, generator=generator),
        "kind": torch.randint(4, (ROWS,), generator=generator),
        "yes": yes,
        "weighted": yes.clone(),
        "life": torch.cat([torch.rand(ROWS, 1, generator=generator), yes], dim=1),
    }
    if missing:
        targets[missing][::2] = -100 if missing == "kind" else torch.nan
    if foreign:
        targets["colour"] = torch.zeros(ROWS)
    return InMemory(torch.randn(ROWS, 5, generator=generator), targets)


def same(one: Any, other: Any) -> None:
    if not isinstance(one, Batch):
        torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True)
        return
    (first,), (second,) = one.parts, other.parts
    assert first.counts == second.counts
    assert first.foreign == second.foreign
    assert list(first.targets) == list(second.targets)
    same((first.inputs, dict(first.targets)), (second.inputs, dict(second.targets)))


def twins(table: InMemory, **options: Any) -> tuple[TableLoader, DataLoader[Any]]:
    """Returns plait's loader, and torch's with the same sampler and collation."""
    own = loader(table, batch_size=4, **options)
    assert type(own) is TableLoader
    theirs = loader(table, batch_size=4, **options)
    return own, DataLoader(table, batch_sampler=theirs.batch_sampler, collate_fn=theirs.collate_fn)


@pytest.mark.parametrize("options", [{"shuffle": True}, {"shuffle": False, "drop_last": True}])
@pytest.mark.parametrize("missing", ["", "size", "place", "kind", "yes", "weighted"])
@pytest.mark.parametrize("only", [None, ["yes"], ["size", "place", "three", "kind"], "all"])
def test_the_batches_are_those_of_torch(options: dict[str, Any], missing: str, only: Any) -> None:
    chosen = only and [task for task in tasks() if only == "all" or task.name in only]
    own, theirs = twins(data(missing, foreign=True), tasks=chosen, **options)
    feeds = Feed(own, 1), Feed(theirs, 1)
    for epoch, skip in ((0, 0), (1, 0), (2, 3)):
        first, second = (list(feed.epoch(epoch, skip)) for feed in feeds)
        assert len(first) == len(second) == len(own) - skip
        for one, other in zip(first, second, strict=True):
            same(one, other)


def test_a_task_without_a_label_in_a_batch_is_absent_there() -> None:
    table = data()
    table.targets["size"][:8] = torch.nan
    own = loader(table, batch_size=4, shuffle=False, tasks=tasks())
    assert ["size" in batch.counts for batch in own] == [False] * 2 + [True] * 4


def test_labels_that_change_between_epochs_are_counted_again() -> None:
    table = data()
    own = loader(table, batch_size=ROWS, shuffle=False, tasks=tasks())
    (before,) = own
    table.targets["yes"][:5] = torch.nan
    (after,) = own
    assert before.counts["yes"] == ROWS
    assert after.counts["yes"] == ROWS - 5


def test_a_label_that_breaks_its_rule_is_found() -> None:
    table = data()
    table.targets["kind"][7] = 9
    with pytest.raises(DataError, match="'kind'"):
        list(loader(table, batch_size=4, shuffle=True, tasks=tasks()))


def test_batches_are_copies_of_their_rows() -> None:
    table = data()
    inputs = table.inputs.clone()
    for batch in loader(table, batch_size=4, shuffle=False, tasks=tasks()):
        batch.parts[0].inputs.zero_()
    assert torch.equal(table.inputs, inputs)


def test_nothing_is_drawn_from_the_global_generators() -> None:
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    list(loader(data(), batch_size=4, shuffle=True, tasks=tasks()))
    after = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    assert before[:2] == after[:2]
    assert torch.equal(before[2], after[2])


class Doubled(InMemory):
    def __getitem__(self, index: int) -> Any:
        inputs, targets = super().__getitem__(index)
        return 2 * inputs, targets


def test_other_data_and_workers_are_read_by_torch() -> None:
    table = data()
    doubled = Doubled(table.inputs, table.targets)
    for other in (doubled, Subset(table, range(ROWS))):
        assert type(loader(other, batch_size=4, shuffle=False)) is DataLoader
    (batch,) = loader(doubled, batch_size=ROWS, shuffle=False)
    assert torch.equal(batch[0], 2 * table.inputs)
    with_workers = loader(table, batch_size=4, shuffle=True, tasks=tasks(), workers=1)
    alone = loader(table, batch_size=4, shuffle=True, tasks=tasks())
    for one, other in zip(with_workers, alone, strict=True):
        same(one, other)


def test_what_somebody_has_set_is_obeyed() -> None:
    own = loader(data(), batch_size=4, shuffle=False)
    own.collate_fn = len
    assert list(own) == [4, 4, 4, 4, 4, 3]
    own.collate_fn = Collation(tasks())
    assert all(isinstance(batch, Batch) for batch in own)


@pytest.mark.parametrize("missing", ["", "size", "kind"])
def test_a_loader_without_tasks_counts_for_those_that_it_is_given(missing: str) -> None:
    table, chosen = data(missing, foreign=True), tasks()
    plain = loader(table, batch_size=4, shuffle=True)
    counted, wanted = (
        counting(plain, chosen),
        loader(table, batch_size=4, shuffle=True, tasks=chosen),
    )
    for epoch, skip in ((0, 0), (1, 2)):
        batches = list(Feed(counted, 1).epoch(epoch, skip))
        assert len(batches) == len(plain) - skip
        for one, other in zip(batches, Feed(wanted, 1).epoch(epoch, skip), strict=True):
            same(one, other)
    assert counting(plain, chosen) is counted
    assert counting(plain, chosen[:2]) is not counted
    assert isinstance(next(iter(plain)), tuple)


def test_a_loader_that_counts_or_is_of_no_table_is_left_alone() -> None:
    table, chosen = data(), tasks()
    own = loader(table, batch_size=4, shuffle=False)
    own.collate_fn = len
    others = [
        [1, 2],
        own,
        loader(table, batch_size=4, shuffle=False, tasks=chosen),
        loader(table, batch_size=4, shuffle=False, workers=1),
        loader(Subset(table, range(ROWS)), batch_size=4, shuffle=False),
    ]
    assert all(counting(other, chosen) is other for other in others)
    uncounted = loader(table, batch_size=4, shuffle=False)
    assert counting(uncounted, []) is uncounted


# --- many tasks: their labels are cut as one tensor -------------------------------------------


def many(missing: str = "", count: int = 9) -> tuple[list[Any], InMemory]:
    """Several of each kind of task, in an order of their own; no label of some where it is odd."""
    generator = torch.Generator().manual_seed(5)
    chosen = [
        Regression(f"size{number}", mean=0.0, scale=1.0)
        if number % 3 == 0
        else Binary(f"yes{number}")
        if number % 3 == 1
        else Classification(f"kind{number}", classes=2)
        for number in range(3 * count)
    ]
    targets = {"colour": torch.zeros(ROWS)}
    for task in reversed(chosen):
        labels = torch.randint(2, (ROWS,), generator=generator)
        targets[task.name] = labels if isinstance(task, Classification) else labels.float()
        if task.name.startswith(missing or "nothing"):
            none = -100 if isinstance(task, Classification) else torch.nan
            targets[task.name][torch.rand(ROWS, generator=generator) < 0.5] = none
    others = [task for task in tasks() if task.name != "weighted"]
    return chosen + others, InMemory(torch.randn(ROWS, 2), {**targets, **data().targets})


@pytest.mark.parametrize("missing", ["", "size", "yes", "kind"])
def test_the_labels_of_many_tasks_are_those_of_torch(missing: str) -> None:
    chosen, table = many(missing)
    own, theirs = twins(table, tasks=chosen, shuffle=True)
    for one, other in zip(own, theirs, strict=True):
        assert isinstance(one.parts[0].targets, LabelTable)
        same(one, other)


def test_a_label_of_many_tasks_that_breaks_its_rule_is_told_as_by_torch() -> None:
    chosen, table = many("yes")
    table.targets["kind5"][3] = 7
    for each in twins(table, tasks=chosen, shuffle=True):
        with pytest.raises(DataError, match=r"labels of task 'kind5' must be 0\.\.1 .* found 7"):
            list(each)


def test_batches_of_many_tasks_are_copies_of_their_rows() -> None:
    chosen, table = many()
    before = {name: labels.clone() for name, labels in table.targets.items()}
    for batch in loader(table, batch_size=4, shuffle=False, tasks=chosen):
        for labels in batch.parts[0].targets.values():
            labels.zero_()
    assert all(torch.equal(before[name], labels) for name, labels in table.targets.items())


@pytest.mark.parametrize("missing", ["", "size", "yes", "kind"])
def test_a_batch_takes_as_many_operations_however_many_the_tasks(missing: str) -> None:
    found = []
    for count in (10, 20):
        chosen, table = many(missing, count)
        batches = iter(loader(table, batch_size=11, shuffle=False, tasks=chosen))
        next(batches)  # with what is looked at once in an epoch
        with Operations() as operations:
            batch = next(batches)
        found.append(operations.count)
        assert len(batch.counts) == len(chosen)
    assert found[0] == found[1]
