"""Tables of disjoint tasks: batches by task, in any order, from any position."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from plait.core.errors import DataError
from plait.core.structure import PerTask
from plait.data import Disjoint, InMemory, as_batch, collate, loader, of_tasks
from plait.model import MultiTaskModel
from plait.sharing import Hard, Separate
from plait.tasks import Regression
from plait.training import Trainer
from plait.training.feed import Feed
from tests.training.problem import StopAt, Stopped, assert_same_run

SIZES = {"a": 5, "none": 0, "b": 3, "c": 9}


def data(sizes: dict[str, int] = SIZES) -> Disjoint:
    """Inputs and labels that say which example they are; widths differ by task."""
    inputs, targets, first = {}, {}, 0
    for width, (task, size) in enumerate(sizes.items(), start=1):
        numbers = torch.arange(first, first + size).float()
        inputs[task], targets[task] = numbers[:, None].repeat(1, width), -numbers
        first += size
    return Disjoint(inputs, targets)


def rows(batch: Any) -> dict[str, list[float]]:
    """The examples of a batch by task, once it is a batch."""
    inputs, targets = batch
    assert isinstance(inputs, PerTask)
    assert list(inputs) == list(targets) == list(SIZES)
    for width, (task, table) in enumerate(inputs.items(), start=1):
        assert table.shape == (len(targets[task]), width)
        assert torch.equal(table, -targets[task][:, None].expand_as(table))
    return {task: (-labels).tolist() for task, labels in targets.items()}


def same(first: Any, second: Any) -> bool:
    return all(
        list(a) == list(b) and all(torch.equal(a[task], b[task]) for task in a)
        for a, b in zip(first, second, strict=True)
    )


# --- items and batches ----------------------------------------------------------------------


@pytest.mark.parametrize(("index", "task"), [(0, "a"), (4, "a"), (5, "b"), (7, "b"), (16, "c")])
def test_an_item_is_a_row_of_its_task_and_no_row_of_the_others(index: int, task: str) -> None:
    found = rows(data()[index])
    assert found == {each: [index] if each == task else [] for each in SIZES}
    assert rows(data()[index]) == found


def test_it_is_a_sequence() -> None:
    assert len(data()) == 17
    assert rows(data()[-1])["c"] == [16]
    with pytest.raises(IndexError):
        data()[17]


@given(st.lists(st.integers(0, 16), min_size=1, max_size=30))
def test_a_batch_is_its_items_joined_in_their_order(indices: list[int]) -> None:
    tables = data()
    slow = {task: [float(i) for i in indices if rows(tables[i])[task]] for task in SIZES}
    one_by_one = collate([tables[index] for index in indices])
    at_once = collate(tables.__getitems__(list(indices)))
    assert rows(one_by_one) == slow
    assert same(one_by_one, at_once)


@pytest.mark.parametrize("workers", [0, 2])
def test_an_epoch_has_every_example_once(workers: int) -> None:
    loading = loader(data(), batch_size=4, shuffle=True, seed=1, workers=workers)
    batches = [rows(batch) for batch in loading]
    assert [sum(map(len, batch.values())) for batch in batches] == [4, 4, 4, 4, 1]
    found = {task: sorted(i for batch in batches for i in batch[task]) for task in SIZES}
    assert found == rows(collate([data()[i] for i in range(17)]))


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("skip", [0, 2, 4])
def test_an_epoch_goes_on_from_any_position(workers: int, skip: int) -> None:
    whole = list(Feed(loader(data(), batch_size=4, shuffle=True), seed=7).epoch(3))
    feed = Feed(loader(data(), batch_size=4, shuffle=True, workers=workers), seed=7)
    rest = list(feed.epoch(3, skip=skip))
    assert len(rest) == 5 - skip
    assert all(map(same, rest, whole[skip:]))


# --- training -------------------------------------------------------------------------------


def model(tables: Disjoint) -> MultiTaskModel:
    tasks = [Regression(task, scale=5.0) for task in tables.inputs]
    example = collate([tables[0]])[0]
    return MultiTaskModel(Separate(nn.Identity()), tasks, example=example)


def test_a_task_without_a_row_is_absent_from_the_step() -> None:
    tables = data()
    joint = model(tables).eval()  # training would warn of the losses' sizes
    inputs, targets = collate([tables[index] for index in (0, 16, 3)])
    batch = joint.batch(inputs, targets)
    assert batch.counts == {"a": 2, "c": 1}
    losses = joint.losses([joint(inputs, batch.parts[0].targets)], batch)
    assert list(losses) == ["a", "c"]
    weight, bias = (p.item() for p in joint.heads["task:a"].parameters())
    expected = [((weight * x + bias) * 5 + x) / 5 for x in (0.0, 3.0)]
    assert losses["a"].item() == pytest.approx(sum(e * e for e in expected) / 2, rel=1e-5)


def test_training_goes_on_to_the_last_bit(tmp_path: Path) -> None:
    tables = data().only(["a", "b", "c"])

    def trainer(folder: Path, *callbacks: Any) -> Trainer:
        return Trainer(
            model(tables),
            epochs=3,
            seed=5,
            device="cpu",
            run=folder,
            rule="loss",
            checkpoint_every=1,
            callbacks=callbacks,
        )

    def feeds() -> tuple[Any, Any]:
        return loader(tables, batch_size=4, shuffle=True), loader(
            tables, batch_size=6, shuffle=False
        )

    trainer(tmp_path / "whole").fit(*feeds())
    with pytest.raises(Stopped):
        trainer(tmp_path / "cut", StopAt("on_step_end", 7)).fit(*feeds())
    trainer(tmp_path / "cut").fit(*feeds(), resume=True)
    assert_same_run(tmp_path / "whole", tmp_path / "cut")


# --- some of the tasks ----------------------------------------------------------------------


def test_other_tasks_examples_are_left_out() -> None:
    some = of_tasks(data(), ["c", "a"])
    assert isinstance(some, Disjoint)
    assert len(some) == 14
    batch = collate([some[i] for i in range(14)])
    assert {task: labels.tolist() for task, labels in batch[1].items()} == {
        "a": [-0.0, -1, -2, -3, -4],
        "c": [float(-i) for i in range(8, 17)],
    }


def test_another_kind_of_data_stays_as_it_is() -> None:
    common = InMemory(torch.zeros(2, 3), {"a": torch.zeros(2), "b": torch.zeros(2)})
    assert of_tasks(common, ["a"]) is common


def test_unknown_tasks_are_refused() -> None:
    with pytest.raises(DataError, match=r"unknown table of task 'd'; known: a, b, c, none"):
        data().only(["a", "d"])


@pytest.mark.parametrize(
    ("inputs", "targets", "words"),
    [
        ({}, {}, "must have a task; found none"),
        ({"a": 3}, {}, "'a' must have one label for each example; found 0 labels for 3 examples"),
        ({"a": 3}, {"a": 3, "b": 1}, "'b' must .* found 1 labels for 0 examples"),
        ({"a": 3, "b": 2}, {"a": 3, "b": 1}, "'b' must .* found 1 labels for 2 examples"),
    ],
)
def test_every_example_has_a_label(
    inputs: dict[str, int], targets: dict[str, int], words: str
) -> None:
    def tables(sizes: dict[str, int]) -> dict[str, Tensor]:
        return {task: torch.zeros(size, 1) for task, size in sizes.items()}

    with pytest.raises(DataError, match=words):
        Disjoint(tables(inputs), tables(targets))


# --- one table of all -----------------------------------------------------------------------


def test_a_pooled_example_has_a_label_of_its_own_task_alone() -> None:
    tables = Disjoint(
        {"a": torch.tensor([[1.0], [2.0]]), "none": torch.zeros(0, 1), "b": torch.tensor([[3.0]])},
        {"a": torch.tensor([5.0, 6.0]), "none": torch.zeros(0), "b": torch.tensor([7.0])},
    )
    pool = tables.pooled()
    nan = torch.nan
    assert pool.inputs.tolist() == [[1.0], [2.0], [3.0]]
    found = torch.stack([pool.targets[task] for task in ("a", "none", "b")])
    expected = torch.tensor([[5.0, 6.0, nan], [nan, nan, nan], [nan, nan, 7.0]])
    torch.testing.assert_close(found, expected, equal_nan=True)


def test_pooled_labels_keep_their_shape() -> None:
    tables = Disjoint({"a": torch.zeros(2, 3)}, {"a": torch.ones(2, 4, 1)})
    assert tables.pooled().targets["a"].shape == (2, 4, 1)


def test_a_pool_gives_the_gradients_of_the_tables() -> None:
    """One pass over all examples, and one for each task through a network of its own."""
    torch.manual_seed(0)
    tables = Disjoint(
        {task: torch.randn(size, 3) for task, size in SIZES.items() if size},
        {task: torch.randn(size) for task, size in SIZES.items() if size},
    )
    tasks = [Regression(name) for name in tables.inputs]
    model = MultiTaskModel(Hard(nn.Linear(3, 4)), tasks, example=torch.zeros(1, 3))
    found = []
    for data_set in (tables, tables.pooled()):
        batch = as_batch(collate([data_set[index] for index in range(len(tables))]), tasks)
        model.zero_grad()
        losses = model.losses([model(batch.parts[0].inputs)], batch)
        assert list(losses) == list(tables.inputs)
        torch.stack(list(losses.values())).sum().backward()
        found.append([p.grad.clone() for p in model.parameters() if p.grad is not None])
    assert len(found[0]) == 2 + 2 * len(tasks)
    for each, pooled in zip(*found, strict=True):
        torch.testing.assert_close(each, pooled)


@pytest.mark.parametrize(
    ("inputs", "labels", "found"),
    [
        ({"a": torch.zeros(1, 2), "b": torch.zeros(1, 3)}, torch.zeros(1), "found {"),
        ({"a": torch.zeros(1, 2), "b": torch.zeros(1, 2)}, torch.zeros(1).long(), "'a' in torch"),
    ],
)
def test_tables_that_cannot_be_pooled(
    inputs: dict[str, Tensor], labels: Tensor, found: str
) -> None:
    with pytest.raises(DataError, match=f"tables are pooled where inputs have one shape.*{found}"):
        Disjoint(inputs, dict.fromkeys(inputs, labels)).pooled()
