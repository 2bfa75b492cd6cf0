"""The order of the batches depends on (seed, epoch) and on nothing else."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.utils.data import Dataset

from plait.core.errors import ConfigError, DataError
from plait.data import Draw, EpochBatches, InMemory, collate, loader

SIZES = st.integers(1, 40)


def drawn(batches: EpochBatches, epoch: int, skip: int = 0) -> list[list[Draw]]:
    batches.set_epoch(epoch, skip)
    return list(batches)


def order_of(batches: EpochBatches, epoch: int) -> list[int]:
    return [draw.index for batch in drawn(batches, epoch) for draw in batch]


@given(SIZES, SIZES, st.booleans(), st.integers(0, 2**62), st.integers(0, 9))
def test_every_epoch_is_a_permutation_in_full_batches(
    size: int, batch_size: int, shuffle: bool, seed: int, epoch: int
) -> None:
    batches = EpochBatches(size, batch_size, shuffle=shuffle, seed=seed)
    found = drawn(batches, epoch)
    indices = [draw.index for batch in found for draw in batch]
    assert sorted(indices) == list(range(size))
    assert {draw.epoch for batch in found for draw in batch} == {epoch}
    assert [len(batch) for batch in found[:-1]] == [batch_size] * (len(found) - 1)
    assert 1 <= len(found[-1]) <= batch_size
    assert len(found) == len(batches)
    if not shuffle:
        assert indices == list(range(size))


@given(SIZES, SIZES, st.integers(0, 9), st.integers(0, 50))
def test_to_skip_is_to_leave_out_the_beginning(
    size: int, batch_size: int, epoch: int, skip: int
) -> None:
    batches = EpochBatches(size, batch_size, shuffle=True)
    assert drawn(batches, epoch, skip) == drawn(batches, epoch)[skip:]


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    batches = EpochBatches(50, 7, shuffle=True, seed=3)
    orders = [drawn(batches, epoch) for epoch in range(4)]
    torch.manual_seed(99)
    torch.rand(5)
    state = torch.get_rng_state()
    other = EpochBatches(50, 7, shuffle=True, seed=3)
    assert [drawn(other, epoch) for epoch in (3, 1)] == [orders[3], orders[1]]
    assert torch.equal(torch.get_rng_state(), state)
    # the batch size cuts the order and does not change it
    wider = EpochBatches(50, 9, shuffle=True, seed=3)
    seeds = EpochBatches(50, 7, shuffle=True, seed=4)
    assert order_of(wider, 1) == order_of(batches, 1)
    indices = {tuple(order_of(batches, epoch)) for epoch in range(4)}
    assert len(indices | {tuple(order_of(seeds, 0))}) == 5


def test_every_example_comes_first_about_as_often() -> None:
    """600 epochs of 6: the number of times is binomial, 100 +- 9, so 60..140 is over 4 sigma."""
    batches = EpochBatches(6, 6, shuffle=True)
    firsts = [drawn(batches, epoch)[0][0].index for epoch in range(600)]
    assert all(60 < firsts.count(index) < 140 for index in range(6))


@pytest.mark.parametrize(
    ("size", "batch_size", "error", "message"),
    [
        (3, 0, ConfigError, "`batch_size` must be at least 1; found 0"),
        (3, -1, ConfigError, "`batch_size` must be at least 1; found -1"),
        (0, 2, DataError, "must have at least one example; found none"),
    ],
)
def test_nothing_to_draw_is_refused(size, batch_size, error, message: str) -> None:
    with pytest.raises(error, match=message):
        EpochBatches(size, batch_size, shuffle=True)


# --- data in memory -------------------------------------------------------------------------


def data(size: int = 11) -> InMemory:
    numbers = torch.arange(size)
    return InMemory(
        torch.stack([numbers, -numbers], dim=1).float(), {"y": numbers, "z": numbers / 2}
    )


def test_an_example_is_its_row() -> None:
    inputs, targets = data()[Draw(4, epoch=2)]
    assert inputs.tolist() == [4.0, -4.0]
    assert {task: label.item() for task, label in targets.items()} == {"y": 4, "z": 2.0}
    assert data()[4][1]["y"].item() == 4
    assert len(data()) == 11


def test_labels_and_inputs_have_one_length() -> None:
    with pytest.raises(DataError, match="task 'z' has 3 labels for 4 examples"):
        InMemory(torch.zeros(4, 2), {"y": torch.zeros(4), "z": torch.zeros(3)})


# --- batches --------------------------------------------------------------------------------


def read(loading: Any, epoch: int, skip: int = 0) -> list[tuple[Tensor, dict[str, Tensor]]]:
    loading.batch_sampler.set_epoch(epoch, skip)
    return list(loading)


def test_a_loader_stacks_what_the_batches_name() -> None:
    loading = loader(data(), batch_size=4, shuffle=True, seed=1)
    order = drawn(EpochBatches(11, 4, shuffle=True, seed=1), 2)
    batches = read(loading, 2)
    assert len(batches) == len(loading) == 3
    for (inputs, targets), draws in zip(batches, order, strict=True):
        indices = torch.tensor([draw.index for draw in draws])
        assert torch.equal(inputs, torch.stack([indices, -indices], dim=1).float())
        assert torch.equal(targets["y"], indices)
        assert torch.equal(targets["z"], indices / 2)


def test_workers_read_the_same_batches() -> None:
    runs = [
        read(loader(data(), batch_size=3, shuffle=True, workers=workers), 1, skip=1)
        for workers in (0, 2)
    ]
    assert len(runs[0]) == 3
    for one, other in zip(*runs, strict=True):
        assert torch.equal(one[0], other[0])
        assert all(torch.equal(one[1][task], other[1][task]) for task in ("y", "z"))


def test_what_is_skipped_is_not_read() -> None:
    class Watched(Dataset[Any]):
        def __init__(self) -> None:
            self.read: list[int] = []

        def __len__(self) -> int:
            return 9

        def __getitem__(self, draw: Draw) -> tuple[Tensor, dict[str, int]]:
            self.read.append(draw.index)
            return torch.zeros(1), {"y": draw.epoch}

    watched = Watched()
    loading = loader(watched, batch_size=2, shuffle=True)
    batches = read(loading, 5, skip=3)
    assert [targets["y"].tolist() for _, targets in batches] == [[5, 5], [5]]
    assert watched.read == [d.index for b in drawn(loading.batch_sampler, 5, 3) for d in b]


def test_reading_draws_nothing_from_the_global_generator() -> None:
    """Else what dropout draws would change with the number of epochs that were read before."""
    loading = loader(data(), batch_size=4, shuffle=True)
    state = torch.get_rng_state()
    read(loading, 0)
    read(loading, 1)
    assert torch.equal(torch.get_rng_state(), state)


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
